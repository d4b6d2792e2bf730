package echoauth_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/echoauth"
	"github.com/authmodule/authmodule/fxtest"
	"github.com/authmodule/authmodule/internal/webtest"
	"github.com/authmodule/authmodule/transport"
)

// app is a started application and what it logged.
type app struct {
	*fxtest.App
	log  *logs
	echo *echo.Echo
}

// routes adds an application's routes, before or after Mount as its place in the options says.
func routes(add func(e *echo.Echo)) fx.Option { return fx.Invoke(add) }

func mounted() fx.Option { return fx.Invoke(echoauth.Mount) }

func roles() fx.Option {
	return authmodule.AddRoles(
		authz.Role{Name: "viewer"},
		authz.Role{Name: "reader", Permissions: []string{"articles.read"}},
		authz.Role{Name: "editor", Permissions: []string{"articles.write"}, Inherits: []string{"reader"}},
		authz.Role{Name: "admin", Permissions: []string{"*.*"}, Inherits: []string{"editor"}},
	)
}

// start boots an application that Mount was called on after the options.
func start(t testing.TB, options ...fx.Option) app {
	t.Helper()
	return startConfigured(t, func(*authmodule.Config) {}, append(options, mounted())...)
}

// startConfigured boots an application with the options alone.
func startConfigured(t testing.TB, change func(*authmodule.Config), options ...fx.Option) app {
	t.Helper()
	a := app{log: &logs{}}
	a.App = fxtest.NewConfigured(t, change, roles(),
		fx.Provide(echo.New, func() *slog.Logger { return slog.New(slog.NewTextHandler(a.log, nil)) }),
		fx.Populate(&a.echo), fx.Options(options...),
	)
	return a
}

// logs collects what is logged.
type logs = webtest.Logs

// request makes a request; a body is JSON unless the headers, which are names and values in turn, say otherwise.
func request(method, path, body string, headers ...string) *http.Request {
	return webtest.Request(method, path, body, headers...)
}

func bearer(token string) []string { return webtest.Bearer(token) }

func sent(c *http.Cookie) []string { return webtest.Sent(c) }

// problem reads an error answer and holds it to RFC 9457.
func problem(t testing.TB, w *httptest.ResponseRecorder) transport.Problem {
	t.Helper()
	p, err := webtest.Problem(w)
	require.NoError(t, err)
	return p
}

// codeOf is the code of a problem, or nothing for an answer that is none.
func codeOf(t testing.TB, w *httptest.ResponseRecorder) string {
	t.Helper()
	if w.Code < http.StatusBadRequest {
		return ""
	}
	return problem(t, w).Code
}

// dump is everything that a caller sees of an answer.
func dump(t testing.TB, w *httptest.ResponseRecorder) string {
	t.Helper()
	return webtest.Dump(w)
}

// who answers with the ID of the caller, found in both ways.
func who(c echo.Context) error {
	p := echoauth.Principal(c)
	if other := authn.PrincipalFrom(c.Request().Context()); other.Subject != p.Subject {
		return c.String(http.StatusTeapot, "the request's context has another principal")
	}
	return c.String(http.StatusOK, p.Subject.ID)
}

func credentials(t testing.TB, email, mode string) string {
	t.Helper()
	text, err := json.Marshal(map[string]string{"email": email, "password": fxtest.Password, "mode": mode})
	require.NoError(t, err)
	return string(text)
}

func background() context.Context { return context.Background() }
