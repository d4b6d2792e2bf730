package transport_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/echoauth"
	"github.com/authmodule/authmodule/fxtest"
	"github.com/authmodule/authmodule/internal/webtest"
	"github.com/authmodule/authmodule/transport"
)

const password = fxtest.Password

// app is a started application and what it logged.
type app struct {
	*fxtest.App
	log  *logs
	gate *transport.Gate
	echo *echo.Echo
}

// Do sends a request, also where the test that booted the application is not the one that runs.
func (a app) Do(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	a.echo.ServeHTTP(w, r)
	return w
}

// start boots an application with the module's routes.
func start(t testing.TB, options ...fx.Option) app {
	t.Helper()
	return startConfigured(t, func(*authmodule.Config) {}, options...)
}

func startConfigured(t testing.TB, change func(*authmodule.Config), options ...fx.Option) app {
	t.Helper()
	a := app{log: &logs{}}
	a.App = fxtest.NewConfigured(t, change,
		fx.Provide(echo.New, func() *slog.Logger {
			return slog.New(slog.NewTextHandler(a.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		}),
		fx.Invoke(echoauth.Mount), fx.Populate(&a.gate, &a.echo), fx.Options(options...),
	)
	return a
}

// logs collects what is logged.
type logs struct{ webtest.Logs }

// request makes a request; a body is JSON unless the headers, which are names and values in turn, say otherwise.
func request(method, path, body string, headers ...string) *http.Request {
	return webtest.Request(method, path, body, headers...)
}

func bearer(token string) []string { return webtest.Bearer(token) }

func object(t testing.TB, members map[string]any) string {
	t.Helper()
	text, err := json.Marshal(members)
	require.NoError(t, err)
	return string(text)
}

func credentials(t testing.TB, email, password string) string {
	t.Helper()
	return object(t, map[string]any{"email": email, "password": password})
}

// problem reads an error answer and holds it to RFC 9457.
func problem(t testing.TB, w *httptest.ResponseRecorder) transport.Problem {
	t.Helper()
	p, err := webtest.Problem(w)
	require.NoError(t, err)
	require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
	return p
}

// answer reads a JSON answer of the status.
func answer(t testing.TB, w *httptest.ResponseRecorder, status int) map[string]any {
	t.Helper()
	require.Equal(t, status, w.Code, w.Body.String())
	require.Equal(t, "application/json", w.Header().Get("Content-Type"))
	var out map[string]any
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &out))
	return out
}

// dump is everything that a caller sees of an answer.
func dump(t testing.TB, w *httptest.ResponseRecorder) string {
	t.Helper()
	return webtest.Dump(w)
}

// cookieOf returns the session cookie that an answer sets.
func cookieOf(t testing.TB, w *httptest.ResponseRecorder) *http.Cookie {
	t.Helper()
	for _, c := range w.Result().Cookies() {
		if c.Name == transport.CookieName || c.Name == transport.InsecureCookieName {
			return c
		}
	}
	require.Fail(t, "the answer sets no session cookie")
	return nil
}

func sent(c *http.Cookie) []string { return webtest.Sent(c) }
