package authmodule_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/account"
	"github.com/authmodule/authmodule/authn"
)

// What sends mail and has nothing to send it with, and links that would lead nowhere, are errors at start that say what to set.
func TestAccountsThatCannotSendAreAStartError(t *testing.T) {
	t.Parallel()
	notifier := authmodule.UseNotifier(func() account.Notifier { return &mailbox{} })
	pages := account.Links{VerifyEmail: "https://a.example/v", ResetPassword: "https://a.example/r", ChangeEmail: "https://a.example/c"}
	for name, tc := range map[string]struct {
		change func(*authmodule.Config)
		option fx.Option
		wrong  string
	}{
		"nothing is asked for":        {func(*authmodule.Config) {}, fx.Options(), ""},
		"a notifier":                  {func(*authmodule.Config) {}, notifier, ""},
		"the log":                     {func(c *authmodule.Config) { c.Account.Notifier = account.NotifierLog }, fx.Options(), ""},
		"verification without one":    {func(c *authmodule.Config) { c.Account.VerifyEmail = account.VerifyOffered }, fx.Options(), "LEX_AUTH__ACCOUNT__VERIFY_EMAIL"},
		"links without one":           {func(c *authmodule.Config) { c.Account.MagicLink = true }, fx.Options(), "LEX_AUTH__ACCOUNT__MAGIC_LINK"},
		"codes without one":           {func(c *authmodule.Config) { c.Account.LoginCode = true }, fx.Options(), "LEX_AUTH__ACCOUNT__LOGIN_CODE"},
		"no address in production":    {inProduction, notifier, "LEX_AUTH__HTTP__PUBLIC_URL"},
		"the address, in production":  {func(c *authmodule.Config) { inProduction(c); c.HTTP.PublicURL = "https://a.example" }, notifier, ""},
		"all pages, in production":    {func(c *authmodule.Config) { inProduction(c); c.Account.Links = pages }, notifier, ""},
		"one page less in production": {func(c *authmodule.Config) { inProduction(c); c.Account.Links, c.Account.MagicLink = pages, true }, notifier, "auth.account.links"},
		"codes by mail as a factor":   {func(c *authmodule.Config) { c.MFA.Enabled, c.MFA.EmailCode = true, true }, notifier, ""},
		"those without a notifier":    {func(c *authmodule.Config) { c.MFA.Enabled, c.MFA.EmailCode = true, true }, fx.Options(), "LEX_AUTH__MFA__EMAIL_CODE"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := authmodule.Config{Profile: authmodule.ProfileDevelopment}
			tc.change(&cfg)
			var service *authmodule.AccountService
			err := fx.New(authmodule.Configure(cfg), tc.option, fx.Populate(&service), fx.NopLogger).Err()
			if tc.wrong == "" {
				require.NoError(t, err)
				assert.NotNil(t, service)
				return
			}
			require.ErrorContains(t, err, tc.wrong)
		})
	}
}

func inProduction(c *authmodule.Config) {
	c.Profile, c.SecretKey, c.JWT.SecretKey = authmodule.ProfileProduction, goodSecret, "another good secret of some length"
	c.JWT.Issuer, c.JWT.Audience, c.Registration = "https://a.example", "a", authn.RegistrationClosed
	c.Store.Driver = authmodule.DriverMemory
}

// The log is for development: staging and production refuse to write links into it.
func TestNotifierLogIsRefusedInProduction(t *testing.T) {
	t.Parallel()
	for profile, refused := range map[authmodule.Profile]bool{authmodule.ProfileDevelopment: false, authmodule.ProfileStaging: true, authmodule.ProfileProduction: true} {
		cfg := authmodule.Config{Profile: profile}
		cfg.Account.Notifier = account.NotifierLog
		err := cfg.Validate()
		if !refused {
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, "auth.account.notifier is log")
		require.ErrorContains(t, err, "LEX_AUTH__ACCOUNT__NOTIFIER")
	}
	cfg := authmodule.Config{Profile: authmodule.ProfileDevelopment}
	cfg.Account.TokenMinutes, cfg.Account.Links.MagicLink = 90, "/login"
	err := cfg.Validate()
	require.ErrorContains(t, err, "LEX_AUTH__ACCOUNT__TOKEN_MINUTES")
	require.ErrorContains(t, err, "LEX_AUTH__ACCOUNT__LINKS__MAGIC_LINK")
	cfg = authmodule.Config{Profile: authmodule.ProfileDevelopment}
	cfg.HTTP.UserEndpoints = true
	require.NoError(t, cfg.RBAC.Enabled.UnmarshalText([]byte("false")))
	require.ErrorContains(t, cfg.Validate(), "auth.http.user_endpoints")
}
