package authmodule_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/setting"
)

func TestValidateManagedKeys(t *testing.T) {
	t.Parallel()
	managed := func(change func(*authmodule.Config)) func(*authmodule.Config) {
		return func(c *authmodule.Config) {
			c.SecretKey = goodSecret
			c.JWT = authn.TokenConfig{Algorithm: "ES256", Managed: authn.ManagedKeyConfig{Enabled: true}}
			change(c)
		}
	}
	const beside = "auth.jwt.managed.enabled is true beside auth.jwt.secret_key, auth.jwt.private_key_file or auth.jwt.keys: leave those out, or set LEX_AUTH__JWT__MANAGED__ENABLED to false"
	for _, profile := range []authmodule.Profile{authmodule.ProfileDevelopment, authmodule.ProfileStaging, authmodule.ProfileProduction} {
		check(t, profile, []change{
			{"sound", managed(func(*authmodule.Config) {}), ""},
			{"secrets too", managed(func(c *authmodule.Config) { c.JWT.Algorithm = "HS256" }), ""},
			{"no secret", managed(func(c *authmodule.Config) { c.SecretKey = "" }),
				"auth.secret_key is not set, and seals the managed signing keys (auth.jwt.managed.enabled): set LEX_AUTH__SECRET_KEY to at least 32 random bytes, for example: openssl rand -base64 48"},
			{"beside a secret", managed(func(c *authmodule.Config) { c.JWT.SecretKey = goodSecret }), beside},
			{"beside a file", managed(func(c *authmodule.Config) { c.JWT.PrivateKeyFile = "k.pem" }), beside},
			{"beside keys", managed(func(c *authmodule.Config) {
				c.JWT.Keys = map[string]authn.KeyConfig{"a": {PrivateKeyFile: "k.pem", State: authn.KeySigning}}
			}), beside},
			{"unknown algorithm", managed(func(c *authmodule.Config) { c.JWT.Algorithm = "none" }),
				"auth.jwt.algorithm is unknown: set LEX_AUTH__JWT__ALGORITHM to HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA, in this spelling"},
			{"negative days", managed(func(c *authmodule.Config) { c.JWT.Managed.RotateDays = -1 }),
				"auth.jwt.managed.rotate_days is out of range: set LEX_AUTH__JWT__MANAGED__ROTATE_DAYS to a whole number from 0 to 3650"},
			{"published for less than caches keep", managed(func(c *authmodule.Config) { c.JWT.Managed.PublishSeconds = 299 }),
				"auth.jwt.managed.publish_seconds is shorter than the 300 seconds for which others may keep the key set: raise LEX_AUTH__JWT__MANAGED__PUBLISH_SECONDS, or leave it out"},
			{"endpoints", managed(func(c *authmodule.Config) { c.HTTP.KeyEndpoints = true }), ""},
			{"endpoints of nothing", func(c *authmodule.Config) { c.HTTP.KeyEndpoints = true },
				"auth.http.key_endpoints is true but signing keys are not managed: set LEX_AUTH__JWT__MANAGED__ENABLED to true, or leave LEX_AUTH__HTTP__KEY_ENDPOINTS out"},
			{"previous secrets", managed(func(c *authmodule.Config) { c.PreviousSecretKeys = []setting.Secret{canary} }), ""},
			{"empty previous secret", managed(func(c *authmodule.Config) { c.PreviousSecretKeys = []setting.Secret{canary, ""} }),
				"auth.previous_secret_keys item 2 is empty: list in LEX_AUTH__PREVIOUS_SECRET_KEYS the secrets that auth.secret_key had before, or leave it out"},
			{"previous secrets alone", func(c *authmodule.Config) { c.PreviousSecretKeys = []setting.Secret{canary} },
				"auth.previous_secret_keys is set but auth.secret_key is not: set LEX_AUTH__SECRET_KEY, or leave LEX_AUTH__PREVIOUS_SECRET_KEYS out"},
		})
	}
}

func TestPreviousSecretsDoNotShow(t *testing.T) {
	t.Parallel()
	cfg := sound(authmodule.ProfileProduction)
	cfg.Store.DSN, cfg.PreviousSecretKeys = "auth.db", []setting.Secret{canary}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		assert.NotContains(t, fmt.Sprintf(verb, cfg)+fmt.Sprintf(verb, &cfg)+fmt.Sprintf(verb, struct{ C *authmodule.Config }{&cfg}), canary)
	}
}
