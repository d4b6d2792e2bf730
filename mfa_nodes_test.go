package authmodule_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/fxtest"
	"github.com/authmodule/authmodule/internal/sqlitetest"
	"github.com/authmodule/authmodule/mfa"
	"github.com/authmodule/authmodule/setting"
)

// V6.5.6: whatever an account proves itself by can be taken back on one node, and is refused by the other: an app, codes by e-mail (also one that
// was sent before), recovery codes, a trusted device, an API key that the other node remembers.
func TestV656EveryFactorIsRevocableOnEveryNode(t *testing.T) {
	t.Parallel()
	dsn, mail := setting.Secret(sqlitetest.Path(t)), &codebox{}
	var nodes []*fxtest.App
	for range 2 {
		nodes = append(nodes, fxtest.NewConfigured(t, func(c *authmodule.Config) {
			c.MFA.Enabled, c.MFA.EmailCode, c.MFA.TrustDays, c.SecretKey, c.Store.Driver, c.Store.DSN = true, true, 30, goodSecret, "sqlite", dsn
		}, authmodule.UseCodeSender(func() mfa.Sender { return mail })))
	}
	here, there := nodes[0], nodes[1]
	there.Advance(here.Now().Sub(there.Now()))
	user, secret, codes := enrollApp(t, here)
	require.NoError(t, here.MFA.EnrollEmail(t.Context(), user, authn.Client{}))
	_, err := here.MFA.ConfirmEmail(t.Context(), user.Subject, mail.last(), mfa.By{})
	require.NoError(t, err)
	factor := func(name string) string {
		own, err := here.MFA.Overview(t.Context(), user.Subject)
		require.NoError(t, err)
		for _, f := range own.Factors {
			if f.Factor == name {
				return f.ID
			}
		}
		return ""
	}
	login := func(trust setting.Secret) error {
		_, err := there.Users.Login(context.Background(), authn.LoginRequest{Email: user.Email, Password: fxtest.Password, Trust: trust})
		return err
	}
	var needed *authn.MFARequiredError

	granted, err := answerWith(there, waits(t, there, user), mfa.NameRecoveryCode, codes[0])
	require.NoError(t, err)
	require.NoError(t, login(granted.Factor.Trust))
	require.NoError(t, here.MFA.Distrust(t.Context(), user.Subject, "", mfa.By{}))
	require.ErrorAs(t, login(granted.Factor.Trust), &needed, "a trusted device")

	challenge := waits(t, there, user)
	_, err = there.Users.BeginChallenge(t.Context(), challenge, mfa.NameEmailCode, authn.Client{})
	require.NoError(t, err)
	sent := mail.last()
	require.NoError(t, here.MFA.Remove(t.Context(), user.Subject, factor(mfa.NameEmailCode), mfa.By{}))
	_, err = answerWith(there, challenge, mfa.NameEmailCode, sent)
	require.Error(t, err, "a code that was sent before")
	_, err = there.Users.BeginChallenge(t.Context(), waits(t, there, user), mfa.NameEmailCode, authn.Client{})
	require.ErrorIs(t, err, authn.ErrFactorInvalid)

	_, err = here.MFA.NewRecoveryCodes(t.Context(), user.Subject, mfa.By{})
	require.NoError(t, err)
	_, err = answerWith(there, waits(t, there, user), mfa.NameRecoveryCode, codes[1])
	require.ErrorIs(t, err, authn.ErrFactorInvalid, "recovery codes")

	for _, node := range nodes {
		node.Advance(mfa.Period)
	}
	challenge = waits(t, there, user)
	require.NoError(t, here.MFA.Remove(t.Context(), user.Subject, factor(mfa.NameTOTP), mfa.By{}))
	_, err = answerWith(there, challenge, mfa.NameTOTP, appCode(t, there, secret))
	require.Error(t, err, "an app")
	require.NoError(t, login(""), "there is none left")

	owner := authn.Principal{Kind: authn.KindUser, Subject: user.Subject}
	key, text, err := here.APIKeys.Create(t.Context(), owner, authn.APIKeyRequest{Name: "ci"})
	require.NoError(t, err)
	_, err = there.APIKeys.Authenticate(t.Context(), text, authn.Client{})
	require.NoError(t, err)
	require.NoError(t, here.APIKeys.Revoke(t.Context(), owner, user.Subject, key.ID))
	there.Advance(time.Second)
	_, err = there.APIKeys.Authenticate(t.Context(), text, authn.Client{})
	require.Error(t, err, "an API key, within a second")
}
