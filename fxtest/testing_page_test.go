package fxtest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/account"
	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/echoauth"
	"github.com/authmodule/authmodule/fxtest"
)

// What docs/testing.md shows is in this file, which runs it.
func TestTestingPage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/testing.md")
	require.NoError(t, err)
	here, err := os.ReadFile("testing_page_test.go")
	require.NoError(t, err)
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	require.Len(t, blocks, 4)
	for _, block := range blocks {
		assert.Contains(t, string(here), block[1])
	}
}

func TestOwnersSetANewPassword(t *testing.T) {
	mails := fxtest.NewMailbox(t)
	app := fxtest.New(t, mails.Use(), fx.Provide(echo.New), fx.Invoke(echoauth.Mount, routes))
	email := app.User().Email

	send(t, app, "POST", "/auth/password/forgot", "", fmt.Sprintf(`{"email":%q}`, email))
	token := mails.Token(account.NoticeResetPassword, email) // waits for the mail
	status, _ := send(t, app, "POST", "/auth/password/reset", "", fmt.Sprintf(`{"token":%q,"password":"correct horse battery staple"}`, token))
	if status != http.StatusNoContent {
		t.Errorf("status %d", status)
	}
	mails.Next(account.NoticePasswordChanged, email)
}

func TestTheVaultWantsAFreshSecondFactor(t *testing.T) {
	app := fxtest.NewConfigured(t, func(c *authmodule.Config) { c.MFA.Enabled = true }, fx.Provide(echo.New), fx.Invoke(echoauth.Mount, routes))
	token := app.Token(app.Principal()) // by a second factor, since it is enabled
	if status, _ := send(t, app, "GET", "/vault", token, ""); status != http.StatusNoContent {
		t.Errorf("status %d", status)
	}
	app.Advance(6 * time.Minute)
	status, challenge := send(t, app, "GET", "/vault", token, "")
	if status != http.StatusUnauthorized || challenge["step_up"] != "/auth/step-up" {
		t.Errorf("status %d: %v", status, challenge)
	}
}

func TestAdministratorsEnrollAnApp(t *testing.T) {
	app := fxtest.NewConfigured(t, func(c *authmodule.Config) {
		c.MFA.Enabled, c.MFA.RequireRoles, c.Audit.Journal = true, []string{"admin"}, true
	}, authmodule.AddRoles(authz.Role{Name: "admin"}), fx.Provide(echo.New), fx.Invoke(echoauth.Mount, routes))
	_, waits := send(t, app, "POST", "/auth/login", "", fmt.Sprintf(`{"email":%q,"password":%q}`, app.User("admin").Email, fxtest.Password))
	_, enrollment := send(t, app, "POST", "/auth/login/mfa/begin", "", fmt.Sprintf(`{"challenge":%q,"factor":"totp"}`, waits["challenge"]))
	code := app.TOTP(enrollment["uri"].(string)) // works once: app.Advance(mfa.Period) before the next
	_, login := send(t, app, "POST", "/auth/login/mfa", "", fmt.Sprintf(`{"challenge":%q,"factor":"totp","code":%q}`, waits["challenge"], code))
	if status, _ := send(t, app, "GET", "/vault", login["access_token"].(string), ""); status != http.StatusNoContent {
		t.Errorf("status %d", status)
	}

	if err := app.Journal.Flush(t.Context()); err != nil { // else entries come within a second
		t.Fatal(err)
	}
	if entries, err := app.Journal.Entries(t.Context(), audit.Query{Type: audit.MFAEnrolled, Limit: 1}); err != nil || len(entries) != 1 {
		t.Errorf("%d entries: %v", len(entries), err)
	}
}

func routes(e *echo.Echo) {
	e.GET("/vault", func(c echo.Context) error { return c.NoContent(http.StatusNoContent) }, echoauth.RequireMFA(5*time.Minute))
}

func send(t *testing.T, app *fxtest.App, method, path, token, body string) (status int, answer map[string]any) {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := app.Do(r)
	_ = json.Unmarshal(w.Body.Bytes(), &answer)
	return w.Code, answer
}
