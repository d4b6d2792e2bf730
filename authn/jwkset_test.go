package authn_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
)

// asymmetric are the algorithms that a key set can have keys for.
func asymmetric() []string {
	return slices.DeleteFunc(authn.Algorithms(), authn.SymmetricAlgorithm)
}

// jwkText is a published key with members replaced, added or, where the text is empty, left out.
func jwkText(t testing.TB, algorithm string, edits map[string]string) string {
	t.Helper()
	keys, err := tokenKeys()
	require.NoError(t, err)
	ring, err := authn.NewKeyRing(nil, keys[algorithm].key)
	require.NoError(t, err)
	text, err := json.Marshal(ring.Public().Keys[0])
	require.NoError(t, err)
	var plain map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(text, &plain))
	var members [][2]string
	for _, name := range slices.Sorted(maps.Keys(plain)) {
		members = append(members, [2]string{name, string(plain[name])})
	}
	return editJSON(members, edits)
}

func setOf(keys ...string) []byte { return []byte(`{"keys":[` + strings.Join(keys, ",") + `]}`) }

// Every kind of key is read as it was published, with its own alg and without.
func TestParseJWKSet(t *testing.T) {
	t.Parallel()
	keys, err := tokenKeys()
	require.NoError(t, err)
	for _, algorithm := range asymmetric() {
		for name, edits := range map[string]map[string]string{"with alg": nil, "without alg and use": {"alg": "", "use": ""}, "key_ops": {"key_ops": `["verify"]`}, "other members": {"x5t": `"x"`, "x5c": `["MIIB"]`, "exp": "1"}} {
			read, skipped, err := authn.ParseJWKSet(setOf(jwkText(t, algorithm, edits)), algorithm)
			require.NoError(t, err, "%s %s", algorithm, name)
			require.Empty(t, skipped)
			require.Len(t, read, 1)
			assert.Equal(t, keys[algorithm].key.ID(), read[0].ID())
			assert.Equal(t, algorithm, read[0].Algorithm())
			assert.False(t, read[0].CanSign())
			assert.Equal(t, publishedOf(t, keys[algorithm].key), publishedOf(t, read[0]))
		}
	}
}

func publishedOf(t testing.TB, key *authn.Key) authn.JWK {
	t.Helper()
	ring, err := authn.NewKeyRing(nil, key)
	require.NoError(t, err)
	return ring.Public().Keys[0]
}

// JWT-02: without alg, a key serves when one accepted algorithm takes it, and not when two do.
func TestParseJWKSetGuessesNoAlgorithm(t *testing.T) {
	t.Parallel()
	read := func(algorithm string, accepted ...string) []string {
		keys, skipped, err := authn.ParseJWKSet(setOf(jwkText(t, algorithm, map[string]string{"alg": ""})), accepted...)
		require.NoError(t, err)
		require.Equal(t, 1, len(keys)+len(skipped))
		names := []string{}
		for _, key := range keys {
			names = append(names, key.Algorithm())
		}
		return names
	}
	assert.Equal(t, []string{"PS256"}, read("RS256", "PS256", "ES256"))
	assert.Empty(t, read("RS256", "RS256", "PS256"), "two algorithms take an RSA key")
	assert.Empty(t, read("RS256", "ES256", "EdDSA"))
	assert.Equal(t, []string{"ES384"}, read("ES384", "ES256", "ES384", "ES512"))
	assert.Equal(t, []string{"EdDSA"}, read("EdDSA", authn.DefaultIssuerAlgorithms()...))
}

// One bad key does not take the good one with it; it is left out.
func TestParseJWKSetLeavesOutBadKeys(t *testing.T) {
	t.Parallel()
	small := base64.RawURLEncoding.EncodeToString(append([]byte{0xc0}, make([]byte, 127)...))
	even := base64.RawURLEncoding.EncodeToString(append([]byte{0xc0}, make([]byte, 255)...))
	for name, bad := range map[string]string{
		"secret":                      `{"kty":"oct","kid":"b","alg":"HS256","k":"c2VjcmV0"}`,
		"secret named RSA":            jwkText(t, "RS256", map[string]string{"k": `"c2VjcmV0"`}),
		"private RSA":                 jwkText(t, "RS256", map[string]string{"d": `"AQAB"`}),
		"private prime":               jwkText(t, "RS256", map[string]string{"p": `"AQAB"`}),
		"private EC":                  jwkText(t, "ES256", map[string]string{"d": `"AQAB"`}),
		"private, in capitals":        jwkText(t, "ES256", map[string]string{"D": `"AQAB"`}),
		"unknown kty":                 `{"kty":"AKP","kid":"b","alg":"ML-DSA-44","pub":"AA"}`,
		"no kty":                      jwkText(t, "RS256", map[string]string{"kty": ""}),
		"kty in lower case":           jwkText(t, "RS256", map[string]string{"kty": `"rsa"`}),
		"no kid":                      jwkText(t, "RS256", map[string]string{"kid": ""}),
		"kid is a number":             jwkText(t, "RS256", map[string]string{"kid": "1"}),
		"empty kid":                   jwkText(t, "RS256", map[string]string{"kid": `""`}),
		"long kid":                    jwkText(t, "RS256", map[string]string{"kid": quoteJSON(strings.Repeat("k", 129))}),
		"kid with a line end":         jwkText(t, "RS256", map[string]string{"kid": `"a\nb"`}),
		"for encryption":              jwkText(t, "RS256", map[string]string{"use": `"enc"`}),
		"use is null":                 jwkText(t, "RS256", map[string]string{"use": "null"}),
		"JWT-02 key_ops":              jwkText(t, "RS256", map[string]string{"key_ops": `["encrypt"]`}),
		"JWT-02 key_ops mixed":        jwkText(t, "RS256", map[string]string{"key_ops": `["verify","wrapKey"]`}),
		"key_ops empty":               jwkText(t, "RS256", map[string]string{"key_ops": "[]"}),
		"key_ops is a text":           jwkText(t, "RS256", map[string]string{"key_ops": `"verify"`}),
		"alg of no list":              jwkText(t, "RS256", map[string]string{"alg": `"RS1"`}),
		"alg none":                    jwkText(t, "RS256", map[string]string{"alg": `"none"`}),
		"alg HS256":                   jwkText(t, "RS256", map[string]string{"alg": `"HS256"`}),
		"alg for encryption":          jwkText(t, "RS256", map[string]string{"alg": `"RSA-OAEP"`}),
		"alg is null":                 jwkText(t, "RS256", map[string]string{"alg": "null"}),
		"JWT-02 alg of another kty":   jwkText(t, "RS256", map[string]string{"alg": `"ES256"`}),
		"JWT-02 alg of another curve": jwkText(t, "ES256", map[string]string{"alg": `"ES384"`}),
		"crv of another curve":        jwkText(t, "ES256", map[string]string{"crv": `"P-384"`, "alg": `"ES384"`}),
		"crv secp256k1":               jwkText(t, "ES256", map[string]string{"crv": `"secp256k1"`}),
		"crv X25519":                  jwkText(t, "EdDSA", map[string]string{"crv": `"X25519"`}),
		"off the curve":               jwkText(t, "ES256", map[string]string{"x": quoteJSON(strings.Repeat("A", 43))}),
		"short coordinate":            jwkText(t, "ES256", map[string]string{"x": quoteJSON("AAAA")}),
		"y missing":                   jwkText(t, "ES256", map[string]string{"y": ""}),
		"short Ed25519":               jwkText(t, "EdDSA", map[string]string{"x": quoteJSON("AAAA")}),
		"JWT-04 RSA-1024":             jwkText(t, "RS256", map[string]string{"n": quoteJSON(small)}),
		"JWT-04 even modulus":         jwkText(t, "RS256", map[string]string{"n": quoteJSON(even)}),
		"JWT-04 e of 1":               jwkText(t, "RS256", map[string]string{"e": `"AQ"`}),
		"JWT-04 e of 3":               jwkText(t, "RS256", map[string]string{"e": `"Aw"`}),
		"JWT-04 even e":               jwkText(t, "RS256", map[string]string{"e": `"AQAA"`}),
		"e too large":                 jwkText(t, "RS256", map[string]string{"e": `"_____w"`}),
		"e larger still":              jwkText(t, "RS256", map[string]string{"e": `"AQAAAAE"`}),
		"e with a zero before it":     jwkText(t, "RS256", map[string]string{"e": `"AAEAAQ"`}),
		"padded":                      jwkText(t, "RS256", map[string]string{"e": `"AQAB===="`}),
		"with a line end":             jwkText(t, "RS256", map[string]string{"e": `"AQAB\n"`}),
		"spare bits":                  jwkText(t, "ES256", map[string]string{"x": quoteJSON(strings.Repeat("A", 42) + "B")}),
		"not base64url":               jwkText(t, "RS256", map[string]string{"n": `"+/+/"`}),
		"n missing":                   jwkText(t, "RS256", map[string]string{"n": ""}),
		"n is a number":               jwkText(t, "RS256", map[string]string{"n": "65537"}),
		"huge n":                      jwkText(t, "RS256", map[string]string{"n": quoteJSON(strings.Repeat("_", 2000))}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			good := jwkText(t, "ES512", map[string]string{"kid": `"good"`})
			keys, skipped, err := authn.ParseJWKSet(setOf(bad, good), asymmetric()...)
			require.NoError(t, err)
			require.Len(t, keys, 1)
			assert.Equal(t, "good", keys[0].ID())
			require.Len(t, skipped, 1)
			require.ErrorIs(t, skipped[0], authn.ErrKey)
			assert.Contains(t, skipped[0].Error(), "key 1 of the set")
			assert.NotContains(t, skipped[0].Error(), "c2VjcmV0")
		})
	}
}

// JWT-07, JWT-43: what casts doubt on the whole set refuses it.
func TestParseJWKSetRefusesTheSet(t *testing.T) {
	t.Parallel()
	good := jwkText(t, "ES256", nil)
	var many []string
	for i := range 101 {
		many = append(many, jwkText(t, "ES256", map[string]string{"kid": quoteJSON(fmt.Sprint(i))}))
	}
	for name, document := range map[string][]byte{
		"JWT-07 two keys of one kid":      setOf(good, jwkText(t, "RS256", map[string]string{"kid": quoteJSON(kidIn(t, good))})),
		"JWT-07 one of them is skipped":   setOf(good, jwkText(t, "RS256", map[string]string{"kid": quoteJSON(kidIn(t, good)), "use": `"enc"`})),
		"JWT-07 one key twice":            setOf(good, good),
		"101 keys":                        setOf(many...),
		"JWT-43 larger than 1 MiB":        []byte(string(setOf(good)) + strings.Repeat(" ", authn.LargestJWKSet)),
		"nothing":                         {},
		"null":                            []byte("null"),
		"a list":                          []byte("[" + good + "]"),
		"one key":                         []byte(good),
		"no keys":                         []byte("{}"),
		"keys in capitals":                []byte(`{"KEYS":[` + good + `]}`),
		"keys beside their look-alike":    []byte(`{"keys":[],"\u212aeys":[` + good + `]}`),
		"keys twice":                      []byte(`{"keys":[],"keys":[` + good + `]}`),
		"keys is an object":               []byte(`{"keys":{"a":` + good + `}}`),
		"keys has a text":                 []byte(`{"keys":["a"]}`),
		"keys has null":                   []byte(`{"keys":[` + good + `,null]}`),
		"a member twice in a key":         setOf(strings.Replace(good, "{", `{"kid":"x",`, 1)),
		"two documents":                   append(setOf(good), setOf(good)...),
		"a byte order mark":               append([]byte("\ufeff"), setOf(good)...),
		"not UTF-8":                       append([]byte(`{"keys":[],"x":"`), 0xff, '"', '}'),
		"HTML":                            []byte("<!doctype html><title>Sign in</title>"),
		"nested beyond what anybody does": []byte(`{"keys":[],"x":` + strings.Repeat("[", 9) + strings.Repeat("]", 9) + "}"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			keys, skipped, err := authn.ParseJWKSet(document, asymmetric()...)
			require.ErrorIs(t, err, authn.ErrJWKSet)
			assert.Empty(t, keys)
			assert.Empty(t, skipped)
		})
	}
	keys, skipped, err := authn.ParseJWKSet([]byte(`{"keys":[]}`), "ES256")
	require.NoError(t, err, "an empty set says that no key is good")
	assert.Empty(t, keys)
	assert.Empty(t, skipped)
}

func kidIn(t testing.TB, jwk string) string {
	t.Helper()
	var members struct{ Kid string }
	require.NoError(t, json.Unmarshal([]byte(jwk), &members))
	return members.Kid
}

// FuzzParseJWKSet: what is accepted, encoding/json reads alike; and published
// again, it is read as the same keys.
func FuzzParseJWKSet(f *testing.F) {
	for _, algorithm := range asymmetric() {
		f.Add(setOf(jwkText(f, algorithm, nil)))
		f.Add(setOf(jwkText(f, algorithm, map[string]string{"alg": "", "use": ""})))
	}
	f.Add(setOf(jwkText(f, "RS256", map[string]string{"e": `"AAEAAQ"`}), jwkText(f, "ES256", map[string]string{"d": `"AQAB"`})))
	f.Add(setOf(jwkText(f, "ES256", nil), jwkText(f, "ES256", nil)))
	f.Add([]byte(`{"keys":[{"kty":"oct","k":"AA"},{}]}`))
	accepted := []string{"RS256", "ES256", "ES384", "ES512", "EdDSA"}
	f.Fuzz(func(t *testing.T, document []byte) {
		keys, skipped, err := authn.ParseJWKSet(document, accepted...)
		if err != nil {
			require.Empty(t, keys)
			return
		}
		var loose struct{ Keys []map[string]any }
		require.NoError(t, json.Unmarshal(document, &loose))
		require.Len(t, loose.Keys, len(keys)+len(skipped))
		if len(keys) == 0 {
			return
		}
		ring, err := authn.NewKeyRing(nil, keys...)
		require.NoError(t, err, "no two keys have one kid")
		for i, jwk := range ring.Public().Keys {
			checkAgainstLoose(t, loose.Keys, jwk)
			require.Contains(t, accepted, keys[i].Algorithm())
		}
		text, err := json.Marshal(ring.Public())
		require.NoError(t, err)
		again, skipped, err := authn.ParseJWKSet(text, accepted...)
		require.NoError(t, err)
		require.Empty(t, skipped)
		require.Len(t, again, len(keys))
		for i := range again {
			require.Equal(t, publishedOf(t, keys[i]), publishedOf(t, again[i]))
		}
	})
}

// checkAgainstLoose finds the accepted key among what encoding/json read, with the same numbers and nothing private.
func checkAgainstLoose(t *testing.T, loose []map[string]any, jwk authn.JWK) {
	t.Helper()
	i := slices.IndexFunc(loose, func(members map[string]any) bool { return members["kid"] == jwk.KeyID })
	require.GreaterOrEqual(t, i, 0)
	for name, value := range map[string]string{"kty": jwk.KeyType, "crv": jwk.Curve, "x": jwk.X, "y": jwk.Y, "n": jwk.N, "e": jwk.E} {
		if value != "" {
			require.Equal(t, value, loose[i][name])
		}
	}
	for _, name := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} {
		require.NotContains(t, loose[i], name)
	}
	require.Contains(t, []any{nil, "sig"}, loose[i]["use"])
	require.Contains(t, []any{nil, jwk.Algorithm}, loose[i]["alg"])
}
