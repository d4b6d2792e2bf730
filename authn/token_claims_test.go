package authn_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/authmodule/authmodule/authn"
)

// Rows JWT-11, JWT-15, JWT-35 and JWT-36: each claim is required, of its type and in range. The empty text removes it.
var (
	badTexts = []string{
		"", "null", "true", "false", "0", "1", "1.5", "12345678901234567890", "9007199254740993", "[]", `["x","y"]`, `[["x"]]`, "{}", `{"a":"x"}`,
		`""`, `"` + strings.Repeat("x", 256) + `"`, `"\ud800"`, "\"\xff\"", `"x`, "x", `"x""y"`,
	}
	badTimes = []string{
		"", "null", "true", "false", `""`, `"1767323045"`, "[]", "[1767323045]", "{}",
		"0", "-0", "-1", "-1767323045", "1e308", "1e999", "-1e999", "9e18", "9000000000000000000", "9223372036854775807", "9223372036854775808",
		"18446744073709551616", "253402300800", "999999999999999", "1000000000000000",
		"1767323045.5", "1767323045.0", "1767323045e0", "1767323045E0", "1.767323045e9", "17673230450e-1",
		"01767323045", "+1767323045", "0x6957", "1_767_323_045", "1767323045 1", "NaN", "Infinity",
	}
	badLists = []string{
		"", "null", "true", "1", `"pwd"`, `""`, "{}", `{"0":"pwd"}`, "[1]", "[null]", "[true]", `["pwd",1]`, `[["pwd"]]`, `[{"a":"pwd"}]`,
		"[", "[,]", `["a",]`, `[,"a"]`, `["a""b"]`, `["a",,"b"]`, `["a" "b"]`, `["a":"b"]`, `["a"],["b"]`,
	}
	badTenants = []string{"", "null", "true", "1", "[]", "{}", `"Acme"`, `"a_b"`, `"-a"`, `"a.b"`, `" acme"`, `"` + strings.Repeat("t", 64) + `"`}
	badClaims  = map[string][]string{
		"iss": badTexts, "aud": append([]string{`["authmodule",1]`, `["authmodule",["x"]]`, `["authmodule","authmodule"]`, `[""]`, `[null]`}, badTexts...),
		"sub": badTexts, "sid": badTexts, "jti": badTexts, "tenant": badTenants,
		"iat": badTimes, "nbf": badTimes, "exp": badTimes, "auth_time": badTimes, "amr": badLists, "roles": badLists,
	}
)

func TestTokenClaimsAreRequiredAndTyped(t *testing.T) {
	t.Parallel()
	eachAlgorithm(t, func(t *testing.T, kit tokenKit) {
		kit.accepts(t, kit.sign(t, kit.header(nil), kit.payload(nil)))
		for _, claim := range slices.Sorted(maps.Keys(badClaims)) {
			for _, value := range badClaims[claim] {
				t.Run("JWT-11 "+claim+" "+value[:min(len(value), 30)], func(t *testing.T) {
					kit.refuses(t, kit.sign(t, kit.header(nil), kit.payload(map[string]string{claim: value})), authn.ErrTokenMalformed)
				})
			}
		}
	})
}

func TestTokenClaimsInOtherFormsThatAreRight(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		have  map[string]string
		check func(authn.Claims) bool
	}{
		{"JWT-10 audience in an array", map[string]string{"aud": `["authmodule"]`}, func(c authn.Claims) bool { return c.Audience == "authmodule" }},
		{"no tenant", map[string]string{"tenant": `""`}, func(c authn.Claims) bool { return c.Subject.Tenant == "" }},
		{"subject of 255 bytes", map[string]string{"sub": `"` + strings.Repeat("s", 255) + `"`}, func(c authn.Claims) bool { return len(c.Subject.ID) == 255 }},
		{"escapes", map[string]string{"sub": `"\u00fcser\ud83d\ude00\/"`}, func(c authn.Claims) bool { return c.Subject.ID == "üser😀/" }},
		{"no roles", map[string]string{"roles": `[]`}, func(c authn.Claims) bool { return len(c.Roles) == 0 && c.Roles != nil }},
		{"space", map[string]string{"roles": " [ \"a\" ,\t\"b\"\n] "}, func(c authn.Claims) bool { return slices.Equal(c.Roles, []string{"a", "b"}) }},
		{"JWT-31 unknown members", map[string]string{"email": `"a@b.c"`, "x": `{"y":[1,2,{"z":null}]}`}, func(authn.Claims) bool { return true }},
		{"old times", map[string]string{"auth_time": "1", "nbf": "1"}, func(c authn.Claims) bool { return c.AuthTime.Equal(time.Unix(1, 0)) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			kit := newTokenKit(t, "HS256")
			assert.True(t, tc.check(kit.accepts(t, kit.sign(t, kit.header(nil), kit.payload(tc.have)))))
		})
	}
}

// JWT-09 and JWT-10: exact, byte for byte.
func TestTokenIssuerAndAudienceAreExact(t *testing.T) {
	t.Parallel()
	others := []string{"authmodule/", "Authmodule", "AUTHMODULE", " authmodule", "authmodule ", `authmodule\u0000`, "authmodul", "authmodule2", "other", "*", "."}
	eachAlgorithm(t, func(t *testing.T, kit tokenKit) {
		for _, other := range others {
			kit.refuses(t, kit.sign(t, kit.header(nil), kit.payload(map[string]string{"iss": quoteJSON(other)})), authn.ErrTokenIssuer)
			kit.refuses(t, kit.sign(t, kit.header(nil), kit.payload(map[string]string{"aud": quoteJSON(other)})), authn.ErrTokenAudience)
			kit.refuses(t, kit.sign(t, kit.header(nil), kit.payload(map[string]string{"aud": "[" + quoteJSON(other) + "]"})), authn.ErrTokenAudience)
		}
	})
}

// Item 5: what the issuing service made, it refused itself.
func TestItem5TokensAreForTheirIssuerAndAudienceAlone(t *testing.T) {
	t.Parallel()
	eachAlgorithm(t, func(t *testing.T, kit tokenKit) {
		named := func(issuer, audience string) tokenKit {
			return newTokenKit(t, kit.key.Algorithm(), func(cfg *authn.TokenConfig, _ *authn.TokenDeps) {
				cfg.Issuer, cfg.Audience = issuer, audience
			})
		}
		token := kit.issue(t)
		claims := kit.accepts(t, token)
		assert.Equal(t, []string{authn.DefaultIssuer, authn.DefaultAudience}, []string{claims.Issuer, claims.Audience})
		named(authn.DefaultIssuer, authn.DefaultAudience).accepts(t, token)
		named("https://other.example", "").refuses(t, token, authn.ErrTokenIssuer)
		named("", "https://other.example").refuses(t, token, authn.ErrTokenAudience)

		shop := named("https://id.example/", "shop")
		kit.refuses(t, shop.issue(t), authn.ErrTokenIssuer)
		assert.Equal(t, "shop", shop.accepts(t, shop.issue(t)).Audience)
	})
}

// Item 10: nothing that a session or a role says can take the place of a claim.
func TestItem10TokenClaimsCannotBeOverwritten(t *testing.T) {
	t.Parallel()
	kit := newTokenKit(t, "HS256")
	session := tokenSession()
	evil := `x"],"sub":"admin","exp":9999999999,"roles":["admin`
	session.Methods, session.ID, session.Subject.ID = []string{evil}, evil, "user-1\",\"sub\":\"admin"
	token, _, err := kit.manager.Issue(session, []string{evil, "</script>\u2028", "\x00"})
	assert.NoError(t, err)
	claims := kit.accepts(t, token)
	assert.Equal(t, session.Subject, claims.Subject)
	assert.Equal(t, tokenEpoch.Add(30*time.Minute), claims.Expires)
	assert.Equal(t, []string{evil, "</script>\u2028", "\x00"}, claims.Roles)
	assert.Equal(t, evil, claims.SessionID)
}
