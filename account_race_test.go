package authmodule_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/account"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/fxtest"
	"github.com/authmodule/authmodule/internal/peer"
	"github.com/authmodule/authmodule/internal/redistest"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/store/redisstore"
)

// RST-01: of any number of uses of one token at once, one succeeds.
func TestRST01TokensWorkOnce(t *testing.T) {
	t.Parallel()
	eachTokenOnce(t, 50)
}

// RST-01, at length.
func TestSoakRST01TokensWorkOnce(t *testing.T) {
	peer.Soak(t)
	eachTokenOnce(t, 1000)
}

func eachTokenOnce(t *testing.T, callers int) {
	for _, driver := range []string{"memory", "sqlite", "postgres", "redis"} {
		t.Run(driver, func(t *testing.T) {
			t.Parallel()
			box := &mailbox{}
			app := newMailing(t, driver, box)
			for name, flow := range onceFlows(box) {
				t.Run(name, func(t *testing.T) {
					use := flow(t, app)
					won := 0
					for _, err := range race(callers, func(int) error { return use() }) {
						if err == nil {
							won++
							continue
						}
						require.True(t, errors.Is(err, account.ErrTokenInvalid) || errors.Is(err, account.ErrCodeInvalid), "%v", err)
					}
					require.Equal(t, 1, won)
				})
			}
		})
	}
}

// newMailing is an application with a mailbox and every flow; redis is accounts in SQLite and all that works once in Redis.
func newMailing(t *testing.T, driver string, box *mailbox) *fxtest.App {
	t.Helper()
	place, module := storeOf(t, driver), fx.Options()
	if driver == "redis" {
		place, module = storeOf(t, "sqlite"), redisstore.Module()
		place.Sessions, place.Redis.Addr = authmodule.SessionsRedis, []string{redistest.Start(t, redistest.Options{}).Addr()}
	}
	return fxtest.NewConfigured(t, func(c *authmodule.Config) {
		c.Store = place
		c.Account.MagicLink, c.Account.LoginCode, c.Account.MailsPerHour = true, true, 100
		c.Throttle.InsecureDisabled = true
	}, authmodule.UseNotifier(func() account.Notifier { return box }), module)
}

// onceFlows make a token each, and return what uses it.
func onceFlows(box *mailbox) map[string]func(*testing.T, *fxtest.App) func() error {
	client := authn.Client{}
	return map[string]func(*testing.T, *fxtest.App) func() error{
		"reset": func(t *testing.T, app *fxtest.App) func() error {
			token := box.forgot(t, app, app.User())
			return func() error { return app.Accounts.Reset(t.Context(), token, password, client) }
		},
		"verify": func(t *testing.T, app *fxtest.App) func() error {
			require.NoError(t, app.Accounts.Register(t.Context(), authn.RegisterRequest{Email: email, Password: password}))
			token := box.token(t, account.NoticeVerifyEmail, 1)
			return func() error { return app.Accounts.VerifyEmail(t.Context(), token, client) }
		},
		"change of address": func(t *testing.T, app *fxtest.App) func() error {
			require.NoError(t, app.Accounts.ChangeEmail(t.Context(), app.Principal(), "next@example.com", client))
			token := box.token(t, account.NoticeChangeEmail, 1)
			return func() error { return app.Accounts.ConfirmEmailChange(t.Context(), token, client) }
		},
		"login link": func(t *testing.T, app *fxtest.App) func() error {
			require.NoError(t, app.Accounts.BeginLink(t.Context(), account.Request{Email: app.User().Email}))
			token := box.token(t, account.NoticeMagicLink, 1)
			return func() error { return errOf(app.Accounts.FinishLink(t.Context(), token, authn.Completion{})) }
		},
		"login code": func(t *testing.T, app *fxtest.App) func() error {
			challenge, err := app.Accounts.BeginCode(t.Context(), account.Request{Email: app.User().Email})
			require.NoError(t, err)
			code := box.wait(t, account.NoticeLoginCode, 1).Code
			return func() error {
				return errOf(app.Accounts.FinishCode(t.Context(), challenge.Secret, code, authn.Completion{}))
			}
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
