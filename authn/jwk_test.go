package authn_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"maps"
	"math/big"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
)

func unbase64(t testing.TB, text string) []byte {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(text)
	require.NoError(t, err)
	return raw
}

// JWT-42: kid, alg and use, and the public members of the key's type; no d, no k, no prime.
func TestJWKSetHasPublicMembersOnly(t *testing.T) {
	t.Parallel()
	expected := map[string][]string{
		"R": {"alg", "e", "kid", "kty", "n", "use"},
		"P": {"alg", "e", "kid", "kty", "n", "use"},
		"E": {"alg", "crv", "kid", "kty", "use", "x", "y"},
	}
	eachAlgorithm(t, func(t *testing.T, kit tokenKit) {
		text, err := json.Marshal(kit.manager.PublicKeys())
		require.NoError(t, err)
		if authn.SymmetricAlgorithm(kit.key.Algorithm()) {
			require.JSONEq(t, `{"keys":[]}`, string(text))
			return
		}
		var set struct{ Keys []map[string]string }
		require.NoError(t, json.Unmarshal(text, &set))
		require.Len(t, set.Keys, 1)
		jwk := set.Keys[0]
		members := expected[kit.key.Algorithm()[:1]]
		if kit.key.Algorithm() == "EdDSA" {
			members = []string{"alg", "crv", "kid", "kty", "use", "x"}
		}
		assert.Equal(t, members, slices.Sorted(maps.Keys(jwk)))
		assert.Equal(t, []string{kit.key.Algorithm(), "sig", kit.key.ID()}, []string{jwk["alg"], jwk["use"], jwk["kid"]})
		assert.True(t, publicOf(t, jwk).Equal(kit.public), "the published key is the one that signs")
	})
}

// publicOf reads a JWK as another party would (RFC 7518, section 6, and RFC 8037).
func publicOf(t testing.TB, jwk map[string]string) interface{ Equal(crypto.PublicKey) bool } {
	t.Helper()
	number := func(name string) *big.Int { return new(big.Int).SetBytes(unbase64(t, jwk[name])) }
	switch jwk["kty"] + jwk["crv"] {
	case "RSA":
		return &rsa.PublicKey{N: number("n"), E: int(number("e").Int64())}
	case "ECP-256":
		return point(t, elliptic.P256(), jwk["x"], jwk["y"])
	case "ECP-384":
		return point(t, elliptic.P384(), jwk["x"], jwk["y"])
	case "ECP-521":
		return point(t, elliptic.P521(), jwk["x"], jwk["y"])
	case "OKPEd25519":
		return ed25519.PublicKey(unbase64(t, jwk["x"]))
	}
	t.Fatalf("unknown key type %s %s", jwk["kty"], jwk["crv"])
	return nil
}

func point(t testing.TB, curve elliptic.Curve, x, y string) *ecdsa.PublicKey {
	t.Helper()
	coordinates := append(append([]byte{4}, unbase64(t, x)...), unbase64(t, y)...)
	key, err := ecdsa.ParseUncompressedPublicKey(curve, coordinates)
	require.NoError(t, err)
	return key
}

// The thumbprints of RFC 7638, section 3.1, and of RFC 8037, appendix A.3. The
// key on P-256 is that of RFC 7517, appendix A.1; its thumbprint was computed with another program.
func TestJWKThumbprints(t *testing.T) {
	t.Parallel()
	n := "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
	x, y := "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4", "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"
	modulus := new(big.Int).SetBytes(unbase64(t, n))
	for _, tc := range []struct {
		name, algorithm string
		have            crypto.Signer
		expected        string
	}{
		{"RFC 7638", "RS256", &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: modulus, E: 65537}}, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"},
		{"RFC 8037", "EdDSA", ed25519.NewKeyFromSeed(unbase64(t, "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A")), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"},
		{
			"RFC 7517", "ES256", &ecdsa.PrivateKey{PublicKey: *point(t, elliptic.P256(), x, y)},
			"cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			key, err := authn.NewPrivateKey(tc.algorithm, tc.have)
			require.NoError(t, err)
			assert.Equal(t, tc.expected, key.ID())
		})
	}
}

// Coordinates keep their leading zeros (RFC 7518, section 6.2.1.2).
func TestJWKCoordinatesHaveFullLength(t *testing.T) {
	t.Parallel()
	short := 0
	for d := int64(1); short < 2; d++ {
		private, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), big.NewInt(d).FillBytes(make([]byte, 32)))
		require.NoError(t, err)
		raw, err := private.PublicKey.Bytes()
		require.NoError(t, err)
		if raw[1] != 0 && raw[33] != 0 {
			continue
		}
		short++
		key, err := authn.NewPrivateKey("ES256", private)
		require.NoError(t, err)
		jwk := newTokenKit(t, "ES256", func(_ *authn.TokenConfig, deps *authn.TokenDeps) { deps.Keys = ringOf(t, key) }).manager.PublicKeys().Keys[0]
		assert.Equal(t, raw[1:33], unbase64(t, jwk.X))
		assert.Equal(t, raw[33:], unbase64(t, jwk.Y))
	}
}
