package authmodule_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
)

func otherIssuer() authn.IssuerConfig {
	return authn.IssuerConfig{Issuer: "https://idp.example.com", JWKSURL: "https://idp.example.com/jwks", Audience: "api"}
}

func TestValidateIssuers(t *testing.T) {
	t.Parallel()
	with := func(change func(*authn.IssuerConfig)) func(*authmodule.Config) {
		return func(c *authmodule.Config) {
			issuer := otherIssuer()
			change(&issuer)
			c.Issuers = map[string]authn.IssuerConfig{"corp": issuer}
		}
	}
	for _, p := range []authmodule.Profile{authmodule.ProfileDevelopment, authmodule.ProfileProduction} {
		check(t, p, []change{
			{"good", with(func(*authn.IssuerConfig) {}), ""},
			{"plain http", with(func(c *authn.IssuerConfig) { c.JWKSURL = "http://idp.example.com/jwks" }),
				"auth.issuers.corp.jwks_url is neither https nor http to a loopback host: use https, or http with localhost, 127.0.0.1 or [::1]"},
			{"no audience", with(func(c *authn.IssuerConfig) { c.Audience = "" }),
				"auth.issuers.corp.audience is not set, or too long: set it to what the issuer calls this application in the aud claim"},
			{"secret algorithm", with(func(c *authn.IssuerConfig) { c.Algorithms = []string{"RS256", "HS256"} }),
				"auth.issuers.corp.algorithms names one that is unknown, named twice, or takes a secret: use some of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA"},
			{"name", func(c *authmodule.Config) { c.Issuers = map[string]authn.IssuerConfig{"a:b": otherIssuer()} },
				"auth.issuers.a:b is not a name of 1 to 64 of A-Z a-z 0-9 _ . -: give it a short word such as corp"},
			{"ours", func(c *authmodule.Config) {
				c.JWT.Issuer, c.Issuers = "https://idp.example.com", map[string]authn.IssuerConfig{"corp": otherIssuer()}
			}, "auth.issuers.corp.issuer is auth.jwt.issuer, or that of another issuer here: give each its own, so that a token has one who verifies it"},
			{"two of one", func(c *authmodule.Config) {
				c.Issuers = map[string]authn.IssuerConfig{"a": otherIssuer(), "b": otherIssuer()}
			}, "auth.issuers.b.issuer is auth.jwt.issuer, or that of another issuer here: give each its own, so that a token has one who verifies it"},
		})
	}
}

func TestIssuersFromAFile(t *testing.T) {
	t.Setenv("LEX_ENV", "development")
	file := filepath.Join(t.TempDir(), "a.yaml")
	require.NoError(t, os.WriteFile(file, []byte(`
auth:
  issuers:
    corp:
      issuer: https://idp.example.com
      jwks_url: https://idp.example.com/jwks
      audience: api
      algorithms: [ES256]
      tenant: acme
      max_stale_hours: 2
      roles_claim: realm_access.roles
      roles:
        editor: { values: [cms-editors, /groups/editors] }
      insecure_untyped: true
      insecure_ignore_scope: true
`), 0o600))
	cfg, err := authmodule.Load(file)
	require.NoError(t, err)
	expected := otherIssuer()
	expected.Algorithms, expected.Tenant, expected.MaxStaleHours, expected.RolesClaim = []string{"ES256"}, "acme", 2, "realm_access.roles"
	expected.Roles = map[string]authn.IssuerRole{"editor": {Values: []string{"cms-editors", "/groups/editors"}}}
	expected.InsecureUntyped, expected.InsecureIgnoreScope = true, true
	assert.Equal(t, map[string]authn.IssuerConfig{"corp": expected}, cfg.Issuers)
	assert.Equal(t, []string{
		"auth.issuers.corp.insecure_untyped is true: what tells its access tokens from its other tokens is their claims alone",
		"auth.issuers.corp.insecure_ignore_scope is true: its tokens may be used for all that their roles permit",
	}, cfg.Warnings()[max(0, len(cfg.Warnings())-2):])
	require.NoError(t, fx.New(authmodule.Stub(func(c *authmodule.Config) { c.Issuers = cfg.Issuers }), fx.NopLogger).Err(), "a start asks no issuer")
}
