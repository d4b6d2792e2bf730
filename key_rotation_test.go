package authmodule_test

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/echoauth"
	"github.com/authmodule/authmodule/fxtest"
	"github.com/authmodule/authmodule/internal/peer"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/store/memstore"
)

// cluster is three nodes over one store, with the answers that valid requests did not get.
type cluster struct {
	nodes []*fxtest.App
	// issued and verified count good answers, failed the others; first is one of those.
	issued, verified, failed atomic.Int64
	first                    atomic.Pointer[string]
}

// newCluster starts nodes whose clocks are off by the skews.
func newCluster(t *testing.T, skews []time.Duration, change func(*authmodule.Config), options ...fx.Option) *cluster {
	t.Helper()
	c := &cluster{}
	for _, skew := range skews {
		c.nodes = append(c.nodes, fxtest.NewConfigured(t, func(cfg *authmodule.Config) {
			cfg.Now = func() time.Time { return time.Now().Add(skew) }
			cfg.SecretKey, cfg.JWT.Algorithm, cfg.JWT.Managed.Enabled = goodSecret, "EdDSA", true
			change(cfg)
		}, append(options, fx.Provide(echo.New), fx.Invoke(echoauth.Mount))...))
	}
	_, err := c.nodes[0].Users.Register(t.Context(), authn.RegisterRequest{Email: email, Password: password})
	require.NoError(t, err)
	return c
}

func (c *cluster) fail(format string, args ...any) {
	c.failed.Add(1)
	text := fmt.Sprintf(format, args...)
	c.first.CompareAndSwap(nil, &text)
}

// do sends a JSON request to a node.
func do(node *fxtest.App, method, path, body, token string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return node.Do(r)
}

type pair struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
}

// issue logs in, or refreshes, on a node.
func (c *cluster) issue(node int, path, body string) (p pair, ok bool) {
	w := do(c.nodes[node], http.MethodPost, path, body, "")
	if w.Code != http.StatusOK || json.Unmarshal(w.Body.Bytes(), &p) != nil {
		c.fail("POST %s on node %d: %d %s", path, node, w.Code, w.Body)
		return pair{}, false
	}
	c.issued.Add(1)
	return p, true
}

func (c *cluster) login(node int) (pair, bool) {
	return c.issue(node, "/auth/login", fmt.Sprintf(`{"email":%q,"password":%q}`, email, password))
}

// load is a client that goes round the nodes until ctx is done: a login, then
// refreshes on one node after another, and each token is shown to every node.
func (c *cluster) load(ctx context.Context, start, shows int, pause time.Duration, outside *reader) {
	ticker := time.NewTicker(pause)
	defer ticker.Stop()
	p, ok := c.login(start)
	for i := start; ok; i++ {
		for range shows {
			for node := range c.nodes {
				if w := do(c.nodes[node], http.MethodGet, "/auth/me", "", p.Access); w.Code != http.StatusOK {
					c.fail("a token shown to node %d: %d %s", node, w.Code, w.Body)
				} else {
					c.verified.Add(1)
				}
			}
		}
		if err := outside.verify(p.Access); err != nil {
			c.fail("a token shown to a reader of the key set: %v", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		p, ok = c.issue(i%len(c.nodes), "/auth/refresh", fmt.Sprintf(`{"refresh_token":%q}`, p.Refresh))
	}
}

// reader verifies as another party does: it keeps the key set for as long as
// the answer says, and looks again for a kid that it does not know.
type reader struct {
	node *fxtest.App
	mu   sync.Mutex
	ring *authn.KeyRing
	read time.Time
}

func (r *reader) verify(token string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	const maxAge = 300 * time.Second
	if r.ring == nil || time.Since(r.read) >= maxAge {
		if err := r.look(); err != nil {
			return err
		}
	}
	_, err := r.ring.VerifyJWS(token, authn.JWSPolicy{Type: "at+jwt"})
	if err == nil {
		return nil
	}
	if err := r.look(); err != nil {
		return err
	}
	_, err = r.ring.VerifyJWS(token, authn.JWSPolicy{Type: "at+jwt"})
	return err
}

func (r *reader) look() error {
	w := do(r.node, http.MethodGet, "/.well-known/jwks.json", "", "")
	if got := w.Header().Get("Cache-Control"); got != "public, max-age=300" {
		return fmt.Errorf("cache header %q", got)
	}
	var set authn.JWKSet
	if err := json.Unmarshal(w.Body.Bytes(), &set); err != nil {
		return err
	}
	var keys []*authn.Key
	for _, jwk := range set.Keys {
		raw, err := base64.RawURLEncoding.DecodeString(jwk.X)
		if err != nil {
			return err
		}
		key, err := authn.NewPublicKey("EdDSA", ed25519.PublicKey(raw))
		if err != nil {
			return err
		}
		keys = append(keys, key)
	}
	ring, err := authn.NewKeyRing(nil, keys...)
	if err == nil {
		r.ring, r.read = ring, time.Now()
	}
	return err
}

// kid is that of the tokens which a node issues now.
func (c *cluster) kid(t *testing.T, node int) string {
	t.Helper()
	key, err := c.nodes[node].SigningKeys.Ring().Signing()
	require.NoError(t, err)
	return key.ID()
}

// rotateUnderLoad is REL-05: rotations go round the nodes every six seconds
// while clients issue and verify, and each is followed within five; then the key that signs is killed.
func (c *cluster) rotateUnderLoad(t *testing.T, rotations, clients, shows int, pause time.Duration) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	outside := &reader{node: c.nodes[0]}
	var running sync.WaitGroup
	for client := range clients {
		running.Go(func() { c.load(ctx, client%len(c.nodes), shows, pause, outside) })
	}
	signed := map[string]bool{}
	for i := range rotations {
		signs, err := c.nodes[i%len(c.nodes)].SigningKeys.Rotate(t.Context(), authn.Principal{})
		require.NoError(t, err)
		require.False(t, signed[signs.ID], "rotation %d brought no new key", i)
		signed[signs.ID] = true
		<-time.After(5 * time.Second)
		for node := range c.nodes {
			require.Equal(t, signs.ID, c.kid(t, node), "node %d has not followed within 5 s", node)
		}
		<-time.After(time.Second)
	}
	cancel()
	running.Wait()
	if first := c.first.Load(); first != nil {
		t.Errorf("the first failure: %s", *first)
	}
	assert.Zero(t, c.failed.Load(), "failed valid requests")
	c.kill(t)
}

// kill ends the signing key: its tokens are dead on its node with the call, and
// on the others within the three seconds in which they look at the store.
func (c *cluster) kill(t *testing.T) {
	t.Helper()
	p, ok := c.login(0)
	require.True(t, ok)
	dead := c.kid(t, 0)
	require.NoError(t, c.nodes[0].SigningKeys.Kill(t.Context(), authn.Principal{}, dead))
	w := do(c.nodes[0], http.MethodGet, "/auth/me", "", p.Access)
	assert.Equal(t, http.StatusUnauthorized, w.Code)
	assert.Contains(t, w.Body.String(), "token_key")
	<-time.After(time.Second)
	compromised := p.Access
	for node := range c.nodes {
		assert.Equal(t, http.StatusUnauthorized, do(c.nodes[node], http.MethodGet, "/auth/me", "", compromised).Code, "node %d", node)
		assert.NotEqual(t, dead, c.kid(t, node))
		fresh, ok := c.issue(node, "/auth/refresh", fmt.Sprintf(`{"refresh_token":%q}`, p.Refresh))
		require.True(t, ok, "the session lives on")
		p = fresh
	}
	assert.Equal(t, http.StatusOK, do(c.nodes[0], http.MethodGet, "/auth/me", "", p.Access).Code)
}

// REL-05 with its own times, in a bubble where five minutes take none: 50
// rotations, three nodes, one of them 30 s ahead or behind, 0 failed valid requests.
func TestREL05RotationUnderLoad(t *testing.T) {
	t.Parallel()
	for _, skew := range []time.Duration{30 * time.Second, -30 * time.Second} {
		t.Run(skew.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store := memstore.New()
				use := func() *memstore.Store { return store }
				c := newCluster(t, []time.Duration{0, skew, 0}, func(*authmodule.Config) {},
					authmodule.UseUserStore(use), authmodule.UsePasswordStore(use), authmodule.UseSessionStore(use),
					authmodule.UseRevocationStore(use), authmodule.UseOneTimeStore(use), authmodule.UseAPIKeyStore(use),
					authmodule.UseRuleStore(use), authmodule.UseAssignmentStore(use), authmodule.UseKeyStore(use))
				c.rotateUnderLoad(t, 50, 3, 1, time.Second)
				assert.Greater(t, c.issued.Load(), int64(800))
				assert.Greater(t, c.verified.Load(), int64(2500))
			})
		})
	}
}

// REL-05 in real time, over one SQLite file.
func TestSoakRotationUnderLoad(t *testing.T) {
	peer.Soak(t)
	path := filepath.Join(t.TempDir(), "keys.db")
	c := newCluster(t, []time.Duration{0, 30 * time.Second, 0}, func(cfg *authmodule.Config) {
		cfg.Store.Driver, cfg.Store.DSN = "sqlite", setting.Secret(path)
		cfg.Throttle.InsecureDisabled = true // so many logins of one account under way at once would have to wait
	})
	const clients, shows = 20, 3
	start := time.Now()
	c.rotateUnderLoad(t, 50, clients, shows, 100*time.Millisecond)
	took := time.Since(start).Seconds()
	t.Logf("%d tokens issued (%.0f/s), %d verified (%.0f/s), %d failed",
		c.issued.Load(), float64(c.issued.Load())/took, c.verified.Load(), float64(c.verified.Load())/took, c.failed.Load())
}
