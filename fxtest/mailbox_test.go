package fxtest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/account"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/echoauth"
	"github.com/authmodule/authmodule/fxtest"
	"github.com/authmodule/authmodule/mfa"
)

func careful(e *echo.Echo) {
	e.GET("/vault", func(c echo.Context) error { return c.NoContent(http.StatusNoContent) }, echoauth.RequireMFA(5*time.Minute))
}

// post sends JSON and returns the members of the answer that are texts.
func post(t *testing.T, app *fxtest.App, path, format string, args ...any) (int, map[string]string) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(fmt.Sprintf(format, args...)))
	r.Header.Set("Content-Type", "application/json")
	w := app.Do(r)
	var all map[string]any
	if w.Body.Len() > 0 {
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &all))
	}
	texts := map[string]string{}
	for name, value := range all {
		if text, is := value.(string); is {
			texts[name] = text
		}
	}
	return w.Code, texts
}

func TestMailboxKeepsNotices(t *testing.T) {
	t.Parallel()
	mails := fxtest.NewMailbox(t)
	app := fxtest.New(t, mails.Use(), fx.Provide(echo.New), fx.Invoke(echoauth.Mount, careful))
	ada := `{"email":"ada@example.com","password":"correct horse battery staple"}`
	status, _ := post(t, app, "/auth/register", "%s", ada)
	require.Equal(t, http.StatusAccepted, status)
	status, _ = post(t, app, "/auth/email/verify", `{"token":%q}`, mails.Token(account.NoticeVerifyEmail, "ada@example.com"))
	require.Equal(t, http.StatusNoContent, status)
	status, _ = post(t, app, "/auth/login", "%s", ada)
	assert.Equal(t, http.StatusOK, status)

	for range 2 { // each is returned once
		status, _ = post(t, app, "/auth/password/forgot", `{"email":"ada@example.com"}`)
		require.Equal(t, http.StatusAccepted, status)
		notice := mails.Next(account.NoticeResetPassword, "ada@example.com")
		assert.True(t, notice.Expires.After(app.Now()))
	}
	assert.Len(t, mails.Notices(), 3)
}

func TestMailboxSaysWhatIsNotThere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		mails := fxtest.NewMailbox(&missing{TB: t})
		require.NoError(t, mails.Notify(t.Context(), account.Notice{Kind: account.NoticePasswordChanged, To: "ada@example.com"}))
		assert.PanicsWithValue(t, "fxtest: the notice password_changed to ada@example.com has no link", func() {
			mails.Token(account.NoticePasswordChanged, "ada@example.com")
		})
		assert.PanicsWithValue(t, "fxtest: no notice login_code to ada@example.com; there are password_changed to ada@example.com", func() {
			mails.Next(account.NoticeLoginCode, "ada@example.com")
		})
	})
}

// missing panics with what a test would fail with.
type missing struct{ fxtest.TB }

func (missing) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

// An administrator enrolls an app at the login, uses it, and logs in with the next code.
func TestTOTPLogsIn(t *testing.T) {
	t.Parallel()
	for _, algorithm := range []mfa.Algorithm{mfa.SHA1, mfa.SHA512} {
		t.Run(string(algorithm), func(t *testing.T) {
			t.Parallel()
			app := fxtest.NewConfigured(t, func(c *authmodule.Config) {
				c.MFA = mfa.Config{Enabled: true, RequireRoles: []string{"admin"}, Algorithm: algorithm, Digits: 8}
			}, authmodule.AddRoles(authz.Role{Name: "admin"}), fx.Provide(echo.New), fx.Invoke(echoauth.Mount, careful))
			login := fmt.Sprintf(`{"email":%q,"password":%q}`, app.User("admin").Email, fxtest.Password)
			_, waiting := post(t, app, "/auth/login", "%s", login)
			_, enrollment := post(t, app, "/auth/login/mfa/begin", `{"challenge":%q,"factor":"totp"}`, waiting["challenge"])
			answer := func() (int, map[string]string) {
				return post(t, app, "/auth/login/mfa", `{"challenge":%q,"factor":"totp","code":%q}`, waiting["challenge"], app.TOTP(enrollment["uri"]))
			}
			status, grant := answer()
			require.Equal(t, http.StatusOK, status)
			r := httptest.NewRequest(http.MethodGet, "/vault", nil)
			r.Header.Set("Authorization", "Bearer "+grant["access_token"])
			assert.Equal(t, http.StatusNoContent, app.Do(r).Code)

			_, waiting = post(t, app, "/auth/login", "%s", login)
			status, refused := answer()
			assert.Equal(t, http.StatusUnauthorized, status, "a code works once")
			assert.Equal(t, "code_invalid", refused["code"])
			app.Advance(mfa.Period)
			status, _ = answer()
			assert.Equal(t, http.StatusOK, status)
		})
	}
}

func TestTOTPWantsAnEnrollment(t *testing.T) {
	t.Parallel()
	app := fxtest.New(&missing{TB: t})
	assert.PanicsWithValue(t, "fxtest: make a code: the argument is not the uri of an enrollment, such as otpauth://totp/…", func() { app.TOTP("JBSWY3DPEHPK3PXP") })
}
