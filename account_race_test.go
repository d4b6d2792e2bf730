package authmodule_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/account"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/fxtest"
	"github.com/authmodule/authmodule/setting"
)

// newMailing is an application with a mailbox and every flow.
func newMailing(t *testing.T, driver string, box *mailbox) *fxtest.App {
	t.Helper()
	return fxtest.NewConfigured(t, func(c *authmodule.Config) {
		c.Store = storeOf(t, driver)
		c.Account.MagicLink, c.Account.LoginCode, c.Account.MailsPerHour = true, true, 100
		c.Throttle.InsecureDisabled = true
	}, authmodule.UseNotifier(func() account.Notifier { return box }))
}

// accountOneTimes are the links and codes that are sent by e-mail, of accounts without another session.
func accountOneTimes() map[string]oneTime {
	uses := func(r racers, use func(app *fxtest.App, ctx context.Context) error, lost error) (func(context.Context, int) error, []error) {
		return func(ctx context.Context, caller int) error { return use(r.node(caller), ctx) }, []error{lost}
	}
	client := authn.Client{}
	return map[string]oneTime{
		"link to a new password": func(t *testing.T, r racers) (func(context.Context, int) error, []error) {
			token := r.box.forgot(t, r.node(0), r.node(0).User())
			return uses(r, func(app *fxtest.App, ctx context.Context) error {
				return app.Accounts.Reset(ctx, token, password, client)
			}, account.ErrTokenInvalid)
		},
		"link that verifies": func(t *testing.T, r racers) (func(context.Context, int) error, []error) {
			require.NoError(t, r.node(0).Accounts.Register(t.Context(), authn.RegisterRequest{Email: email, Password: password}))
			token := r.box.token(t, account.NoticeVerifyEmail, 1)
			return uses(r, func(app *fxtest.App, ctx context.Context) error { return app.Accounts.VerifyEmail(ctx, token, client) }, account.ErrTokenInvalid)
		},
		"link to another address": func(t *testing.T, r racers) (func(context.Context, int) error, []error) {
			require.NoError(t, r.node(0).Accounts.ChangeEmail(t.Context(), r.node(0).Principal(), "next@example.com", client))
			token := r.box.token(t, account.NoticeChangeEmail, 1)
			return uses(r, func(app *fxtest.App, ctx context.Context) error {
				return app.Accounts.ConfirmEmailChange(ctx, token, client)
			}, account.ErrTokenInvalid)
		},
		"link that logs in": func(t *testing.T, r racers) (func(context.Context, int) error, []error) {
			require.NoError(t, r.node(0).Accounts.BeginLink(t.Context(), account.Request{Email: r.node(0).User().Email}))
			token := r.box.token(t, account.NoticeMagicLink, 1)
			return uses(r, func(app *fxtest.App, ctx context.Context) error {
				return errOf(app.Accounts.FinishLink(ctx, token, authn.Completion{}))
			}, account.ErrTokenInvalid)
		},
		"code that logs in": func(t *testing.T, r racers) (func(context.Context, int) error, []error) {
			challenge, err := r.node(0).Accounts.BeginCode(t.Context(), account.Request{Email: r.node(0).User().Email})
			require.NoError(t, err)
			code := r.box.wait(t, account.NoticeLoginCode, 1).Code
			return uses(r, func(app *fxtest.App, ctx context.Context) error {
				return errOf(app.Accounts.FinishCode(ctx, challenge.Secret, code, authn.Completion{}))
			}, account.ErrCodeInvalid)
		},
	}
}

func errOf[T any](_ T, err error) error { return err }

// V6.6.3: of any number of wrong codes at once, five are looked at.
func TestWrongCodesAtOnce(t *testing.T) {
	t.Parallel()
	for _, driver := range []string{"memory", "sqlite"} {
		t.Run(driver, func(t *testing.T) {
			t.Parallel()
			box := &mailbox{}
			app := newMailing(t, driver, box)
			challenge, err := app.Accounts.BeginCode(t.Context(), account.Request{Email: app.User().Email})
			require.NoError(t, err)
			code := box.wait(t, account.NoticeLoginCode, 1).Code
			for range 10 { // what another one has taken up is refused, and no try
				race(20, func(i int) error {
					wrong := setting.Secret(fmt.Sprintf("%08d", i))
					if wrong == code {
						return nil
					}
					return errOf(app.Accounts.FinishCode(t.Context(), challenge.Secret, wrong, authn.Completion{}))
				})
			}
			_, err = app.Accounts.FinishCode(t.Context(), challenge.Secret, code, authn.Completion{})
			require.ErrorIs(t, err, account.ErrCodeInvalid)
		})
	}
}

// Of any number of changes of one password by one proof at once, one succeeds, and it is the one that logs in afterwards.
func TestPasswordChangesAtOnce(t *testing.T) {
	t.Parallel()
	for _, driver := range []string{"memory", "sqlite", "postgres"} {
		t.Run(driver, func(t *testing.T) {
			t.Parallel()
			app := newMailing(t, driver, &mailbox{})
			p := app.Principal()
			next := func(i int) setting.Secret { return setting.Secret(fmt.Sprintf("password number %d of many", i)) }
			won := -1
			for i, err := range race(20, func(i int) error {
				return app.Accounts.ChangePassword(t.Context(), account.PasswordChange{Caller: p, Current: fxtest.Password, New: next(i)})
			}) {
				if err == nil {
					require.Equal(t, -1, won)
					won = i
					continue
				}
				require.True(t, errors.Is(err, authn.ErrConflict) || errors.Is(err, authn.ErrInvalidCredentials), "%v", err)
			}
			require.NotEqual(t, -1, won)
			for i := range 20 {
				_, err := app.Users.Login(t.Context(), authn.LoginRequest{Email: p.Email, Password: next(i)})
				require.Equal(t, i == won, err == nil, "%d of which %d won: %v", i, won, err)
			}
		})
	}
}
