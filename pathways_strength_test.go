package authmodule_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/account"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/fxtest"
	"github.com/authmodule/authmodule/mfa"
)

// documentedClasses are the classes that docs/pathways.md gives to a route, in the order of its rows.
func documentedClasses(t *testing.T, route string) (classes []string) {
	t.Helper()
	class := regexp.MustCompile("^ `(aal[0-9])` $")
	for line := range strings.Lines(document(t, "docs/pathways.md")) {
		if cells := strings.Split(line, "|"); len(cells) == 6 && strings.TrimSpace(cells[1]) == "`"+route+"`" {
			found := class.FindStringSubmatch(cells[3])
			require.NotNil(t, found, line)
			classes = append(classes, found[1])
		}
	}
	return classes
}

// V6.1.3, V6.3.6: each pathway is worth what docs/pathways.md says; what the mailbox proves is worth least, and is a second factor of no account.
func TestV613PathwaysAreWorthWhatIsDocumented(t *testing.T) {
	t.Parallel()
	box, codes := &mailbox{}, &codebox{}
	app := fxtest.NewConfigured(t, func(c *authmodule.Config) {
		c.MFA.Enabled, c.MFA.EmailCode, c.Account.MagicLink, c.Account.LoginCode = true, true, true, true
		c.HTTP.PublicURL = "https://app.example.com"
	}, authmodule.UseNotifier(func() account.Notifier { return box }), authmodule.UseCodeSender(func() mfa.Sender { return codes }))
	classOf := func(grant authn.Grant, err error) string {
		t.Helper()
		require.NoError(t, err)
		return grant.Session.ACR()
	}
	ctx, plain := t.Context(), app.User()
	assert.Equal(t, documentedClasses(t, "POST /auth/login"), []string{
		classOf(app.Users.Login(ctx, authn.LoginRequest{Email: plain.Email, Password: fxtest.Password})),
	})
	require.NoError(t, app.Accounts.BeginLink(ctx, account.Request{Email: plain.Email}))
	assert.Equal(t, documentedClasses(t, "POST /auth/login/link/finish"), []string{
		classOf(app.Accounts.FinishLink(ctx, box.token(t, account.NoticeMagicLink, 1), authn.Completion{})),
	})
	asked, err := app.Accounts.BeginCode(ctx, account.Request{Email: plain.Email})
	require.NoError(t, err)
	assert.Equal(t, documentedClasses(t, "POST /auth/login/code/finish"), []string{
		classOf(app.Accounts.FinishCode(ctx, asked.Secret, box.wait(t, account.NoticeLoginCode, 1).Code, authn.Completion{})),
	})

	user, secret, recovery := enrollApp(t, app)
	require.NoError(t, app.MFA.EnrollEmail(ctx, user, authn.Client{}))
	_, err = app.MFA.ConfirmEmail(ctx, user.Subject, codes.last(), mfa.By{})
	require.NoError(t, err)
	app.Advance(mfa.Period)
	challenge := waits(t, app, user)
	_, err = app.Users.BeginChallenge(ctx, challenge, mfa.NameEmailCode, authn.Client{})
	require.NoError(t, err)
	byMail := classOf(answerWith(app, challenge, mfa.NameEmailCode, codes.last()))
	byApp := classOf(answerWith(app, waits(t, app, user), mfa.NameTOTP, appCode(t, app, secret)))
	assert.Equal(t, documentedClasses(t, "POST /auth/login/mfa"), []string{byApp, byMail})
	assert.Equal(t, byMail, classOf(answerWith(app, waits(t, app, user), mfa.NameRecoveryCode, recovery[0])), "a recovery code")
}
