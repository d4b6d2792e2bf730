package authmodule_test

import (
	"go/ast"
	"net/http"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/account"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/echoauth"
	"github.com/authmodule/authmodule/fxtest"
	"github.com/authmodule/authmodule/internal/webtest"
	"github.com/authmodule/authmodule/mfa"
	"github.com/authmodule/authmodule/setting"
)

// V6.3.3, V6.3.4: where everybody must have a second factor, no way in opens a session by the password or the mailbox alone, however it is asked for; and
// what is handed out instead opens nothing by itself.
func TestEveryWayInWantsTheFactor(t *testing.T) {
	t.Parallel()
	box := &mailbox{}
	app := fxtest.NewConfigured(t, func(c *authmodule.Config) {
		c.MFA.Enabled, c.MFA.Require, c.MFA.TrustDays, c.Session.RememberDays = true, mfa.RequireEverybody, 30, 30
		c.Account.MagicLink, c.Account.LoginCode, c.Account.MailsPerHour, c.HTTP.PublicURL = true, true, 100, "https://app.example.com"
	}, fx.Provide(echo.New), fx.Invoke(echoauth.Mount), authmodule.UseNotifier(func() account.Notifier { return box }))
	enrolled, _, _ := enrollApp(t, app)
	for name, user := range map[string]authn.User{"with a factor": enrolled, "without": app.User()} {
		for _, carrier := range []authn.Carrier{"", authn.CarrierToken, authn.CarrierCookie} {
			for way, change := range map[string]func(*authn.LoginRequest){
				"plain":           func(*authn.LoginRequest) {},
				"remembered":      func(r *authn.LoginRequest) { r.Remember = true },
				"in capitals":     func(r *authn.LoginRequest) { r.Email = strings.ToUpper(r.Email) },
				"trust of nobody": func(r *authn.LoginRequest) { r.Trust = "td_x_y" },
				"a device":        func(r *authn.LoginRequest) { r.Device = authn.DeviceClaim{Token: "dt_x_y"} },
				"in the place of": func(r *authn.LoginRequest) { r.Replaces = setting.Secret(app.Cookie(app.Principal()).Value) },
			} {
				r := authn.LoginRequest{Email: user.Email, Password: fxtest.Password, Carrier: carrier}
				change(&r)
				grant, err := app.Users.Login(t.Context(), r)
				var needed *authn.MFARequiredError
				require.ErrorAs(t, err, &needed, "%s, %s, %s", name, carrier, way)
				assert.Zero(t, grant)
				nothingBy(t, app, needed.Challenge)
			}
			for way, enter := range map[string]func(authn.Completion) (authn.Grant, error){
				"link": func(c authn.Completion) (authn.Grant, error) {
					n := len(box.all(account.NoticeMagicLink))
					require.NoError(t, app.Accounts.BeginLink(t.Context(), account.Request{Email: user.Email}))
					return app.Accounts.FinishLink(t.Context(), box.token(t, account.NoticeMagicLink, n+1), c)
				},
				"code": func(c authn.Completion) (authn.Grant, error) {
					n := len(box.all(account.NoticeLoginCode))
					asked, err := app.Accounts.BeginCode(t.Context(), account.Request{Email: user.Email})
					require.NoError(t, err)
					return app.Accounts.FinishCode(t.Context(), asked.Secret, box.wait(t, account.NoticeLoginCode, n+1).Code, c)
				},
			} {
				grant, err := enter(authn.Completion{Carrier: carrier, Remember: true, Trust: "td_x_y"})
				var needed *authn.MFARequiredError
				require.ErrorAs(t, err, &needed, "%s, %s, %s", name, carrier, way)
				assert.Zero(t, grant)
				nothingBy(t, app, needed.Challenge)
			}
		}
		live, err := app.SessionManager.List(t.Context(), user.Subject)
		require.NoError(t, err)
		assert.Empty(t, live, name)
	}
}

// nothingBy requires that a secret opens nothing but what it is for.
func nothingBy(t *testing.T, app *fxtest.App, challenge setting.Secret) {
	t.Helper()
	text := challenge.Reveal()
	for _, r := range []*http.Request{
		webtest.Request("GET", "/auth/me", "", webtest.Bearer(text)...), webtest.Request("GET", "/auth/me", "", "Authorization", "ApiKey "+text),
		webtest.Request("GET", "/auth/me", "", "Cookie", "__Host-session="+text),
		webtest.Request("POST", "/auth/refresh", `{"refresh_token":"`+text+`"}`), webtest.Request("POST", "/auth/login/continue", `{"continuation":"`+text+`"}`),
	} {
		assert.Equal(t, http.StatusUnauthorized, app.Do(r).Code, r.URL.Path)
	}
}

// V6.6.1, V6.6.4, V6.5.7: these are all the factors and methods that there are. Who adds one answers here for what it proves: a message over
// the telephone network and a prompt that is pushed need rules of their own, and a biometric one is none alone.
func TestThereAreNoOtherFactors(t *testing.T) {
	t.Parallel()
	assert.Equal(t, map[string]string{"NameTOTP": "totp", "NameRecoveryCode": "recovery_code", "NameEmailCode": "email_code"}, texts(t, "mfa", "Name"))
	assert.Equal(t, map[string]string{
		"MethodPassword": "pwd", "MethodOTP": "otp", "MethodMFA": "mfa", "MethodEmail": "email", "MethodRecovery": "recovery",
	}, texts(t, "authn", "Method"))
}

// texts are the constants of a package whose names begin so, and that are texts.
func texts(t *testing.T, pkg, prefix string) map[string]string {
	t.Helper()
	all := map[string]string{}
	eachNode(t, pkg, func(n ast.Node) {
		spec, is := n.(*ast.ValueSpec)
		if !is || len(spec.Values) != len(spec.Names) {
			return
		}
		for i, name := range spec.Names {
			if text, is := stringOf(spec.Values[i]); is && strings.HasPrefix(name.Name, prefix) {
				all[name.Name] = text
			}
		}
	})
	return all
}

// V6.3.6, V6.6.1, V6.6.4, V6.5.7: codes by e-mail are no factor unless they are switched on; there are none by SMS or telephone, nothing that is pushed and nothing
// biometric.
func TestWhatIsAFactor(t *testing.T) {
	t.Parallel()
	for _, mailed := range []bool{false, true} {
		sender := fx.Options()
		if mailed {
			sender = authmodule.UseCodeSender(func() mfa.Sender { return noMail{} })
		}
		app := fxtest.NewConfigured(t, func(c *authmodule.Config) { c.MFA.Enabled, c.MFA.EmailCode = true, mailed }, sender)
		user, secret, codes := enrollApp(t, app)
		app.Advance(mfa.Period)
		err := app.MFA.EnrollEmail(t.Context(), user, authn.Client{})
		assert.Equal(t, mailed, err == nil)
		if !mailed {
			require.ErrorIs(t, err, mfa.ErrUnavailable)
		}
		var good []string
		for _, factor := range []string{mfa.NameTOTP, mfa.NameRecoveryCode, mfa.NameEmailCode, "sms", "voice", "push", "biometric", "fingerprint", ""} {
			code := appCode(t, app, secret)
			if factor == mfa.NameRecoveryCode {
				code = codes[0]
			}
			if secondFactor(t, app, user, factor, code) == nil {
				good = append(good, factor)
			}
		}
		assert.Equal(t, []string{mfa.NameTOTP, mfa.NameRecoveryCode}, good)
	}
}
