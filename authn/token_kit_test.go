package authn_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/internal/tokentest"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/store/memstore"
)

// tokenEpoch is the time at which the clock of every tokenKit starts.
var tokenEpoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

const tokenSecret = "kit: an HMAC secret of more than sixty-four bytes, so that it serves HS512 too"

// tokenAlgorithms are all that the module knows.
var tokenAlgorithms = authn.Algorithms()

// tokenKey is a key together with what a test needs to sign by hand.
type tokenKey struct {
	key     *authn.Key
	method  jwt.SigningMethod
	private any
	public  crypto.PublicKey
}

// tokenKeys makes the keys of all algorithms once for the package.
var tokenKeys = sync.OnceValues(func() (map[string]tokenKey, error) {
	signers, err := tokentest.Signers()
	if err != nil {
		return nil, err
	}
	keys, errs := map[string]tokenKey{}, []error{}
	for _, name := range authn.Algorithms() {
		if authn.SymmetricAlgorithm(name) {
			key, err := authn.NewSecretKey(name, tokenSecret)
			keys[name] = tokenKey{key: key, method: jwt.GetSigningMethod(name), private: []byte(tokenSecret)}
			errs = append(errs, err)
			continue
		}
		signer := signers[name]
		key, err := authn.NewPrivateKey(name, signer)
		keys[name] = tokenKey{key: key, method: jwt.GetSigningMethod(name), private: signer, public: signer.Public()}
		errs = append(errs, err)
	}
	return keys, errors.Join(errs...)
})

// tokenClock is a clock that a test sets.
type tokenClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *tokenClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *tokenClock) Set(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = now
}

// tokenKit is a TokenManager and all that is around it.
type tokenKit struct {
	tokenKey
	manager *authn.TokenManager
	clock   *tokenClock
	events  *[]audit.Event
}

// viewOf is a revocation view of the store.
func viewOf(t testing.TB, store authn.RevocationStore, now func() time.Time) *authn.Revocations {
	t.Helper()
	view, err := authn.NewRevocations(authn.RevocationConfig{}, authn.RevocationDeps{Store: store, Now: now})
	require.NoError(t, err)
	t.Cleanup(view.Close)
	return view
}

func newTokenKit(t testing.TB, algorithm string, change ...func(*authn.TokenConfig, *authn.TokenDeps)) tokenKit {
	t.Helper()
	keys, err := tokenKeys()
	require.NoError(t, err)
	kit := tokenKit{tokenKey: keys[algorithm], clock: &tokenClock{now: tokenEpoch}, events: &[]audit.Event{}}
	bus := audit.NewBus(nil, kit.clock.Now)
	bus.Subscribe(audit.ListenerFunc(func(_ context.Context, e audit.Event) { *kit.events = append(*kit.events, e) }))
	cfg := authn.TokenConfig{Algorithm: algorithm}
	deps := authn.TokenDeps{Keys: ringOf(t, kit.key), Revocations: viewOf(t, memstore.New(), kit.clock.Now), Events: bus, Now: kit.clock.Now}
	for _, c := range change {
		c(&cfg, &deps)
	}
	kit.manager, err = authn.NewTokenManager(cfg, deps)
	require.NoError(t, err)
	return kit
}

// eachAlgorithm runs test for each algorithm, with a new kit.
func eachAlgorithm(t *testing.T, test func(t *testing.T, kit tokenKit)) {
	t.Helper()
	for _, algorithm := range tokenAlgorithms {
		t.Run(algorithm, func(t *testing.T) {
			t.Parallel()
			test(t, newTokenKit(t, algorithm))
		})
	}
}

// tokenSession is the session that tokens are issued for.
func tokenSession() authn.Session {
	return authn.Session{
		ID: "sid-1", Subject: authn.Subject{Tenant: "acme", ID: "user-1"}, Carrier: authn.CarrierToken,
		Methods: []string{"pwd"}, AuthTime: tokenEpoch, Ends: tokenEpoch.Add(30 * 24 * time.Hour),
	}
}

func (k tokenKit) issue(t testing.TB) setting.Secret {
	t.Helper()
	token, _, err := k.manager.Issue(tokenSession(), []string{"viewer"})
	require.NoError(t, err)
	return token
}

// header returns the proper header with members replaced by the JSON text
// given, added, or left out where the text is empty.
func (k tokenKit) header(edits map[string]string) string {
	return editJSON([][2]string{
		{"alg", quoteJSON(k.key.Algorithm())}, {"kid", quoteJSON(k.key.ID())}, {"typ", `"at+jwt"`},
	}, edits)
}

// payload does for the payload what header does for the header.
func (k tokenKit) payload(edits map[string]string) string {
	now := k.clock.Now().Unix()
	return editJSON([][2]string{
		{"iss", `"authmodule"`}, {"aud", `"authmodule"`}, {"sub", `"user-1"`}, {"tenant", `"acme"`},
		{"sid", `"sid-1"`}, {"jti", `"jti-1"`}, {"iat", fmt.Sprint(now)}, {"nbf", fmt.Sprint(now)},
		{"exp", fmt.Sprint(now + 1800)}, {"auth_time", fmt.Sprint(now)}, {"amr", `["pwd"]`}, {"roles", `["viewer"]`},
	}, edits)
}

func editJSON(members [][2]string, edits map[string]string) string {
	return tokentest.Object(members, edits)
}

// quoteJSON quotes plain text and leaves escapes in it as they are.
func quoteJSON(text string) string { return tokentest.Quote(text) }

// sign returns the token with a valid signature over whatever header and payload are.
func (k tokenKit) sign(t testing.TB, header, payload string) setting.Secret {
	t.Helper()
	return k.signText(t, encode64(header)+"."+encode64(payload))
}

// signText appends a valid signature to text.
func (k tokenKit) signText(t testing.TB, text string) setting.Secret {
	t.Helper()
	token, err := tokentest.Sign(k.method.Alg(), k.private, text)
	require.NoError(t, err)
	return setting.Secret(token)
}

func encode64(text string) string { return tokentest.Encode(text) }

// refuses asserts that the token is refused with the class, and that nothing of it is returned.
func (k tokenKit) refuses(t testing.TB, token setting.Secret, class error) {
	t.Helper()
	claims, err := k.manager.Verify(t.Context(), token)
	require.ErrorIs(t, err, class)
	assert.Zero(t, claims)
	assert.NotContains(t, err.Error(), "user-1", "the error repeats nothing of the token")
}

func (k tokenKit) accepts(t testing.TB, token setting.Secret) authn.Claims {
	t.Helper()
	claims, err := k.manager.Verify(t.Context(), token)
	require.NoError(t, err)
	return claims
}

// ringOf is a ring of one key.
func ringOf(t testing.TB, key *authn.Key) *authn.KeyRing {
	t.Helper()
	ring, err := authn.NewKeyRing(key)
	require.NoError(t, err)
	return ring
}

// signPSS signs with a salt of the size.
func signPSS(t testing.TB, private any, text string, size int) []byte {
	t.Helper()
	hash := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPSS(rand.Reader, private.(*rsa.PrivateKey), crypto.SHA256, hash[:], &rsa.PSSOptions{SaltLength: size})
	require.NoError(t, err)
	return signature
}
