package authmodule_test

import (
	"context"
	"testing"

	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/fxtest"
	"github.com/authmodule/authmodule/mfa"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/store/memstore"
)

// noMail takes codes and sends none.
type noMail struct{}

func (noMail) SendCode(context.Context, authn.User, setting.Secret) error { return nil }

// enrollApp makes an account with an authenticator app, and returns its secret and its recovery codes.
func enrollApp(t *testing.T, app *fxtest.App) (authn.User, setting.Secret, []setting.Secret) {
	t.Helper()
	user := app.User()
	enrollment, err := app.MFA.EnrollTOTP(t.Context(), user.Subject, user.Email, "")
	require.NoError(t, err)
	codes, err := app.MFA.ConfirmTOTP(t.Context(), user.Subject, enrollment.ID, appCode(t, app, enrollment.Secret), mfa.By{})
	require.NoError(t, err)
	return user, enrollment.Secret, codes
}

func appCode(t *testing.T, app *fxtest.App, secret setting.Secret) setting.Secret {
	t.Helper()
	code, err := totp.GenerateCode(secret.Reveal(), app.Now())
	require.NoError(t, err)
	return setting.Secret(code)
}

// secondFactor logs in by the password and then by the code, and trusts the device.
func secondFactor(t *testing.T, app *fxtest.App, user authn.User, factor string, code setting.Secret) error {
	t.Helper()
	_, err := app.Users.Login(t.Context(), authn.LoginRequest{Email: user.Email, Password: fxtest.Password})
	var needed *authn.MFARequiredError
	require.ErrorAs(t, err, &needed)
	_, err = app.Users.AnswerChallenge(t.Context(), authn.ChallengeAnswer{Challenge: needed.Challenge, Factor: factor, Code: code, Trust: true})
	return err
}

// The application's own store keeps the factors, also beside another driver.
func TestUseFactorStore(t *testing.T) {
	t.Parallel()
	own := memstore.New()
	app := fxtest.NewConfigured(t, func(c *authmodule.Config) { c.MFA.Enabled = true }, authmodule.UseFactorStore(func() *memstore.Store { return own }))
	user, _, _ := enrollApp(t, app)
	list, err := own.Factors(t.Context(), user.Subject)
	require.NoError(t, err)
	assert.Len(t, list, 2, "the app and the recovery codes")
	err = build(authmodule.Stub(), authmodule.UseFactorStore(func() *memstore.Store { return own }))
	assert.ErrorContains(t, err, "FactorStore")
	assert.ErrorContains(t, err, "mfa_test.go")
}

// What cannot work is refused at the start, with the key and the variable.
func TestMFAConfiguration(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change   func(*authmodule.Config)
		expected string
	}{
		"no secret":        {func(c *authmodule.Config) { c.MFA.Enabled, c.Store.Driver, c.Store.DSN = true, "sqlite", "auth.db" }, "auth.secret_key is not set"},
		"digits":           {func(c *authmodule.Config) { c.MFA.Enabled, c.MFA.Digits = true, 7 }, "LEX_AUTH__MFA__DIGITS"},
		"trust":            {func(c *authmodule.Config) { c.MFA.Enabled, c.MFA.TrustDays = true, 1000 }, "LEX_AUTH__MFA__TRUST_DAYS"},
		"tenant":           {func(c *authmodule.Config) { c.MFA.Enabled, c.MFA.RequireTenants = true, []string{"A b"} }, "LEX_AUTH__MFA__REQUIRE_TENANTS"},
		"required and off": {func(c *authmodule.Config) { c.MFA.Require = mfa.RequireEverybody }, "LEX_AUTH__MFA__ENABLED"},
	} {
		cfg := authmodule.Config{Profile: authmodule.ProfileDevelopment}
		c.change(&cfg)
		assert.ErrorContains(t, cfg.Validate(), c.expected, name)
	}
	assert.ErrorContains(t, build(authmodule.Stub(func(c *authmodule.Config) { c.MFA.Enabled, c.MFA.EmailCode = true, true })), "sender")
	assert.NoError(t, build(authmodule.Stub(func(c *authmodule.Config) { c.MFA.Enabled = true })))
}
