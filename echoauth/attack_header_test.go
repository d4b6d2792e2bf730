package echoauth_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func attackAlgorithms(t testing.TB, a target, l *attacks) {
	spellings := []string{
		"", `"none"`, `"None"`, `"NONE"`, `"noNE"`, `"nOnE"`, `"none "`, `" none"`, `""`, `" "`, "null", "0", "1", "true", "false", "[]", "{}",
		`["none"]`, `{"a":1}`, `"%s "`, `" %s"`, `"%s\u0000"`, `"%s\n"`, `"\t%s"`, `["%s"]`, `["%s","none"]`, `{"%s":1}`, `"%s%s"`, `"%s,none"`,
		`"es256"`, `"hs256"`, `"rs256"`, `"ps256"`, `"eddsa"`, `"EDDSA"`, `"Ed25519"`, `"Ed448"`, `"HS1"`, `"RS1"`, `"HS2256"`, `"ES256K"`, `"ES521"`,
		`"HS256"`, `"HS384"`, `"HS512"`, `"RS256"`, `"PS384"`, `"ES256"`, `"ES384"`, `"EdDSA"`, `"dir"`, `"RSA-OAEP"`, `"PBES2-HS256+A128KW"`, `"A256GCM"`,
		`"http://www.w3.org/2000/09/xmldsig#hmac-sha1"`,
	}
	for _, spelling := range spellings {
		alg := strings.ReplaceAll(spelling, "%s", a.algorithm)
		if a.serves(strings.Trim(alg, `"`)) {
			continue // JWT-02
		}
		l.add("unsigned "+spelling, "token_algorithm", unsigned(a.header(edits{"alg": alg}), a.payload(nil))+".")
		l.add("unsigned, unknown key "+spelling, "token_algorithm", unsigned(a.header(edits{"alg": alg, "kid": `"nobody's"`}), a.payload(nil))+".AAAA")
		if l.skips() {
			continue
		}
		l.add("signed "+spelling, "token_algorithm", a.signed(t, a.header(edits{"alg": alg}), a.payload(nil)))
	}
	// No key is looked for: whatever kid says, right, wrong or unreadable, the answer is the algorithm's.
	kids := []string{"", "null", "0", "[]", `""`, `"nobody's"`, quoted(strings.Repeat("k", 200))}
	for _, key := range a.ring {
		kids = append(kids, quoted(key.kid))
	}
	for i, kid := range kids {
		l.add(fmt.Sprint("none, key ", i), "token_algorithm", unsigned(a.header(edits{"alg": `"none"`, "kid": kid, "cty": `"x"`}), a.payload(nil))+".")
	}
}

// attackOtherKeys has every pair of keys in the ring try to pass for each other.
func attackOtherKeys(t testing.TB, a target, l *attacks) {
	for _, other := range a.others {
		if l.skips() {
			continue
		}
		otherAlg, otherKid := edits{"alg": quoted(other.algorithm)}, edits{"kid": quoted(other.kid)}
		otherBoth := edits{"alg": quoted(other.algorithm), "kid": quoted(other.kid)}
		l.add("alg of "+other.kid, "token_algorithm", a.signed(t, a.header(otherAlg), a.payload(nil)))
		l.add("alg and signature of "+other.kid, "token_algorithm", other.signed(t, a.header(otherAlg), a.payload(nil)))
		l.add("kid of "+other.kid, "token_algorithm", a.signed(t, a.header(otherKid), a.payload(nil)))
		l.add("kid and signature of "+other.kid, "token_algorithm", other.signed(t, a.header(otherKid), a.payload(nil)))
		l.add("alg and kid of "+other.kid, "token_signature", a.signed(t, a.header(otherBoth), a.payload(nil)))
		l.add("signature of "+other.kid, "token_signature", other.signed(t, a.header(nil), a.payload(nil)))
	}
}

func attackCritical(t testing.TB, a target, l *attacks) {
	for name, values := range map[string][]string{
		"crit": {`["x"]`, `[]`, `"exp"`, `["exp"]`, `["alg"]`, `["b64"]`, `["x","x"]`, "null", "true", "0", "{}", `""`},
		"b64":  {"false", "true", "null", `"false"`, "0"},
	} {
		for _, value := range values {
			if l.skips() {
				continue
			}
			l.add(name+" "+value, "token_malformed", a.signed(t, a.header(edits{name: value}), a.payload(nil)))
		}
	}
	raw := encode64(a.header(edits{"b64": "false", "crit": `["b64"]`})) + "." + strings.ReplaceAll(a.payload(nil), ".", "")
	l.add("payload not encoded (RFC 7797)", "token_malformed", a.signedText(t, raw))
}

// attackKeySources offers keys of the attacker's own, at an address that counts who asks.
func attackKeySources(t testing.TB, a target, l *attacks) {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		assert.Fail(t, "the application asked for "+r.URL.Path)
	}))
	t.Cleanup(server.Close)
	own := map[string][]string{
		"jku": {quoted(server.URL + "/jwks"), "null", `""`, `"file:///etc/passwd"`, `"http://169.254.169.254/"`, "[]"},
		"x5u": {quoted(server.URL + "/cert"), "null", `""`, `"//x"`},
		"jwk": {`{"kty":"oct","k":"AA"}`, `{"kty":"oct","k":""}`, `{"kty":"RSA","n":"AQAB","e":"AQAB"}`, `{"kty":"OKP","crv":"Ed25519","x":"AA"}`, "null", "{}"},
		"x5c": {`["MIIB"]`, "[]", "null", `""`},
		"zip": {`"DEF"`, "null", `""`},
		"enc": {`"A128GCM"`, "null", `""`},
	}
	for name, values := range own {
		for _, value := range values {
			if l.skips() {
				continue
			}
			l.add(name+" "+strings.ReplaceAll(value, server.URL, "url"), "token_malformed", a.signed(t, a.header(edits{name: value}), a.payload(nil)))
		}
	}
}

func attackKeyIDs(t testing.TB, a target, l *attacks) {
	for _, kid := range []string{
		"", "null", "0", "true", "{}", "[]", "[" + quoted(a.kid) + "]", `""`, quoted(a.kid + " "), quoted(" " + a.kid), quoted(a.kid + `\u0000`), quoted(a.kid + `\n`),
		quoted(a.kid[1:]), quoted(a.kid[:len(a.kid)-1]), quoted(a.kid + "x"), quoted(strings.ToLower(a.kid)), quoted(strings.ToUpper(a.kid)),
		`"../../dev/null"`, `"/dev/null"`, `"C:\\nul"`, `"' or 1=1--"`, `"1; drop table keys"`, `"*)(uid=*"`, `"http://127.0.0.1/key"`, `"${jndi:ldap://x}"`,
		`"|cat /etc/passwd"`, `"*"`, `"%00"`, `"default"`, `"0"`, `"__proto__"`, `"constructor"`, quoted(strings.Repeat("k", 128)), quoted(strings.Repeat("k", 129)),
		`"\u004bey"`, quoted(a.algorithm),
	} {
		if l.skips() {
			continue
		}
		l.add("kid "+kid, "token_key", a.signed(t, a.header(edits{"kid": kid}), a.payload(nil)))
	}
	for _, kid := range []string{quoted(strings.Repeat("k", 2<<10)), quoted(a.kid) + `,"kid":"x"`, `"\ud800"`, `"` + "\n" + `"`} {
		l.add("unreadable kid "+kid, "token_malformed", a.signed(t, a.header(edits{"kid": kid}), a.payload(nil)))
	}
}

func attackTypes(t testing.TB, a target, l *attacks) {
	for _, typ := range []string{
		"", "null", "1", "true", "{}", "[]", `["at+jwt"]`, `""`, `"JWT"`, `"jwt"`, `"at+jwt "`, `" at+jwt"`, `"at jwt"`, `"at"`, `"jwt+at"`, `"at+jws"`, `"at+jwt,at+jwt"`,
		`"application/"`, `"application/jwt"`, `"application/application/at+jwt"`, `"application/at+jwt;v=1"`, `"text/at+jwt"`, `"x/at+jwt"`, `"/at+jwt"`, `"application /at+jwt"`,
		`"rt+jwt"`, `"secevent+jwt"`, `"kb+jwt"`, `"vc+sd-jwt"`, `"JOSE"`, `"JOSE+JSON"`, `"at+jwt\u0000"`, `"\u0430t+jwt"`, `"at+\u017fwt"`,
	} {
		if l.skips() {
			continue
		}
		l.add("typ "+typ, "token_type", a.signed(t, a.header(edits{"typ": typ}), a.payload(nil)))
	}
}

// attackOtherTokens are what a key may sign beside access tokens.
func attackOtherTokens(t testing.TB, a target, l *attacks) {
	for name, claims := range map[string]edits{
		"JWT":                       {"nonce": `"n"`, "at_hash": `"h"`, "azp": `"authmodule"`},
		"logout+jwt":                {"events": `{"http://schemas.openid.net/event/backchannel-logout":{}}`},
		"dpop+jwt":                  {"htm": `"GET"`, "htu": `"https://app.example.com/in"`, "ath": `"h"`},
		"client-authentication+jwt": {"iss": `"client"`, "sub": `"client"`},
		"state+jwt":                 {"redirect": `"/"`},
		"reset+jwt":                 {"purpose": `"reset"`},
		"token-introspection+jwt":   {"token_introspection": `{"active":true}`},
		"oauth-authz-req+jwt":       {"client_id": `"c"`, "response_type": `"code"`},
	} {
		l.add(name, "token_type", a.signed(t, a.header(edits{"typ": quoted(name)}), a.payload(claims)))
		l.add(name+" without typ", "token_type", a.signed(t, a.header(edits{"typ": ""}), a.payload(claims)))
	}
	// A key that is shared with such an issuer: the type is right and the claims are not.
	l.add("ID token as at+jwt", "token_malformed", a.signed(t, a.header(nil), a.payload(edits{"sid": "", "jti": "", "nonce": `"n"`})))
	l.add("logout token as at+jwt", "token_malformed", a.signed(t, a.header(nil), a.payload(edits{"sub": "", "exp": "", "events": "{}"})))
	l.add("DPoP proof as at+jwt", "token_malformed", a.signed(t, a.header(nil), a.payload(edits{"iss": "", "aud": "", "sub": "", "htm": `"GET"`})))
}

func attackRetiredKeys(t testing.TB, a target, l *attacks) {
	for _, kid := range []string{"retired", "2024-01", "Key-previous", "Key-" + a.algorithm + "-old"} {
		l.add("kid "+kid, "token_key", a.signed(t, a.header(edits{"kid": quoted(kid)}), a.payload(nil)))
	}
}

func attackRandomKeyIDs(t testing.TB, a target, l *attacks) {
	for i := range 10 {
		kid := encode64(strings.Repeat(string(rune('a'+i)), 32))
		l.add("kid "+kid, "token_key", unsigned(a.header(edits{"kid": quoted(kid)}), a.payload(nil))+".AAAA")
	}
}
