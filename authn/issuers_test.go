package authn_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/setting"
)

// JWT-09: the iss decides to the letter who verifies a token; whatever else names one of these issuers, names none.
func TestIssuersOf(t *testing.T) {
	t.Parallel()
	kit := newIssuerKit(t)
	assert.Equal(t, "corp", kit.issuers.Of(kit.token(t, nil)).Name())
	for _, iss := range []string{
		`"https://idp.example.com/"`, `"https://IDP.example.com"`, `"http://idp.example.com"`, `" https://idp.example.com"`, `["https://idp.example.com"]`, `"authmodule"`, `""`, "null", "",
		`"https://idp.example.com\u0000"`,
	} {
		assert.Nil(t, kit.issuers.Of(kit.token(t, map[string]string{"iss": iss})), iss)
	}
	for _, text := range []string{
		"", ".", "..", "a.b", "a.b.c", "a.b.c.d", encode64("{}") + "." + encode64(`{"iss":"`+corpURL+`","iss":"x"}`) + ".AA",
		encode64("{}") + "." + encode64(kit.payload(map[string]string{"pad": quoteJSON(strings.Repeat("x", 10<<10))})) + ".AA", strings.Repeat("a", 17<<10),
	} {
		assert.Nil(t, kit.issuers.Of(setting.Secret(text)))
	}
	var none *authn.Issuers
	assert.Nil(t, none.Of(kit.token(t, nil)))
	none.Close()
}

// JWT-09, V6.8.1: no issuer's key verifies another's token, whatever kid it has, nor ours theirs, nor theirs ours; and
// one sub of two issuers is two subjects.
func TestJWT09KeysBelongToTheirIssuer(t *testing.T) {
	t.Parallel()
	const partnerURL, partnerKeys = "https://partner.example.net", "https://partner.example.net/jwks"
	corpKey, partnerKey := kidOf(t, "ES256", "same"), freshKey(t, "same")
	answers := &publisher{}
	answers.set(func(r *http.Request) (*http.Response, error) {
		key := corpKey
		if r.URL.String() == partnerKeys {
			key = partnerKey
		}
		return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(jwks(t, key.key)))}, nil
	})
	partner := corp()
	partner.Issuer, partner.JWKSURL = partnerURL, partnerKeys
	kit := newIssuerKit(t)
	var err error
	kit.issuers, err = authn.NewIssuers(map[string]authn.IssuerConfig{"corp": corp(), "partner": partner}, authn.IssuerDeps{
		Roles: fixedRoles{}, Client: &http.Client{Transport: answers}, Log: slog.New(slog.DiscardHandler), Now: kit.now,
	})
	require.NoError(t, err)
	theirs := map[string]string{"iss": quoteJSON(partnerURL)}

	kit.tokenKey = corpKey
	one := kit.accepts(t, kit.token(t, nil))
	kit.refuses(t, kit.token(t, theirs), authn.ErrTokenSignature)
	_, err = kit.issuers.Of(kit.token(t, nil)).Authenticate(t.Context(), kit.token(t, theirs), authn.Client{})
	require.ErrorIs(t, err, authn.ErrTokenIssuer, "signed by the issuer that is asked, in the name of another")
	kit.tokenKey = partnerKey
	two := kit.accepts(t, kit.token(t, theirs))
	kit.refuses(t, kit.token(t, nil), authn.ErrTokenSignature)
	assert.Equal(t, "corp:user-1", one.Subject.ID)
	assert.Equal(t, "partner:user-1", two.Subject.ID)

	own := newTokenKit(t, "ES256", func(_ *authn.TokenConfig, deps *authn.TokenDeps) { deps.Keys = ringOf(t, freshKey(t, "same").key) })
	own.refuses(t, kit.token(t, map[string]string{"iss": `"authmodule"`}), authn.ErrTokenSignature)
	ours := own.issue(t)
	assert.Nil(t, kit.issuers.Of(ours))
	_, err = kit.issuers.Of(kit.token(t, nil)).Authenticate(t.Context(), ours, authn.Client{})
	require.ErrorIs(t, err, authn.ErrTokenSignature)
}

// freshKey is a key for ES256 that nothing else has.
func freshKey(t testing.TB, kid string) tokenKey {
	t.Helper()
	private := mustECDSA(t)
	key, err := authn.NewPrivateKey("ES256", private)
	require.NoError(t, err)
	named := kidOf(t, "ES256", kid)
	named.key, err = key.Named(kid)
	require.NoError(t, err)
	named.private, named.public = private, private.Public()
	return named
}

func TestIssuerConfigCheck(t *testing.T) {
	t.Parallel()
	const addressFix = ": use https, or http with localhost, 127.0.0.1 or [::1]"
	for name, tc := range map[string]struct {
		change   func(*authn.IssuerConfig)
		expected []string
	}{
		"good":        {func(*authn.IssuerConfig) {}, nil},
		"loopback":    {func(c *authn.IssuerConfig) { c.Issuer, c.JWKSURL = "http://localhost:1", "http://[::1]/" }, nil},
		"issuer":      {func(c *authn.IssuerConfig) { c.Issuer = "corp" }, []string{"issuer is not an https address with a host" + addressFix}},
		"jwks_url":    {func(c *authn.IssuerConfig) { c.JWKSURL = "http://idp.example.com/" }, []string{"jwks_url is neither https nor http to a loopback host" + addressFix}},
		"audience":    {func(c *authn.IssuerConfig) { c.Audience = "" }, []string{"audience is not set, or too long: set it to what the issuer calls this application in the aud claim"}},
		"algorithms":  {func(c *authn.IssuerConfig) { c.Algorithms = []string{"HS256"} }, []string{"algorithms names one that is unknown, named twice, or takes a secret: use some of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA"}},
		"tenant":      {func(c *authn.IssuerConfig) { c.Tenant = "Acme" }, []string{"tenant is not the name of a tenant: use 1 to 63 of a-z, 0-9 and -, beginning with a letter or a digit"}},
		"lifetime":    {func(c *authn.IssuerConfig) { c.MaxLifetimeMinutes = -1 }, []string{"max_lifetime_minutes is out of range: use 0 to 525600"}},
		"stale":       {func(c *authn.IssuerConfig) { c.MaxStaleHours = 721 }, []string{"max_stale_hours is out of range: use 0 to 720"}},
		"claim alone": {func(c *authn.IssuerConfig) { c.RolesClaim = "roles" }, []string{"roles_claim and roles belong together: set both, or leave both out"}},
		"roles alone": {func(c *authn.IssuerConfig) { c.Roles = map[string]authn.IssuerRole{"a": {Values: []string{"a"}}} }, []string{"roles_claim and roles belong together: set both, or leave both out"}},
		"no values": {func(c *authn.IssuerConfig) {
			c.RolesClaim, c.Roles = "roles", map[string]authn.IssuerRole{"a": {}}
		}, []string{"roles.a names no value of the claim: list the values that give the role"}},
		"scope as roles": {func(c *authn.IssuerConfig) {
			c.RolesClaim, c.Roles = "scope", map[string]authn.IssuerRole{"a": {Values: []string{"a"}}}
		}, []string{"roles_claim has a meaning of its own: name the claim that lists roles, such as roles or realm_access.roles"}},
		"two": {func(c *authn.IssuerConfig) { c.Audience, c.Issuer = "", "" }, []string{
			"audience is not set, or too long: set it to what the issuer calls this application in the aud claim", "issuer is not an https address with a host" + addressFix,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := corp()
			tc.change(&cfg)
			var said []string
			for _, fault := range cfg.Check("corp") {
				said = append(said, fault.Error())
			}
			assert.Equal(t, tc.expected, said)
			_, err := authn.NewIssuers(map[string]authn.IssuerConfig{"corp": cfg}, authn.IssuerDeps{Roles: fixedRoles{}, Log: slog.New(slog.DiscardHandler)})
			assert.Equal(t, tc.expected == nil, err == nil)
		})
	}
	for _, name := range []string{"", "a:b", "a/b", "a b", strings.Repeat("a", 65), "é"} {
		assert.NotEmpty(t, corp().Check(name), name)
	}
}

func TestNewIssuersRefuses(t *testing.T) {
	t.Parallel()
	deps := authn.IssuerDeps{Roles: fixedRoles{}, Log: slog.New(slog.DiscardHandler)}
	two := map[string]authn.IssuerConfig{"a": corp(), "b": corp()}
	_, err := authn.NewIssuers(two, deps)
	require.ErrorContains(t, err, "issuer b: another one has the same iss")
	deps.Own = corpURL
	_, err = authn.NewIssuers(map[string]authn.IssuerConfig{"a": corp()}, deps)
	require.ErrorContains(t, err, "same iss")
	_, err = authn.NewIssuers(nil, authn.IssuerDeps{})
	require.Error(t, err)
}

// FuzzIssuersOf: what chooses an issuer, encoding/json reads as that issuer's name; and nothing that
// was not signed passes.
func FuzzIssuersOf(f *testing.F) {
	kit := newIssuerKit(f)
	f.Add(kit.header(nil), kit.payload(nil))
	f.Add("{}", `{"iss":"https://idp.example.com"}`)
	f.Add("{}", `{"iss":"https:\/\/idp.example.com","iss":""}`)
	f.Add(kit.header(map[string]string{"alg": `"none"`}), kit.payload(map[string]string{"ISS": `"x"`}))
	f.Fuzz(func(t *testing.T, header, payload string) {
		unsigned := setting.Secret(encode64(header) + "." + encode64(payload) + ".AAAA")
		issuer := kit.issuers.Of(unsigned)
		if issuer == nil {
			return
		}
		var loose map[string]any
		require.NoError(t, json.Unmarshal([]byte(payload), &loose))
		require.Equal(t, corpURL, loose["iss"])
		p, err := issuer.Authenticate(t.Context(), unsigned, authn.Client{})
		require.Error(t, err)
		require.Zero(t, p)
	})
}

// FuzzIssuerClaims: under a good signature, what is accepted has the claims that encoding/json reads.
func FuzzIssuerClaims(f *testing.F) {
	kit := newIssuerKit(f)
	f.Add(kit.payload(nil))
	f.Add(kit.payload(map[string]string{"aud": `["https://api.example.com","x"]`, "scp": `["a.b"]`, "scope": "", "nbf": "1", "amr": `[]`}))
	for claim, values := range badClaims {
		for _, value := range values {
			f.Add(kit.payload(map[string]string{claim: value}))
		}
	}
	f.Fuzz(func(t *testing.T, payload string) {
		token := kit.sign(t, kit.header(nil), payload)
		issuer := kit.issuers.Of(token)
		if issuer == nil {
			return
		}
		p, err := issuer.Authenticate(t.Context(), token, authn.Client{})
		if err != nil {
			require.Zero(t, p)
			return
		}
		var loose struct {
			Issuer    string `json:"iss"`
			Subject   string `json:"sub"`
			Audience  any    `json:"aud"`
			Expires   int64  `json:"exp"`
			IssuedAt  int64  `json:"iat"`
			NotBefore *int64 `json:"nbf"`
			Bound     any    `json:"cnf"`
		}
		require.NoError(t, json.Unmarshal([]byte(payload), &loose))
		require.Equal(t, corpURL, loose.Issuer)
		require.Contains(t, []string{"corp:" + loose.Subject, "corp/" + loose.Subject}, p.Subject.ID)
		require.NotEmpty(t, loose.Subject)
		require.Contains(t, append([]any{loose.Audience}, listOf(loose.Audience)...), "https://api.example.com")
		require.Equal(t, p.Expires.Unix(), loose.Expires)
		now := kit.now().Unix()
		require.Greater(t, loose.Expires, now)
		require.LessOrEqual(t, loose.IssuedAt, now+30)
		require.LessOrEqual(t, loose.Expires-loose.IssuedAt, int64(24*3600))
		require.True(t, loose.NotBefore == nil || *loose.NotBefore <= now+30)
		require.Nil(t, loose.Bound)
		require.NotNil(t, p.Scopes)
		require.Equal(t, "corp", p.Issuer)
	})
}

func listOf(value any) []any {
	list, _ := value.([]any)
	return list
}
