package authmodule_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/store/memstore"
)

func TestValidateAPIKeys(t *testing.T) {
	t.Parallel()
	const (
		prefix = "auth.api_keys.prefix is not 1 to 16 of a-z and 0-9: set LEX_AUTH__API_KEYS__PREFIX to a short word such as ak"
		name   = "auth.api_keys.header is not the name of a header: set LEX_AUTH__API_KEYS__HEADER to one such as X-API-Key, or leave it out"
		taken  = "auth.api_keys.header has a meaning of its own: set LEX_AUTH__API_KEYS__HEADER to a header that nothing else uses, such as X-API-Key"
		longer = "auth.api_keys.default_days is longer than auth.api_keys.max_days: lower LEX_AUTH__API_KEYS__DEFAULT_DAYS, or raise LEX_AUTH__API_KEYS__MAX_DAYS"
		most   = "auth.api_keys.max_per_user is out of range: set LEX_AUTH__API_KEYS__MAX_PER_USER to a whole number from 0 to 1000000"
	)
	keys := func(k authn.APIKeyConfig) func(*authmodule.Config) {
		return func(c *authmodule.Config) { c.APIKeys = k }
	}
	check(t, authmodule.ProfileProduction, []change{
		{"none", keys(authn.APIKeyConfig{}), ""},
		{"off", keys(authn.APIKeyConfig{Enabled: setting.Off}), ""},
		{"all", keys(authn.APIKeyConfig{Prefix: "acme1", Header: "x-api-key", DefaultDays: 30, MaxDays: 90, AllowNeverExpire: true, MaxPerUser: 1}), ""},
		{"shorter maximum", keys(authn.APIKeyConfig{MaxDays: 7}), ""},
		{"prefix with an underscore", keys(authn.APIKeyConfig{Prefix: "sk_live"}), prefix},
		{"prefix in capitals", keys(authn.APIKeyConfig{Prefix: "AK"}), prefix},
		{"long prefix", keys(authn.APIKeyConfig{Prefix: "abcdefghijklmnopq"}), prefix},
		{"header with a space", keys(authn.APIKeyConfig{Header: "X API Key"}), name},
		{"header with a colon", keys(authn.APIKeyConfig{Header: "X-API-Key:"}), name},
		{"header with a line end", keys(authn.APIKeyConfig{Header: "X\n"}), name},
		{"authorization", keys(authn.APIKeyConfig{Header: "authorization"}), taken},
		{"cookie", keys(authn.APIKeyConfig{Header: "Cookie"}), taken},
		{"default beyond the maximum", keys(authn.APIKeyConfig{DefaultDays: 31, MaxDays: 30}), longer},
		{"default beyond the default maximum", keys(authn.APIKeyConfig{DefaultDays: 366}), longer},
		{"negative quota", keys(authn.APIKeyConfig{MaxPerUser: -1}), most},
	})
}

// A store for keys that are switched off is an override that nothing consumes.
func TestKeyStoreWithoutKeys(t *testing.T) {
	t.Parallel()
	use := authmodule.UseAPIKeyStore(func() authn.APIKeyStore { return memstore.New() })
	on := fx.New(authmodule.Stub(), use, fx.NopLogger)
	assert.NoError(t, on.Err())
	off := fx.New(authmodule.Stub(func(c *authmodule.Config) { c.APIKeys.Enabled = setting.Off }), use, fx.NopLogger)
	assert.ErrorContains(t, off.Err(), "UseAPIKeyStore")
	assert.ErrorContains(t, off.Err(), "nothing consumes it")
}

// The default lifetime follows a shorter maximum from a variable as well.
func TestAPIKeysFromVariables(t *testing.T) {
	t.Setenv("LEX_ENV", "development")
	t.Setenv("LEX_AUTH__API_KEYS__MAX_DAYS", "30")
	t.Setenv("LEX_AUTH__API_KEYS__HEADER", "X-API-Key")
	cfg, err := authmodule.Load()
	require.NoError(t, err)
	require.NoError(t, cfg.Validate())
	cfg = cfg.WithDefaults()
	assert.Equal(t, authn.APIKeyConfig{Prefix: "ak", Header: "X-API-Key", DefaultDays: 30, MaxDays: 30, MaxPerUser: 50}, cfg.APIKeys)
}
