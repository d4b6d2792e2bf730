package authn_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/setting"
)

func TestIssuerPrincipal(t *testing.T) {
	t.Parallel()
	kit := newIssuerKit(t, func(c *authn.IssuerConfig) { c.Tenant = "acme" })
	expires := tokenEpoch.Add(time.Hour)
	p := kit.accepts(t, kit.token(t, map[string]string{"email": `"ada@example.com"`, "tenant": `"other"`, "sid": `"s"`, "roles": `["admin"]`, "amr": `["pwd","otp"]`, "auth_time": fmt.Sprint(tokenEpoch.Unix() - 60)}))
	assert.Equal(t, authn.Principal{
		Kind: authn.KindUser, Issuer: "corp", Subject: authn.Subject{Tenant: "acme", ID: "corp:user-1"}, TokenID: "jti-1",
		Scopes: []string{"articles.read"}, Roles: []string{"editor"}, Methods: []string{"pwd", "otp"},
		AuthTime: tokenEpoch.Add(-time.Minute), Expires: expires,
	}, p)
	assert.True(t, p.Limited())

	p = kit.accepts(t, kit.token(t, map[string]string{"jti": "", "client_id": "", "scope": "", "sub": `"user-2"`}))
	assert.Equal(t, authn.Principal{
		Kind: authn.KindUser, Issuer: "corp", Subject: authn.Subject{Tenant: "acme", ID: "corp:user-2"}, Scopes: []string{}, Roles: []string{}, Expires: expires,
	}, p, "without a scope claim a token may be used for nothing")
}

// RFC 9700, section 4.15: a client that chose a user's sub as its client_id is not that user.
func TestIssuerClientIsNoUser(t *testing.T) {
	t.Parallel()
	kit := newIssuerKit(t)
	p := kit.accepts(t, kit.token(t, map[string]string{"client_id": `"user-1"`}))
	assert.Equal(t, authn.KindService, p.Kind)
	assert.Equal(t, authn.Subject{ID: "corp/user-1"}, p.Subject)
	assert.Empty(t, p.Roles)
	assert.Equal(t, authn.KindUser, kit.accepts(t, kit.token(t, map[string]string{"sub": `"/user-1"`})).Kind)
}

func TestIssuerScopes(t *testing.T) {
	t.Parallel()
	kit := newIssuerKit(t)
	for have, expected := range map[string][]string{
		`"articles.read articles.write"`: {"articles.read", "articles.write"},
		`["articles.read","openid"]`:     {"articles.read"},
		`" articles.read  "`:             {"articles.read"},
		`""`:                             {},
		`[]`:                             {},
		`"*.* articles.* *.read"`:        {},
		`"openid profile a.b.c"`:         {"a.b.c"},
		`"openid a.b.* a.** **"`:         {},
	} {
		assert.Equal(t, expected, kit.accepts(t, kit.token(t, map[string]string{"scope": have})).Scopes, have)
		assert.Equal(t, expected, kit.accepts(t, kit.token(t, map[string]string{"scope": "", "scp": have})).Scopes, have)
	}
	kit.refuses(t, kit.token(t, map[string]string{"scp": `["articles.read"]`}), authn.ErrTokenMalformed)
	free := newIssuerKit(t, func(c *authn.IssuerConfig) { c.InsecureIgnoreScope = true })
	assert.Nil(t, free.accepts(t, free.token(t, nil)).Scopes)
	assert.True(t, free.accepts(t, free.token(t, nil)).Limited(), "it is no login of an account here")
}

func TestIssuerRolesClaim(t *testing.T) {
	t.Parallel()
	roles := map[string]authn.IssuerRole{"admin": {Values: []string{"realm-admin", "/groups/root"}}, "viewer": {Values: []string{"reader"}}}
	for claim, cases := range map[string]map[string][]string{
		"realm_access.roles": {
			`{"roles":["realm-admin","offline_access","admin"]}`: {"admin"}, `{"roles":["reader","/groups/root","realm-admin"]}`: {"admin", "viewer"},
			`{"roles":["Reader"]}`: {}, `{"roles":"reader"}`: {}, `{"roles":[1,"reader"]}`: {}, `{}`: {}, `["reader"]`: {}, `null`: {}, `{"roles":{"roles":["reader"]}}`: {},
		},
		"https://example.com/roles": {`["reader"]`: {"viewer"}},
		"groups":                    {`["/groups/root"]`: {"admin"}, `[]`: {}, `"reader"`: {}},
	} {
		kit := newIssuerKit(t, func(c *authn.IssuerConfig) { c.RolesClaim, c.Roles = claim, roles })
		for have, expected := range cases {
			member, _, _ := strings.Cut(claim, ".roles")
			p := kit.accepts(t, kit.token(t, map[string]string{member: have, "roles": `["realm-admin"]`}))
			assert.Equal(t, expected, p.Roles, "%s: %s", claim, have)
		}
		assert.Empty(t, kit.accepts(t, kit.token(t, nil)).Roles, "roles assigned here do not count")
		member, _, _ := strings.Cut(claim, ".roles")
		kit.refuses(t, kit.token(t, map[string]string{strings.ToUpper(member): `["reader"]`}), authn.ErrTokenMalformed)
	}
}

// A store that cannot answer refuses the request, and is no fault of the token.
func TestIssuerRolesUnavailable(t *testing.T) {
	t.Parallel()
	broken := errors.New("no route to the database")
	kit := newIssuerKit(t)
	issuers, err := authn.NewIssuers(map[string]authn.IssuerConfig{"corp": corp()}, authn.IssuerDeps{
		Roles: failingRoles{broken}, Client: &http.Client{Transport: kit.publisher}, Log: slog.New(slog.DiscardHandler), Now: kit.now,
	})
	require.NoError(t, err)
	kit.issuers = issuers
	kit.refuses(t, kit.token(t, nil), broken)
}

type failingRoles struct{ err error }

func (f failingRoles) RolesOf(context.Context, authn.Subject) ([]string, time.Time, error) {
	return nil, time.Time{}, f.err
}

// JWT-11, JWT-12, JWT-13, JWT-15, JWT-30 to JWT-36, V9.2.1, V9.2.3, V10.3.1: attacks on the claims.
func TestIssuerClaims(t *testing.T) {
	t.Parallel()
	kit := newIssuerKit(t)
	now := tokenEpoch.Unix()
	at := func(offset int64) string { return fmt.Sprint(now + offset) }
	for name, tc := range map[string]struct {
		claims   map[string]string
		expected error
	}{
		"as it should be":                {nil, nil},
		"several audiences":              {map[string]string{"aud": `["account","https://api.example.com"]`}, nil},
		"a day":                          {map[string]string{"exp": at(24 * 3600)}, nil},
		"nbf now":                        {map[string]string{"nbf": at(30)}, nil},
		"another audience":               {map[string]string{"aud": `"https://other.example.com"`}, authn.ErrTokenAudience},
		"audience with a slash":          {map[string]string{"aud": `"https://api.example.com/"`}, authn.ErrTokenAudience},
		"audience in capitals":           {map[string]string{"aud": `"HTTPS://API.EXAMPLE.COM"`}, authn.ErrTokenAudience},
		"audience of another module":     {map[string]string{"aud": `"authmodule"`}, authn.ErrTokenAudience},
		"no one in a list":               {map[string]string{"aud": `[]`}, authn.ErrTokenAudience},
		"no audience":                    {map[string]string{"aud": ""}, authn.ErrTokenMalformed},
		"empty audience":                 {map[string]string{"aud": `""`}, authn.ErrTokenMalformed},
		"JWT-35 mixed audiences":         {map[string]string{"aud": `["https://api.example.com",1]`}, authn.ErrTokenMalformed},
		"JWT-35 audience is an object":   {map[string]string{"aud": `{"a":"https://api.example.com"}`}, authn.ErrTokenMalformed},
		"JWT-35 audience in a list":      {map[string]string{"aud": `[["https://api.example.com"]]`}, authn.ErrTokenMalformed},
		"no sub":                         {map[string]string{"sub": ""}, authn.ErrTokenMalformed},
		"JWT-15 empty sub":               {map[string]string{"sub": `""`}, authn.ErrTokenMalformed},
		"JWT-15 sub of 256":              {map[string]string{"sub": quoteJSON(strings.Repeat("u", 256))}, authn.ErrTokenMalformed},
		"JWT-36 sub is a number":         {map[string]string{"sub": "9007199254740993"}, authn.ErrTokenMalformed},
		"no exp":                         {map[string]string{"exp": ""}, authn.ErrTokenMalformed},
		"exp null":                       {map[string]string{"exp": "null"}, authn.ErrTokenMalformed},
		"exp 0":                          {map[string]string{"exp": "0"}, authn.ErrTokenMalformed},
		"exp text":                       {map[string]string{"exp": quoteJSON(at(60))}, authn.ErrTokenMalformed},
		"exp fraction":                   {map[string]string{"exp": at(60) + ".5"}, authn.ErrTokenMalformed},
		"exp 1e308":                      {map[string]string{"exp": "1e308"}, authn.ErrTokenMalformed},
		"exp beyond the year 9999":       {map[string]string{"exp": "253402300800"}, authn.ErrTokenMalformed},
		"expired":                        {map[string]string{"iat": at(-60), "exp": at(-1)}, authn.ErrTokenExpired},
		"expires now, without leeway":    {map[string]string{"iat": at(-60), "exp": at(0)}, authn.ErrTokenExpired},
		"no iat":                         {map[string]string{"iat": ""}, authn.ErrTokenMalformed},
		"JWT-13 iat ahead":               {map[string]string{"iat": at(31)}, authn.ErrTokenNotYetValid},
		"nbf ahead":                      {map[string]string{"nbf": at(31)}, authn.ErrTokenNotYetValid},
		"nbf null":                       {map[string]string{"nbf": "null"}, authn.ErrTokenMalformed},
		"auth_time ahead":                {map[string]string{"auth_time": at(31)}, authn.ErrTokenNotYetValid},
		"JWT-12 a day and a second":      {map[string]string{"exp": at(24*3600 + 1)}, authn.ErrTokenMalformed},
		"exp before iat":                 {map[string]string{"iat": at(10), "exp": at(5)}, authn.ErrTokenMalformed},
		"jti is a number":                {map[string]string{"jti": "1"}, authn.ErrTokenMalformed},
		"amr is a text":                  {map[string]string{"amr": `"pwd"`}, authn.ErrTokenMalformed},
		"scope is a number":              {map[string]string{"scope": "1"}, authn.ErrTokenMalformed},
		"client_id is null":              {map[string]string{"client_id": "null"}, authn.ErrTokenMalformed},
		"JWT-31 EXP beside exp":          {map[string]string{"EXP": at(60)}, authn.ErrTokenMalformed},
		"JWT-32 long s in iss":           {map[string]string{`i\u017f\u017f`: `"x"`}, authn.ErrTokenMalformed},
		"JWT-32 long s in sub":           {map[string]string{`\u017fub`: `"x"`}, authn.ErrTokenMalformed},
		"V10.3.5 bound to a certificate": {map[string]string{"cnf": `{"x5t#S256":"AA"}`}, authn.ErrTokenMalformed},
		"V10.3.5 bound to a DPoP key":    {map[string]string{"cnf": `{"jkt":"AA"}`}, authn.ErrTokenBinding},
		"V10.3.5 cnf null":               {map[string]string{"cnf": "null"}, authn.ErrTokenMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tc.expected == nil {
				kit.accepts(t, kit.token(t, tc.claims))
			} else {
				kit.refuses(t, kit.token(t, tc.claims), tc.expected)
			}
		})
	}
}

// JWT-30, JWT-33: a payload that two readers could read differently.
func TestIssuerAmbiguousPayloads(t *testing.T) {
	t.Parallel()
	kit := newIssuerKit(t)
	good := kit.payload(nil)
	for _, payload := range []string{
		strings.Replace(good, "{", `{"exp":9999999999,`, 1), strings.Replace(good, "{", `{"x":{"a":1,"a":2},`, 1), good + "{}", good + " x", "\ufeff" + good,
	} {
		token := kit.sign(t, kit.header(nil), payload)
		require.Nil(t, kit.issuers.Of(token), "it does not even choose an issuer")
		_, err := kit.issuers.Of(kit.token(t, nil)).Authenticate(t.Context(), token, authn.Client{})
		require.ErrorIs(t, err, authn.ErrTokenMalformed, payload)
	}
}

// V6.8.2: the header and the signature are held to what our own tokens are held to.
func TestIssuerHeaders(t *testing.T) {
	t.Parallel()
	kit := newIssuerKit(t)
	for name, tc := range map[string]struct {
		header   map[string]string
		expected error
	}{
		"JWT-01 none":               {map[string]string{"alg": `"none"`}, authn.ErrTokenAlgorithm},
		"JWT-01 not accepted":       {map[string]string{"alg": `"ES384"`}, authn.ErrTokenAlgorithm},
		"JWT-03 HS256":              {map[string]string{"alg": `"HS256"`}, authn.ErrTokenAlgorithm},
		"JWT-05 crit":               {map[string]string{"crit": `["exp"]`}, authn.ErrTokenMalformed},
		"JWT-06 jku":                {map[string]string{"jku": `"https://evil.example.com/jwks"`}, authn.ErrTokenMalformed},
		"JWT-06 jwk":                {map[string]string{"jwk": `{"kty":"oct","k":"AA"}`}, authn.ErrTokenMalformed},
		"JWT-06 x5c":                {map[string]string{"x5c": `["MIIB"]`}, authn.ErrTokenMalformed},
		"JWT-07 another kid":        {map[string]string{"kid": `"../../dev/null"`}, authn.ErrTokenKey},
		"JWT-07 no kid":             {map[string]string{"kid": ""}, authn.ErrTokenKey},
		"JWT-07 kid is a list":      {map[string]string{"kid": `["corp-1"]`}, authn.ErrTokenKey},
		"JWT-08 no typ":             {map[string]string{"typ": ""}, authn.ErrTokenType},
		"JWT-16 ID token":           {map[string]string{"typ": `"JWT"`}, authn.ErrTokenType},
		"JWT-16 logout token":       {map[string]string{"typ": `"logout+jwt"`}, authn.ErrTokenType},
		"JWT-16 DPoP proof":         {map[string]string{"typ": `"dpop+jwt"`}, authn.ErrTokenType},
		"JWT-08 long form":          {map[string]string{"typ": `"application/at+jwt"`}, nil},
		"JWT-31 unknown member":     {map[string]string{"x": `"y"`}, nil},
		"JWT-32 Kelvin sign in kid": {map[string]string{`\u212aid`: `"x"`}, authn.ErrTokenMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			token := kit.sign(t, kit.header(tc.header), kit.payload(nil))
			if tc.expected == nil {
				kit.accepts(t, token)
			} else {
				kit.refuses(t, token, tc.expected)
			}
		})
	}
	assert.LessOrEqual(t, kit.publisher.fetches(), 1)
	for _, url := range kit.publisher.asked {
		assert.Equal(t, "GET "+corpKeys, url)
	}
}

// JWT-37, JWT-38: no other text of a token passes.
func TestIssuerTokenTwins(t *testing.T) {
	t.Parallel()
	kit := newIssuerKit(t)
	token := kit.token(t, nil)
	kit.accepts(t, token)
	for _, twin := range textualTwins(token) {
		issuer := kit.issuers.Of(setting.Secret(twin))
		if issuer == nil {
			continue
		}
		_, err := issuer.Authenticate(t.Context(), setting.Secret(twin), authn.Client{})
		require.Error(t, err, "%q", twin)
	}
	signed, signature, _ := cutLast(token.Reveal())
	kit.refuses(t, setting.Secret(signed+"."+otherStart(signature)), authn.ErrTokenSignature)
	kit.refuses(t, setting.Secret(signed+"."), authn.ErrTokenMalformed)
}

// JWT-16: where typ tells nothing, the claims of other kinds of tokens refuse them.
func TestIssuerUntyped(t *testing.T) {
	t.Parallel()
	kit := newIssuerKit(t, func(c *authn.IssuerConfig) { c.InsecureUntyped = true })
	for name, tc := range map[string]struct {
		typ      string
		claims   map[string]string
		expected error
	}{
		"JWT":            {`"JWT"`, nil, nil},
		"none":           {"", nil, nil},
		"typed":          {`"at+jwt"`, nil, nil},
		"typed, nonce":   {`"at+jwt"`, map[string]string{"nonce": `"n"`}, nil},
		"Keycloak":       {`"JWT"`, map[string]string{"typ": `"Bearer"`, "azp": `"app"`}, nil},
		"Keycloak ID":    {`"JWT"`, map[string]string{"typ": `"ID"`}, authn.ErrTokenType},
		"Keycloak off":   {`"JWT"`, map[string]string{"typ": `"Offline"`}, authn.ErrTokenType},
		"Cognito":        {"", map[string]string{"token_use": `"access"`}, nil},
		"Cognito ID":     {"", map[string]string{"token_use": `"id"`}, authn.ErrTokenType},
		"ID with nonce":  {`"JWT"`, map[string]string{"nonce": `"n"`}, authn.ErrTokenType},
		"ID with hash":   {"", map[string]string{"at_hash": `"h"`}, authn.ErrTokenType},
		"logout":         {`"JWT"`, map[string]string{"events": `{"http://schemas.openid.net/event/backchannel-logout":{}}`}, authn.ErrTokenType},
		"logout, typed":  {`"logout+jwt"`, nil, authn.ErrTokenType},
		"proof, typed":   {`"dpop+jwt"`, nil, authn.ErrTokenType},
		"other":          {`"secevent+jwt"`, nil, authn.ErrTokenType},
		"typ is a list":  {`["JWT"]`, nil, authn.ErrTokenType},
		"proof, untyped": {`"JWT"`, map[string]string{"htm": `"GET"`}, authn.ErrTokenType},
		"bound":          {`"JWT"`, map[string]string{"cnf": `{"jkt":"A"}`}, authn.ErrTokenBinding},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			token := kit.sign(t, kit.header(map[string]string{"typ": tc.typ}), kit.payload(tc.claims))
			if tc.expected == nil {
				kit.accepts(t, token)
			} else {
				kit.refuses(t, token, tc.expected)
			}
		})
	}
}

// MTLS-01, MTLS-02, V10.3.5: another issuer's token that is bound to a certificate needs that certificate.
func TestIssuerTokenBoundToACertificate(t *testing.T) {
	t.Parallel()
	kit := newIssuerKit(t)
	mine, others := authn.CertificateThumbprint([]byte("my certificate")), authn.CertificateThumbprint([]byte("another's"))
	token := kit.token(t, map[string]string{"cnf": `{"x5t#S256":` + quoteJSON(mine.String()) + `}`})
	issuer := kit.issuers.Of(token)
	p, err := issuer.Authenticate(t.Context(), token, authn.Client{Certificate: mine})
	require.NoError(t, err)
	assert.Equal(t, authn.Confirmation{Certificate: mine}, p.Confirmation)
	for _, client := range []authn.Client{{}, {Certificate: others}} {
		p, err := issuer.Authenticate(t.Context(), token, client)
		require.ErrorIs(t, err, authn.ErrTokenBinding)
		assert.Zero(t, p)
	}
}

// STEP-01, V6.8.4: another issuer's acr is its own word, and its login's time stands for all factors of it.
func TestSTEP01IssuersSayHowTheirUsersProvedIt(t *testing.T) {
	t.Parallel()
	kit := newIssuerKit(t)
	at := kit.now().Add(-time.Minute).Truncate(time.Second)
	seconds := fmt.Sprint(at.Unix())
	for name, tc := range map[string]struct {
		claims  map[string]string
		acr     string
		mfaTime time.Time
	}{
		"nothing":        {map[string]string{"auth_time": seconds}, "", time.Time{}},
		"its own word":   {map[string]string{"acr": `"urn:mace:incommon:iap:silver"`, "auth_time": seconds}, "urn:mace:incommon:iap:silver", time.Time{}},
		"two factors":    {map[string]string{"amr": `["pwd","mfa"]`, "auth_time": seconds}, "", at},
		"without a time": {map[string]string{"amr": `["pwd","mfa"]`}, "", time.Time{}},
	} {
		token := kit.token(t, tc.claims)
		p, err := kit.issuers.Of(token).Authenticate(t.Context(), token, authn.Client{})
		require.NoError(t, err, name)
		assert.Equal(t, tc.acr, p.ACR, name)
		assert.True(t, p.MFATime.Equal(tc.mfaTime), name)
		assert.Empty(t, p.Actor, name)
	}
	for _, acr := range []string{"1", "null", `""`, `["aal2"]`, `"` + strings.Repeat("x", 256) + `"`} {
		token := kit.token(t, map[string]string{"acr": acr})
		_, err := kit.issuers.Of(token).Authenticate(t.Context(), token, authn.Client{})
		assert.ErrorIs(t, err, authn.ErrTokenMalformed, acr)
	}
}
