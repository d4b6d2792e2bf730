package authmodule_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/fxtest"
	"github.com/authmodule/authmodule/mfa"
	"github.com/authmodule/authmodule/setting"
)

// STEP-02: with the module's own factors. An app makes the stronger class, a recovery code and a mailbox do not.
func TestSTEP02WithTheModulesFactors(t *testing.T) {
	t.Parallel()
	box := &codebox{}
	app := fxtest.NewConfigured(t, func(c *authmodule.Config) {
		c.SecretKey, c.MFA.Enabled, c.MFA.EmailCode, c.MFA.TrustDays = goodSecret, true, true, 30
	}, authmodule.UseCodeSender(func() mfa.Sender { return box }))
	user := app.User()
	login := func() (authn.Grant, authn.Principal) {
		t.Helper()
		grant, err := app.Users.Complete(t.Context(), authn.Proof{Subject: user.Subject, Methods: []string{"pwd", "mfa"}, Time: app.Now().Add(-time.Hour)}, authn.Completion{})
		require.NoError(t, err)
		p, err := app.Users.AuthenticateToken(t.Context(), grant.AccessToken, authn.Client{})
		require.NoError(t, err)
		return grant, p
	}
	_, p := login()
	factors, err := app.Users.StepUpFactors(t.Context(), p)
	require.NoError(t, err)
	assert.Equal(t, []string{"password"}, factors)

	enrollment, err := app.MFA.EnrollTOTP(t.Context(), user.Subject, user.Email, "")
	require.NoError(t, err)
	codes, err := app.MFA.ConfirmTOTP(t.Context(), user.Subject, enrollment.ID, appCode(t, app, enrollment.Secret), mfa.By{})
	require.NoError(t, err)
	require.NoError(t, app.MFA.EnrollEmail(t.Context(), user, authn.Client{}))
	_, err = app.MFA.ConfirmEmail(t.Context(), user.Subject, box.last(), mfa.By{})
	require.NoError(t, err)
	app.Advance(mfa.Period)

	_, p = login()
	factors, err = app.Users.StepUpFactors(t.Context(), p)
	require.NoError(t, err)
	assert.Equal(t, []string{"password", mfa.NameTOTP, mfa.NameEmailCode, mfa.NameRecoveryCode}, factors)
	for _, tc := range []struct {
		factor  string
		code    func() setting.Secret
		methods []string
		acr     string
	}{
		{mfa.NameRecoveryCode, func() setting.Secret { return codes[0] }, []string{"pwd", "mfa", "recovery"}, authn.ACR1},
		{mfa.NameEmailCode, func() setting.Secret { return box.last() }, []string{"pwd", "mfa", "email"}, authn.ACR1},
		{mfa.NameTOTP, func() setting.Secret { return appCode(t, app, enrollment.Secret) }, []string{"pwd", "mfa", "otp"}, authn.ACR2},
	} {
		_, p := login()
		begun, err := app.Users.BeginStepUp(t.Context(), p, tc.factor, authn.Client{})
		require.NoError(t, err, tc.factor)
		request := authn.StepUpRequest{Caller: p, Factor: tc.factor, Secret: "wrong", Challenge: begun.Challenge}
		_, err = app.Users.StepUp(t.Context(), request)
		require.ErrorIs(t, err, authn.ErrFactorInvalid, tc.factor)
		request.Secret = tc.code()
		grant, err := app.Users.StepUp(t.Context(), request)
		require.NoError(t, err, tc.factor)
		_, err = app.Users.StepUp(t.Context(), request)
		require.ErrorIs(t, err, authn.ErrChallengeInvalid, tc.factor)
		after, err := app.Users.AuthenticateToken(t.Context(), grant.AccessToken, authn.Client{})
		require.NoError(t, err)
		assert.Equal(t, tc.methods, after.Methods, tc.factor)
		assert.Equal(t, tc.acr, after.ACR, tc.factor)
		assert.WithinDuration(t, app.Now(), after.MFATime, time.Second, tc.factor)
		request.Challenge = ""
		_, err = app.Users.StepUp(t.Context(), request)
		require.ErrorIs(t, err, authn.ErrFactorInvalid, "%s: a code is good once", tc.factor)
	}
}

// A device that needs no second factor proves none.
func TestSTEP02ATrustedDeviceProvesNoFactor(t *testing.T) {
	t.Parallel()
	app := fxtest.NewConfigured(t, func(c *authmodule.Config) { c.SecretKey, c.MFA.Enabled, c.MFA.TrustDays = goodSecret, true, 30 })
	user, secret, _ := enrollApp(t, app)
	app.Advance(mfa.Period)
	_, err := app.Users.Login(t.Context(), authn.LoginRequest{Email: user.Email, Password: fxtest.Password})
	var due *authn.MFARequiredError
	require.ErrorAs(t, err, &due)
	grant, err := app.Users.AnswerChallenge(t.Context(), authn.ChallengeAnswer{Challenge: due.Challenge, Factor: mfa.NameTOTP, Code: appCode(t, app, secret), Trust: true})
	require.NoError(t, err)
	assert.Equal(t, authn.ACR2, grant.Session.ACR())
	assert.WithinDuration(t, app.Now(), grant.Session.MFATime, time.Microsecond)
	grant, err = app.Users.Login(t.Context(), authn.LoginRequest{Email: user.Email, Password: fxtest.Password, Trust: grant.Factor.Trust})
	require.NoError(t, err)
	assert.Zero(t, grant.Session.MFATime)
	assert.Equal(t, authn.ACR1, grant.Session.ACR())
}

// Who acts as somebody else leaves no credential of theirs behind.
func TestNoAPIKeyInSomebodyElsesName(t *testing.T) {
	t.Parallel()
	app := fxtest.New(t)
	p := app.Principal()
	key, _, err := app.APIKeys.Create(t.Context(), p, authn.APIKeyRequest{Name: "ci"})
	require.NoError(t, err)
	p.Actor = "root"
	_, _, err = app.APIKeys.Create(t.Context(), p, authn.APIKeyRequest{Name: "ci"})
	require.ErrorIs(t, err, authn.ErrLoginRequired)
	_, _, err = app.APIKeys.Rotate(t.Context(), p, key.ID, 0)
	require.ErrorIs(t, err, authn.ErrLoginRequired)
}
