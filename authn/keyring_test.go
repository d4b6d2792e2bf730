package authn_test

import (
	"encoding/base64"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/store/memstore"
)

func named(t testing.TB, key *authn.Key, kid string) *authn.Key {
	t.Helper()
	renamed, err := key.Named(kid)
	require.NoError(t, err)
	return renamed
}

func publicHalf(t testing.TB, k tokenKey) *authn.Key {
	t.Helper()
	key, err := authn.NewPublicKey(k.key.Algorithm(), k.public)
	require.NoError(t, err)
	return key
}

// JWT-02, JWT-07: what a ring may hold.
func TestKeyRingRefuses(t *testing.T) {
	t.Parallel()
	keys, err := tokenKeys()
	require.NoError(t, err)
	hs, es, ed := keys["HS256"].key, keys["ES256"].key, keys["EdDSA"].key
	cases := []struct {
		name      string
		signing   *authn.Key
		verifying []*authn.Key
		expected  string
	}{
		{"nothing", nil, nil, "needs a key"},
		{"one kid twice", es, []*authn.Key{named(t, ed, es.ID())}, "two keys have the kid"},
		{"the same key twice", es, []*authn.Key{es}, "two keys have the kid"},
		{"a secret beside a pair", es, []*authn.Key{hs}, "not both"},
		{"a pair beside a secret", hs, []*authn.Key{ed}, "not both"},
		{"signing with a public key", publicHalf(t, keys["ES256"]), nil, "cannot sign"},
		{"nil", es, []*authn.Key{nil}, "nil"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			ring, err := authn.NewKeyRing(es)
			require.NoError(t, err)
			err = ring.Replace(c.signing, c.verifying...)
			require.ErrorIs(t, err, authn.ErrKey)
			assert.ErrorContains(t, err, c.expected)
			signing, err := ring.Signing()
			require.NoError(t, err)
			assert.Same(t, es, signing, "a refused change changes nothing")
		})
	}
	ring, err := authn.NewKeyRing(nil)
	require.ErrorIs(t, err, authn.ErrKey)
	assert.Nil(t, ring, "an error comes without half a ring")
	for _, kid := range []string{"", "a b", "é", "a\n", string(make([]byte, 129))} {
		_, err := es.Named(kid)
		assert.ErrorIs(t, err, authn.ErrKey, "%q", kid)
	}
}

// JWT-41: the old key verifies while it is in the ring, the new one signs at
// once, and a removed key is refused at once.
func TestKeyRingRotates(t *testing.T) {
	t.Parallel()
	keys, err := tokenKeys()
	require.NoError(t, err)
	first, second := named(t, keys["ES256"].key, "first"), named(t, keys["EdDSA"].key, "second")
	ring, err := authn.NewKeyRing(first, second)
	require.NoError(t, err)
	kit := newTokenKit(t, "ES256", func(_ *authn.TokenConfig, deps *authn.TokenDeps) { deps.Keys = ring })
	old := kit.issue(t)
	require.NoError(t, ring.Replace(second, first))
	fresh := kit.issue(t)
	kit.accepts(t, old)
	kit.accepts(t, fresh)
	var kids []string
	for _, jwk := range kit.manager.PublicKeys().Keys {
		kids = append(kids, jwk.KeyID)
	}
	assert.Equal(t, []string{"second", "first"}, kids)
	require.NoError(t, ring.Replace(second))
	kit.refuses(t, old, authn.ErrTokenAlgorithm)
	kit.accepts(t, fresh)
}

// JWT-09: a key found by its kid verifies with its own algorithm only, and
// another key of the ring does not stand in for it.
func TestKeyRingKeepsKeysApart(t *testing.T) {
	t.Parallel()
	keys, err := tokenKeys()
	require.NoError(t, err)
	es, rs, ps := keys["ES256"], keys["RS256"], keys["PS256"]
	ring, err := authn.NewKeyRing(named(t, es.key, "es"), named(t, rs.key, "rs"), named(t, ps.key, "ps"))
	require.NoError(t, err)
	sign := func(with tokenKey, header string) string {
		signed := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte("payload"))
		signature, err := with.method.Sign(signed, with.private)
		require.NoError(t, err)
		return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
	}
	cases := []struct {
		name, header string
		with         tokenKey
		policy       authn.JWSPolicy
		expected     error
	}{
		{"its own", `{"alg":"ES256","kid":"es"}`, es, authn.JWSPolicy{}, nil},
		{"any payload, no type", `{"alg":"RS256","kid":"rs"}`, rs, authn.JWSPolicy{}, nil},
		{"another kid", `{"alg":"ES256","kid":"rs"}`, es, authn.JWSPolicy{}, authn.ErrTokenAlgorithm},
		{"JWT-02 RS and PS on one RSA key", `{"alg":"PS256","kid":"rs"}`, ps, authn.JWSPolicy{}, authn.ErrTokenAlgorithm},
		{"JWT-02 PS and RS on one RSA key", `{"alg":"RS256","kid":"ps"}`, rs, authn.JWSPolicy{}, authn.ErrTokenAlgorithm},
		{"signed by another", `{"alg":"RS256","kid":"rs"}`, ps, authn.JWSPolicy{}, authn.ErrTokenSignature},
		{"unknown kid", `{"alg":"ES256","kid":"xx"}`, es, authn.JWSPolicy{}, authn.ErrTokenKey},
		{"no kid", `{"alg":"ES256"}`, es, authn.JWSPolicy{}, authn.ErrTokenKey},
		{"no kid among several keys", `{"alg":"ES256"}`, es, authn.JWSPolicy{WithoutKeyID: true}, authn.ErrTokenKey},
		{"algorithm of no key", `{"alg":"HS256","kid":"es"}`, es, authn.JWSPolicy{}, authn.ErrTokenAlgorithm},
		{"type as asked", `{"alg":"ES256","kid":"es","typ":"Logout+JWT"}`, es, authn.JWSPolicy{Type: "logout+jwt"}, nil},
		{"type missing", `{"alg":"ES256","kid":"es"}`, es, authn.JWSPolicy{Type: "logout+jwt"}, authn.ErrTokenType},
		{"type no text", `{"alg":"ES256","kid":"es","typ":1}`, es, authn.JWSPolicy{}, authn.ErrTokenType},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			jws, err := ring.VerifyJWS(sign(c.with, c.header), c.policy)
			require.ErrorIs(t, err, c.expected)
			if c.expected == nil {
				assert.Equal(t, "payload", string(jws.Payload))
			} else {
				assert.Zero(t, jws)
			}
		})
	}
}

// JWT-40: PSS salts of another length than the hash's are refused.
func TestPSSSaltLengthIsTheHashs(t *testing.T) {
	t.Parallel()
	kit := newTokenKit(t, "PS256")
	text := encode64(kit.header(nil)) + "." + encode64(kit.payload(nil))
	for _, size := range []int{0, 20, 31, 33, 64} {
		signature := signPSS(t, kit.private, text, size)
		kit.refuses(t, setting.Secret(text+"."+base64.RawURLEncoding.EncodeToString(signature)), authn.ErrTokenSignature)
	}
	kit.accepts(t, setting.Secret(text+"."+base64.RawURLEncoding.EncodeToString(signPSS(t, kit.private, text, 32))))
}

// REL-05 in its short form: verifying and issuing go on while the ring is replaced again and again.
func TestKeyRingUnderLoad(t *testing.T) {
	t.Parallel()
	keys, err := tokenKeys()
	require.NoError(t, err)
	a, b := named(t, keys["ES256"].key, "a"), named(t, keys["EdDSA"].key, "b")
	ring, err := authn.NewKeyRing(a, b)
	require.NoError(t, err)
	manager, err := authn.NewTokenManager(authn.TokenConfig{}, authn.TokenDeps{
		Keys: ring, Revocations: viewOf(t, memstore.New(), nil), Now: (&tokenClock{now: tokenEpoch}).Now,
	})
	require.NoError(t, err)
	var running sync.WaitGroup
	for range 4 {
		running.Go(func() {
			for range 100 {
				token, _, err := manager.Issue(tokenSession(), nil)
				if assert.NoError(t, err) {
					_, err = manager.Verify(t.Context(), token)
					assert.NoError(t, err)
				}
			}
		})
	}
	for i := range 50 {
		pair := []*authn.Key{a, b}
		require.NoError(t, ring.Replace(pair[i%2], pair[(i+1)%2]))
	}
	running.Wait()
}
