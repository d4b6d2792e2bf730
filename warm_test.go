package authmodule_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"
	_ "modernc.org/sqlite"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/fxtest"
	"github.com/authmodule/authmodule/internal/sqlitetest"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/store/memstore"
)

// node is one application of several over one store.
type node struct {
	app      *fx.App
	users    *authn.Service
	tokens   *authn.TokenManager
	keys     *authn.APIKeys
	sessions *session.Manager
	roles    *authz.Service
}

// warmNodes boots nodes that share a store. The secret of their tokens is the same, their memories are not.
func warmNodes(t *testing.T, n int, change func(*authmodule.Config), options ...fx.Option) []*node {
	t.Helper()
	nodes := make([]*node, n)
	for i := range nodes {
		nodes[i] = &node{}
		nodes[i].app = fx.New(fx.NopLogger, fx.Options(options...),
			authmodule.Stub(func(c *authmodule.Config) {
				c.JWT.SecretKey = setting.Secret("a secret that all nodes of this cluster share")
				c.RBAC.Roles = map[string]authz.RoleConfig{"editor": {Permissions: []string{"articles.write"}}}
				change(c)
			}),
			fx.Populate(&nodes[i].users, &nodes[i].tokens, &nodes[i].keys, &nodes[i].sessions, &nodes[i].roles),
		)
		require.NoError(t, nodes[i].app.Start(context.Background()))
	}
	return nodes
}

func stopAll(t *testing.T, nodes []*node) {
	t.Helper()
	for _, n := range nodes {
		require.NoError(t, n.app.Stop(context.Background()))
	}
}

// holder is an account with a login and an API key.
type holder struct {
	user  authn.User
	grant authn.Grant
	p     authn.Principal
	key   authn.APIKey
	text  setting.Secret
}

func (n *node) holder(t *testing.T, name string, tenant authn.Tenant) holder {
	t.Helper()
	ctx, email := context.Background(), name+"@example.com"
	user, err := n.users.CreateUser(ctx, authn.RegisterRequest{Tenant: tenant, Email: email, Password: password})
	require.NoError(t, err)
	require.NoError(t, n.roles.Assign(ctx, authn.Principal{}, user.Subject, "editor"))
	h := holder{user: user}
	h.grant, err = n.users.Login(ctx, authn.LoginRequest{Tenant: tenant, Email: email, Password: password})
	require.NoError(t, err)
	h.p, err = n.users.AuthenticateToken(ctx, h.grant.AccessToken, authn.Client{})
	require.NoError(t, err)
	h.key, h.text, err = n.keys.Create(ctx, h.p, authn.APIKeyRequest{Name: "ci", Scopes: []string{"articles.write"}})
	require.NoError(t, err)
	return h
}

func (n *node) writes(p authn.Principal, err error) bool {
	return err == nil && n.roles.Can(context.Background(), p, "articles.write", authz.Resource{})
}

func (n *node) token(h holder) bool {
	return n.writes(n.users.AuthenticateToken(context.Background(), h.grant.AccessToken, authn.Client{}))
}

func (n *node) apiKey(h holder) bool {
	return n.writes(n.keys.Authenticate(context.Background(), h.text, authn.Client{}))
}

// ending is an act after which a credential must not pass.
type ending struct {
	name string
	act  func(ctx context.Context, n *node, h holder) error
	// passes asks for the credential that ends.
	passes func(n *node, h holder) bool
}

func endings() []ending {
	nobody := authn.Principal{}
	return []ending{
		{"token revoked", func(ctx context.Context, n *node, h holder) error { return n.tokens.Revoke(ctx, h.grant.AccessToken) }, (*node).token},
		{"logout", func(ctx context.Context, n *node, h holder) error { return n.users.Logout(ctx, h.p) }, (*node).token},
		{"session revoked", func(ctx context.Context, n *node, h holder) error {
			return n.sessions.Revoke(ctx, h.user.Subject, h.p.SessionID)
		}, (*node).token},
		{"others revoked", func(ctx context.Context, n *node, h holder) error {
			_, err := n.sessions.RevokeOthers(ctx, h.user.Subject, "another")
			return err
		}, (*node).token},
		{"all revoked", func(ctx context.Context, n *node, h holder) error {
			_, err := n.sessions.CloseAll(ctx, h.user.Subject, "", authn.EndRevoked)
			return err
		}, (*node).token},
		{"refresh token used twice", func(ctx context.Context, n *node, h holder) error {
			_, err := n.users.Refresh(ctx, h.grant.RefreshToken, authn.Client{})
			_, reused := n.users.Refresh(ctx, h.grant.RefreshToken, authn.Client{})
			if !errors.Is(reused, authn.ErrRefreshReused) {
				return fmt.Errorf("no reuse: %w", reused)
			}
			return err
		}, (*node).token},
		{"account disabled", func(ctx context.Context, n *node, h holder) error {
			return n.users.Disable(ctx, nobody, h.user.Subject)
		}, (*node).token},
		{"account disabled, its key", func(ctx context.Context, n *node, h holder) error {
			return n.users.Disable(ctx, nobody, h.user.Subject)
		}, (*node).apiKey},
		{"role taken", func(ctx context.Context, n *node, h holder) error {
			return n.roles.Unassign(ctx, nobody, h.user.Subject, "editor")
		}, (*node).token},
		{"role taken, its key", func(ctx context.Context, n *node, h holder) error {
			return n.roles.Unassign(ctx, nobody, h.user.Subject, "editor")
		}, (*node).apiKey},
		{"tenant revoked", func(ctx context.Context, n *node, h holder) error {
			return n.users.RevokeTenant(ctx, nobody, h.user.Subject.Tenant)
		}, (*node).token},
		{"key revoked", func(ctx context.Context, n *node, h holder) error {
			return n.keys.Revoke(ctx, h.p, h.user.Subject, h.key.ID)
		}, (*node).apiKey},
		{"key rotated", func(ctx context.Context, n *node, h holder) error {
			_, _, err := n.keys.Rotate(ctx, h.p, h.key.ID, 0)
			return err
		}, (*node).apiKey},
	}
}

// REL-04, V8.3.2, V7.4.1: whatever ends a credential on one node is seen at once there, and within a second on two others
// that have remembered it and serve all the while. The store tells nobody; the nodes read its log.
func TestEndingsReachEveryNode(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dsn := setting.Secret(sqlitetest.Path(t))
		nodes := warmNodes(t, 3, func(c *authmodule.Config) { c.Store = authmodule.StoreConfig{Driver: "sqlite", DSN: dsn} })
		defer stopAll(t, nodes)
		for i, e := range endings() {
			h := nodes[0].holder(t, fmt.Sprint("ada", i), authn.Tenant(fmt.Sprint("t", i)))
			time.Sleep(11 * time.Second) // roles and sessions are no longer just being changed
			var serving sync.WaitGroup
			stop, last := make(chan struct{}), make([]time.Time, len(nodes))
			for j, n := range nodes {
				require.True(t, e.passes(n, h), "%s: node %d before", e.name, j)
				serving.Go(func() {
					for {
						if begun := time.Now(); e.passes(n, h) {
							last[j] = begun
						}
						select {
						case <-stop:
							return
						case <-time.After(20 * time.Millisecond):
						}
					}
				})
			}
			time.Sleep(300 * time.Millisecond)
			require.NoError(t, e.act(t.Context(), nodes[0], h), e.name)
			acknowledged := time.Now()
			assert.False(t, e.passes(nodes[0], h), "%s: at once on its own node", e.name)
			time.Sleep(3 * time.Second)
			close(stop)
			serving.Wait()
			for j := range nodes {
				assert.WithinDuration(t, acknowledged, last[j], time.Second, "%s: node %d", e.name, j)
				assert.False(t, e.passes(nodes[j], h), "%s: node %d after", e.name, j)
			}
			assert.False(t, last[0].After(acknowledged), "%s: its own node accepts nothing after", e.name)
		}
	})
}

// With a store that tells, and in strict mode, no node accepts what was ended: not even once.
func TestEndingsAreSeenAtOnce(t *testing.T) {
	t.Parallel()
	for name, mode := range map[string]authn.RevocationMode{"told": authn.RevocationBounded, "strict": authn.RevocationStrict} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				shared := memstore.New()
				store := func() *memstore.Store { return shared }
				revocations := func() authn.RevocationStore { return shared }
				if mode == authn.RevocationStrict {
					revocations = func() authn.RevocationStore { return struct{ authn.RevocationStore }{shared} } // tells nobody
				}
				nodes := warmNodes(t, 3, func(c *authmodule.Config) { c.Revocation.Mode = mode },
					authmodule.UseUserStore(store), authmodule.UsePasswordStore(store), authmodule.UseSessionStore(store),
					authmodule.UseAPIKeyStore(store), authmodule.UseAssignmentStore(store), authmodule.UseRevocationStore(revocations))
				defer stopAll(t, nodes)
				for i, e := range endings() {
					h := nodes[i%3].holder(t, fmt.Sprint(name, i), authn.Tenant(fmt.Sprint(name, i)))
					time.Sleep(11 * time.Second) // roles and sessions are no longer just being changed
					for _, n := range nodes {
						require.True(t, e.passes(n, h), e.name)
						require.True(t, e.passes(n, h), e.name)
					}
					require.NoError(t, e.act(t.Context(), nodes[i%3], h), e.name)
					for j, n := range nodes {
						assert.False(t, e.passes(n, h), "%s: node %d", e.name, j)
					}
				}
			})
		})
	}
}

// The warm path: a caller who is remembered costs no look-up, whatever the credential, and is looked at again after a minute.
func TestRememberedCallerAsksNoStore(t *testing.T) {
	t.Parallel()
	store := &looked{Store: memstore.New()}
	app := fxtest.New(t, store.options(), authmodule.AddRoles(authz.Role{Name: "editor", Permissions: []string{"articles.write"}}))
	p := app.Principal("editor")
	token, key := app.Grant(p).AccessToken, app.APIKey(p, "articles.write")
	app.Advance(11 * time.Second) // the account has just been changed
	ask := func() []authn.Principal {
		byToken, err := app.Users.AuthenticateToken(t.Context(), token, authn.Client{})
		require.NoError(t, err)
		byKey, err := app.APIKeys.Authenticate(t.Context(), setting.Secret(key), authn.Client{})
		require.NoError(t, err)
		return []authn.Principal{byToken, byKey}
	}
	first := ask()
	before := store.lookups.Load()
	for range 100 {
		require.Equal(t, first, ask())
	}
	assert.Equal(t, before, store.lookups.Load(), "a remembered caller asks no store")
	app.Advance(time.Minute)
	require.Equal(t, first, ask())
	assert.Greater(t, store.lookups.Load(), before, "after a minute it is looked at again")
}

// Requests that share a remembered principal do not share what they append to its lists.
func TestRememberedPrincipalsListsHaveNoRoom(t *testing.T) {
	t.Parallel()
	app := fxtest.New(t, authmodule.AddRoles(authz.Role{Name: "editor"}))
	grant := app.Grant(app.Principal("editor"))
	app.Advance(11 * time.Second)
	for range 3 {
		p, err := app.Users.AuthenticateToken(t.Context(), grant.AccessToken, authn.Client{})
		require.NoError(t, err)
		_ = append(p.Roles, "admin")
		_ = append(p.Methods, "otp")
		again, err := app.Users.AuthenticateToken(t.Context(), grant.AccessToken, authn.Client{})
		require.NoError(t, err)
		assert.Equal(t, []string{"editor"}, append([]string(nil), again.Roles[:cap(again.Roles)]...))
		assert.Len(t, again.Methods[:cap(again.Methods)], 1)
	}
}

// MTLS-03: a role that is redefined so that it demands a certificate ends what is remembered of its holders, token and key, at once.
func TestRedefinedRoleBindsRememberedCallers(t *testing.T) {
	t.Parallel()
	app := fxtest.NewConfigured(t, func(c *authmodule.Config) {
		c.HTTP.ClientCertificate = "tls"
		c.Binding.Roles = map[string]authn.BindingRule{"admin": {Certificate: authn.CertificateRequired}}
	}, authmodule.AddRoles(authz.Role{Name: "editor"}))
	p := app.Principal("editor")
	token, key := app.Grant(p).AccessToken, setting.Secret(app.APIKey(p))
	app.Advance(11 * time.Second)
	ask := func() (byToken, byKey error) {
		_, byToken = app.Users.AuthenticateToken(t.Context(), token, authn.Client{})
		_, byKey = app.APIKeys.Authenticate(t.Context(), key, authn.Client{})
		return byToken, byKey
	}
	for range 2 {
		byToken, byKey := ask()
		require.NoError(t, byToken)
		require.NoError(t, byKey)
	}
	require.NoError(t, app.AuthorizationService.DefineRole(t.Context(), authn.Principal{}, "", authz.Role{Name: "editor", Inherits: []string{"admin"}}))
	byToken, byKey := ask()
	require.ErrorIs(t, byToken, authn.ErrTokenBinding)
	require.ErrorIs(t, byKey, authn.ErrAPIKeyInvalid)
}

// JWT-11, item 1: being remembered prolongs nothing, and no other text is taken for the one that is remembered.
func TestRememberedTokenEndsAndHasNoTwin(t *testing.T) {
	t.Parallel()
	app := fxtest.New(t)
	grant := app.Grant(app.Principal())
	app.Advance(11 * time.Second)
	text := grant.AccessToken.Reveal()
	remembered := func(text string) error {
		_, err := app.Users.AuthenticateToken(t.Context(), setting.Secret(text), authn.Client{})
		return err
	}
	require.NoError(t, remembered(text))
	for i := range text {
		for _, twin := range []string{text[:i], text[:i] + "A" + text[i:], text[:i] + string(text[i]^1) + text[i+1:]} {
			require.Error(t, remembered(twin), "at %d", i)
		}
	}
	require.Error(t, remembered(text+"A"))
	app.Advance(grant.ExpiresIn - 12*time.Second)
	require.NoError(t, remembered(text))
	app.Advance(time.Second)
	require.ErrorIs(t, remembered(text), authn.ErrTokenExpired)
}

// While an account is being changed nothing is remembered of it, so that no
// request that still saw the old state serves a later one.
func TestNothingIsRememberedDuringAChange(t *testing.T) {
	t.Parallel()
	store := &looked{Store: memstore.New(), entered: make(chan struct{}), release: make(chan struct{})}
	app := fxtest.New(t, store.options())
	p := app.Principal()
	token := app.Grant(p).AccessToken
	app.Advance(11 * time.Second)
	ask := func() error { _, err := app.Users.AuthenticateToken(t.Context(), token, authn.Client{}); return err }
	require.NoError(t, ask())
	store.stall.Store(true)
	done := make(chan error)
	go func() { done <- app.Users.Disable(context.Background(), authn.Principal{}, p.Subject) }()
	<-store.entered
	before := store.lookups.Load()
	for range 3 {
		require.NoError(t, ask(), "the account is not disabled yet")
	}
	assert.GreaterOrEqual(t, store.lookups.Load(), before+3, "each request looks for itself")
	close(store.release)
	require.NoError(t, <-done)
	require.ErrorIs(t, ask(), authn.ErrSessionEnded)
}

// The memory is bounded: more callers than it has room for are proved anew, and none is mistaken for another.
func TestMoreCallersThanAreRemembered(t *testing.T) {
	t.Parallel()
	app := fxtest.NewConfigured(t, func(c *authmodule.Config) { c.JWT.Remembered = 8 })
	owners := map[string]setting.Secret{}
	for range 60 {
		p := app.Principal()
		owners[p.Subject.ID] = app.Grant(p).AccessToken
	}
	app.Advance(11 * time.Second)
	for range 3 {
		for id, token := range owners {
			p, err := app.Users.AuthenticateToken(t.Context(), token, authn.Client{})
			require.NoError(t, err)
			require.Equal(t, id, p.Subject.ID)
		}
	}
}

// Sessions that ended with their tenant count no more against the limit, though nobody has touched their records.
func TestRevokedTenantsSessionsLeaveRoom(t *testing.T) {
	t.Parallel()
	app := fxtest.NewConfigured(t, func(c *authmodule.Config) { c.Session.MaxPerUser, c.Session.OnLimit = 1, session.Refuse })
	user := app.User()
	in := func() error {
		_, err := app.Users.Login(t.Context(), authn.LoginRequest{Email: user.Email, Password: fxtest.Password})
		return err
	}
	require.NoError(t, in())
	require.ErrorIs(t, in(), authn.ErrSessionLimit)
	require.NoError(t, app.Users.RevokeTenant(t.Context(), authn.Principal{}, ""))
	live, err := app.SessionManager.List(t.Context(), user.Subject)
	require.NoError(t, err)
	require.Empty(t, live)
	require.NoError(t, in())
	require.ErrorIs(t, in(), authn.ErrSessionLimit)
}
