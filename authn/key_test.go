package authn_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/setting"
)

// remoteSigner keeps its key elsewhere.
type remoteSigner struct{ crypto.Signer }

func publicRSA(bits uint, exponent int) *rsa.PrivateKey {
	n := new(big.Int).Lsh(big.NewInt(1), bits-1)
	return &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: n.Add(n, big.NewInt(1)), E: exponent}, D: big.NewInt(1)}
}

func ecKey(t testing.TB, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	require.NoError(t, err)
	return key
}

// JWT-02 and JWT-04: weak keys, and keys of another kind, are refused when they are made, not when they are used.
func TestNewPrivateKeyRefuses(t *testing.T) {
	t.Parallel()
	keys, err := tokenKeys()
	require.NoError(t, err)
	rs, es, ed := keys["RS256"].private.(crypto.Signer), keys["ES256"].private.(crypto.Signer), keys["EdDSA"].private.(crypto.Signer)
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	require.NoError(t, err)
	offCurve := &ecdsa.PrivateKey{PublicKey: ecdsa.PublicKey{Curve: elliptic.P256(), X: big.NewInt(1), Y: big.NewInt(1)}} //nolint:staticcheck // deprecated, because such points come of it
	for _, tc := range []struct {
		name, algorithm string
		have            crypto.Signer
	}{
		{"RSA of 1024 bits", "RS256", small},
		{"RSA of 2047 bits", "RS256", publicRSA(2047, 65537)},
		{"RSA whose signatures are longer than is read", "RS256", publicRSA(8193, 65537)},
		{"RSA exponent 1", "RS256", publicRSA(2048, 1)},
		{"RSA exponent 3", "RS256", publicRSA(2048, 3)},
		{"RSA exponent 65535", "RS256", publicRSA(2048, 65535)},
		{"RSA even exponent", "RS256", publicRSA(2048, 65538)},
		{"RSA without a modulus", "RS256", &rsa.PrivateKey{}},
		{"RSA nil", "RS256", (*rsa.PrivateKey)(nil)},
		{"P-224", "ES256", ecKey(t, elliptic.P224())},
		{"P-384", "ES256", ecKey(t, elliptic.P384())},
		{"P-521", "ES256", ecKey(t, elliptic.P521())},
		{"off the curve", "ES256", offCurve},
		{"EC empty", "ES256", &ecdsa.PrivateKey{}},
		{"EC nil", "ES256", (*ecdsa.PrivateKey)(nil)},
		{"Ed25519 short", "EdDSA", ed25519.PrivateKey{1}},
		{"Ed25519 nil", "EdDSA", ed25519.PrivateKey(nil)},
		{"nil", "RS256", nil},
		{"Ed25519 for RS256", "RS256", ed},
		{"EC for RS256", "RS256", es},
		{"RSA for ES256", "ES256", rs},
		{"Ed25519 for ES256", "ES256", ed},
		{"RSA for EdDSA", "EdDSA", rs},
		{"RSA for HS256", "HS256", rs},
		{"EC for PS256", "PS256", es},
		{"EC for ES384", "ES384", es},
		{"none", "none", rs},
		{"no algorithm", "", rs},
		{"other spelling", "rs256", rs},
		{"a signer that keeps its key", "ES256", remoteSigner{es}},
	} {
		t.Run("JWT-04 "+tc.name, func(t *testing.T) {
			t.Parallel()
			key, err := authn.NewPrivateKey(tc.algorithm, tc.have)
			require.ErrorIs(t, err, authn.ErrKey)
			assert.Nil(t, key)
		})
	}
}

func TestNewSecretKeyRefusesNothingness(t *testing.T) {
	t.Parallel()
	key, err := authn.NewSecretKey("HS256", "")
	require.ErrorIs(t, err, authn.ErrKey)
	assert.Nil(t, key)
}

// The secret's bytes as written are the key: tokens of other libraries with the same secret verify alike.
func TestSecretKeyIsItsBytes(t *testing.T) {
	t.Parallel()
	for _, secret := range []setting.Secret{"c2VjcmV0", " leading space and trailing newline \n", "\x00\xff\xfe", "ümläüt"} {
		key, err := authn.NewSecretKey("HS256", secret)
		require.NoError(t, err)
		kit := newTokenKit(t, "HS256", func(_ *authn.TokenConfig, deps *authn.TokenDeps) { deps.Keys = ringOf(t, key) })
		kit.key, kit.private = key, []byte(secret.Reveal())
		kit.accepts(t, kit.sign(t, kit.header(nil), kit.payload(nil)))
	}
}

func TestKeyIDsAreStable(t *testing.T) {
	t.Parallel()
	keys, err := tokenKeys()
	require.NoError(t, err)
	seen := map[string]string{}
	for _, algorithm := range []string{"HS256", "RS256", "ES256", "ES384", "ES512", "EdDSA"} { // one for each key
		k := keys[algorithm]
		again, err := remake(algorithm, k)
		require.NoError(t, err)
		assert.Equal(t, k.key.ID(), again.ID(), algorithm)
		assert.Equal(t, algorithm, again.Algorithm())
		assert.Empty(t, seen[again.ID()])
		seen[again.ID()] = algorithm
	}
	one, errOne := authn.NewSecretKey("HS256", "secret number one")
	two, errTwo := authn.NewSecretKey("HS256", "secret number two")
	require.NoError(t, errors.Join(errOne, errTwo))
	assert.NotEqual(t, one.ID(), two.ID())
}

func remake(algorithm string, k tokenKey) (*authn.Key, error) {
	if signer, ok := k.private.(crypto.Signer); ok {
		return authn.NewPrivateKey(algorithm, signer)
	}
	return authn.NewSecretKey("HS256", tokenSecret)
}

func TestKeyPrintsNoBytes(t *testing.T) {
	t.Parallel()
	const secret = "hunter2 hunter2 hunter2 hunter2 hunter2"
	key, err := authn.NewSecretKey("HS256", secret)
	require.NoError(t, err)
	type inner struct{ key *authn.Key }
	holders := []any{
		key, struct{ Key *authn.Key }{key}, struct{ key *authn.Key }{key}, inner{key}, &inner{key},
		[]*authn.Key{key}, map[string]*authn.Key{"k": key}, authn.TokenDeps{Keys: ringOf(t, key)}, &authn.TokenDeps{Keys: ringOf(t, key)},
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o", "%t", "%e", "% x", "%#x", "%20v", "%T"} {
		for _, holder := range holders {
			assertNoKeyBytes(t, fmt.Sprintf(verb, holder), secret)
		}
	}
	assert.Equal(t, "HS256 key "+key.ID(), key.String())
}

// A derived secret is stable, its own for each purpose and each key, and is not the key.
func TestKeyDerive(t *testing.T) {
	t.Parallel()
	keys, err := tokenKeys()
	require.NoError(t, err)
	seen := map[string]bool{}
	for _, algorithm := range []string{"HS256", "RS256", "ES256", "ES384", "ES512", "EdDSA"} { // one for each key
		k := keys[algorithm]
		again, err := remake(algorithm, k)
		require.NoError(t, err)
		for _, purpose := range []string{"", "a", "b"} {
			one, errOne := k.key.Derive(purpose)
			two, errTwo := again.Derive(purpose)
			require.NoError(t, errors.Join(errOne, errTwo))
			assert.Len(t, one, 32)
			assert.Equal(t, one, two)
			assert.False(t, seen[string(one)], "%s %s", algorithm, purpose)
			seen[string(one)] = true
		}
	}
}

// A space more is another purpose.
func TestDeriveSecretTakesThePurposeAsItIs(t *testing.T) {
	t.Parallel()
	one, err := authn.DeriveSecret([]byte("master"), "purpose")
	require.NoError(t, err)
	two, err := authn.DeriveSecret([]byte("master"), "purpose ")
	require.NoError(t, err)
	assert.NotEqual(t, one, two)
	assert.NotEqual(t, []byte("master"), one)
}
