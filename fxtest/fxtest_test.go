package fxtest_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/echoauth"
	"github.com/authmodule/authmodule/fxtest"
)

func articleRoutes(e *echo.Echo) {
	e.DELETE("/articles/:id", func(c echo.Context) error { return c.NoContent(http.StatusNoContent) },
		echoauth.RequirePermissions("articles.delete"))
}

func newApp(t *testing.T) *fxtest.App {
	t.Helper()
	return fxtest.New(t,
		authmodule.AddRoles(authz.Role{Name: "editor", Permissions: []string{"articles.delete"}}),
		fx.Provide(echo.New), fx.Invoke(echoauth.Mount, articleRoutes),
	)
}

func remove(app *fxtest.App, prepare func(*http.Request)) int {
	r := httptest.NewRequest(http.MethodDelete, "/articles/1", nil)
	prepare(r)
	return app.Do(r).Code
}

func TestPrincipalsTokensAndCookies(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	editor, viewer := app.Principal("editor"), app.Principal()
	assert.Equal(t, []string{"editor"}, editor.Roles)
	assert.Equal(t, []string{"viewer"}, viewer.Roles)
	bearer := func(token string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
	}
	assert.Equal(t, http.StatusNoContent, remove(app, bearer(app.Token(editor))))
	assert.Equal(t, http.StatusForbidden, remove(app, bearer(app.Token(viewer))))
	assert.Equal(t, http.StatusUnauthorized, remove(app, func(*http.Request) {}))
	assert.Equal(t, http.StatusNoContent, remove(app, func(r *http.Request) { r.AddCookie(app.Cookie(editor)) }))
	denied := app.Events(audit.AccessDenied)
	assert.Len(t, denied, 1)
	assert.Equal(t, viewer.Subject.ID, denied[0].Subject)
	assert.Greater(t, len(app.Events()), len(denied))
}

func TestClockMoves(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	token := app.Token(app.Principal("editor"))
	status := func() int {
		return remove(app, func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) })
	}
	before := app.Now()
	app.Advance(29 * time.Minute)
	assert.Equal(t, before.Add(29*time.Minute), app.Now())
	assert.Equal(t, http.StatusNoContent, status())
	app.Advance(time.Minute)
	assert.Equal(t, http.StatusUnauthorized, status(), "the token has expired")
}

func TestConfiguration(t *testing.T) {
	t.Parallel()
	app := fxtest.NewConfigured(t, func(c *authmodule.Config) { c.Session.MaxPerUser = 1 })
	p := app.Principal()
	app.Token(p)
	assert.Len(t, app.Events(audit.SessionEnded), 1, "the second session evicted the first")
}

// failing is a TB that records instead of ending the test.
type failing struct {
	*testing.T
	said string
}

func (f *failing) Fatalf(format string, _ ...any) {
	f.said = format
	panic(f)
}

func TestGraphThatDoesNotStartFailsTheTest(t *testing.T) {
	t.Parallel()
	tb := &failing{T: t}
	defer func() {
		assert.NotNil(t, recover())
		assert.Contains(t, tb.said, "does not start")
	}()
	fxtest.New(tb, fx.Invoke(func(*http.Server) {}))
}
