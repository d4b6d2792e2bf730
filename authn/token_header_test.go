package authn_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/setting"
)

// JWT-01: the algorithm is ours alone, byte for byte, and is decided before any key is looked up.
func TestTokenAlgorithmSpellings(t *testing.T) {
	t.Parallel()
	spellings := []string{
		"", `"none"`, `"None"`, `"NONE"`, `"noNE"`, `"nOnE"`, `""`, "null", "0", "true", `["ES256"]`, `{"a":1}`,
		`"%s "`, `" %s"`, `"%s\u0000"`, `"%s\n"`, `["%s"]`, `{"%s":1}`, `"%s%s"`,
		`"es256"`, `"hs256"`, `"rs256"`, `"eddsa"`, `"EDDSA"`, `"Ed25519"`, `"Ed448"`,
		`"HS256"`, `"HS384"`, `"HS512"`, `"RS256"`, `"RS384"`, `"RS512"`, `"PS256"`, `"PS384"`, `"PS512"`,
		`"ES256"`, `"ES384"`, `"ES512"`, `"ES256K"`, `"EdDSA"`, `"dir"`, `"RSA-OAEP"`, `"PBES2-HS256+A128KW"`,
	}
	eachAlgorithm(t, func(t *testing.T, kit tokenKit) {
		own := quoteJSON(kit.key.Algorithm())
		for _, spelling := range spellings {
			spelling = strings.ReplaceAll(spelling, "%s", kit.key.Algorithm())
			if spelling == own {
				continue
			}
			t.Run("JWT-01 "+spelling, func(t *testing.T) {
				kit.refuses(t, kit.sign(t, kit.header(map[string]string{"alg": spelling}), kit.payload(nil)), authn.ErrTokenAlgorithm)
				foreign := map[string]string{"alg": spelling, "kid": `"nobody's"`, "typ": `"JWT"`}
				kit.refuses(t, kit.sign(t, kit.header(foreign), kit.payload(nil)), authn.ErrTokenAlgorithm)
				unsigned := encode64(kit.header(map[string]string{"alg": spelling})) + "." + encode64(kit.payload(nil)) + "."
				kit.refuses(t, setting.Secret(unsigned), authn.ErrTokenAlgorithm)
			})
		}
	})
}

// An empty signature under the right algorithm.
func TestTokenWithoutSignature(t *testing.T) {
	t.Parallel()
	eachAlgorithm(t, func(t *testing.T, kit tokenKit) {
		signed, _, _ := cutLast(kit.issue(t).Reveal())
		kit.refuses(t, setting.Secret(signed+"."), authn.ErrTokenMalformed)
		kit.refuses(t, setting.Secret(signed), authn.ErrTokenMalformed)
		kit.refuses(t, setting.Secret(signed+".AA"), authn.ErrTokenSignature)
	})
}

// JWT-02: one RSA key serves RS256 and nothing else.
func TestTokenPSSSignature(t *testing.T) {
	t.Parallel()
	kit := newTokenKit(t, "RS256")
	kit.method = jwt.SigningMethodPS256
	kit.refuses(t, kit.sign(t, kit.header(nil), kit.payload(nil)), authn.ErrTokenSignature)
	kit.method = jwt.SigningMethodRS512
	kit.refuses(t, kit.sign(t, kit.header(nil), kit.payload(nil)), authn.ErrTokenSignature)
}

// JWT-05 and JWT-06: members that change how a token is read, or where its key is, are refused and never followed.
func TestTokenHeaderMembersThatAreRefused(t *testing.T) {
	t.Parallel()
	var requests atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests.Add(1) }))
	defer server.Close()
	url := quoteJSON(server.URL)
	cases := map[string][]string{
		"JWT-05 crit": {`["x"]`, `[]`, `"exp"`, `["exp"]`, `["alg"]`, `["b64"]`, `["x","x"]`, "null", "true", "{}"},
		"JWT-05 b64":  {"false", "true", "null", `"false"`},
		"JWT-06 jku":  {url, "null", `""`, `"file:///etc/passwd"`},
		"JWT-06 x5u":  {url, "null"},
		"JWT-06 jwk":  {`{"kty":"oct","k":"AA"}`, `{"kty":"RSA","n":"AQAB","e":"AQAB"}`, "null", "{}"},
		"JWT-06 x5c":  {`["MIIB"]`, "[]", "null"},
		"JWT-06 zip":  {`"DEF"`, "null", `""`},
		"JWT-06 enc":  {`"A128GCM"`, "null"},
	}
	eachAlgorithm(t, func(t *testing.T, kit tokenKit) {
		for name, values := range cases {
			for _, value := range values {
				edit := map[string]string{strings.Fields(name)[1]: value}
				kit.refuses(t, kit.sign(t, kit.header(edit), kit.payload(nil)), authn.ErrTokenMalformed)
			}
		}
	})
	assert.Zero(t, requests.Load())
}

// JWT-07: the kid is compared, and is nothing else: no path, no query, no address.
func TestTokenKeyIDs(t *testing.T) {
	t.Parallel()
	eachAlgorithm(t, func(t *testing.T, kit tokenKit) {
		id := kit.key.ID()
		for _, kid := range []string{
			"", "null", "0", "true", "{}", "[" + quoteJSON(id) + "]", `""`, quoteJSON(id + " "), quoteJSON(" " + id), quoteJSON(id + `\u0000`),
			quoteJSON(id[:len(id)-1]), quoteJSON(id + "x"), quoteJSON(strings.ToLower(id) + "X"), quoteJSON(swapCase(id)),
			`"../../dev/null"`, `"/dev/null"`, `"' or 1=1--"`, `"*)(uid=*"`, `"http://127.0.0.1/key"`, `"default"`, quoteJSON(strings.Repeat("k", 129)),
		} {
			kit.refuses(t, kit.sign(t, kit.header(map[string]string{"kid": kid}), kit.payload(nil)), authn.ErrTokenKey)
		}
		long := kit.header(map[string]string{"kid": quoteJSON(strings.Repeat("k", 1<<20))})
		kit.refuses(t, kit.sign(t, long, kit.payload(nil)), authn.ErrTokenMalformed)
	})
}

func swapCase(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			return r - 'a' + 'A'
		}
		if r >= 'A' && r <= 'Z' {
			return r - 'A' + 'a'
		}
		return r
	}, text)
}

// JWT-09: the right kid does not make another key right.
func TestTokenOfAnotherKey(t *testing.T) {
	t.Parallel()
	kit := newTokenKit(t, "HS256")
	forger := kit
	forger.private = []byte("another HMAC secret of 32 bytes or more")
	kit.refuses(t, forger.sign(t, kit.header(nil), kit.payload(nil)), authn.ErrTokenSignature)
	other, err := authn.NewSecretKey("HS256", "another HMAC secret of 32 bytes or more")
	require.NoError(t, err)
	token, _, err := newTokenKit(t, "HS256", func(_ *authn.TokenConfig, deps *authn.TokenDeps) { deps.Keys = ringOf(t, other) }).manager.Issue(tokenSession(), nil)
	require.NoError(t, err)
	kit.refuses(t, token, authn.ErrTokenKey)
}

// JWT-08: the type is compared as media types are.
func TestTokenTypes(t *testing.T) {
	t.Parallel()
	eachAlgorithm(t, func(t *testing.T, kit tokenKit) {
		for _, typ := range []string{`"at+jwt"`, `"AT+JWT"`, `"At+Jwt"`, `"application/at+jwt"`, `"Application/AT+JWT"`, `"at\u002bjwt"`} {
			kit.accepts(t, kit.sign(t, kit.header(map[string]string{"typ": typ}), kit.payload(nil)))
		}
		for _, typ := range []string{
			"", "null", "1", "true", "{}", `["at+jwt"]`, `""`, `"JWT"`, `"jwt"`, `"at+jwt "`, `" at+jwt"`, `"at jwt"`, `"at"`, `"jwt+at"`, `"at+jws"`,
			`"application/"`, `"application/jwt"`, `"application/application/at+jwt"`, `"application/at+jwt;v=1"`, `"text/at+jwt"`, `"x/at+jwt"`, `"/at+jwt"`,
			`"logout+jwt"`, `"dpop+jwt"`, `"rt+jwt"`, `"secevent+jwt"`, `"kb+jwt"`, `"at+jwt\u0000"`, `"\u0430t+jwt"`,
		} {
			kit.refuses(t, kit.sign(t, kit.header(map[string]string{"typ": typ}), kit.payload(nil)), authn.ErrTokenType)
		}
	})
}

func TestTokenHeaderMembersThatAreIgnored(t *testing.T) {
	t.Parallel()
	kit := newTokenKit(t, "HS256")
	kit.accepts(t, kit.sign(t, kit.header(map[string]string{"cty": `"x"`, "x5t": `"x"`, "x5t#S256": `"x"`, "nonce": "1"}), kit.payload(nil)))
}
