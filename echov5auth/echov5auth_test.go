package echov5auth_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/labstack/echo/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/echov5auth"
	"github.com/authmodule/authmodule/fxtest"
	"github.com/authmodule/authmodule/httpauth"
	"github.com/authmodule/authmodule/internal/webtest"
	"github.com/authmodule/authmodule/transport"
)

// app is a started application with the module mounted on Echo v5.
type app struct {
	*fxtest.App
	echo *echo.Echo
}

func start(t testing.TB, options ...fx.Option) app {
	t.Helper()
	var a app
	a.App = fxtest.New(t, append(options, echov5auth.Module(), fx.Provide(newEcho), fx.Invoke(echov5auth.Mount), fx.Populate(&a.echo))...)
	return a
}

func newEcho() *echo.Echo {
	e := echo.New()
	e.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	return e
}

func (a app) do(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	a.echo.ServeHTTP(w, r)
	return w
}

func request(method, path, body string, headers ...string) *http.Request {
	return webtest.Request(method, path, body, headers...)
}

func codeOf(t testing.TB, w *httptest.ResponseRecorder) string {
	t.Helper()
	p, err := webtest.Problem(w)
	require.NoError(t, err)
	return p.Code
}

func TestMountNeedsBoth(t *testing.T) {
	t.Parallel()
	_, err := echov5auth.New(nil)
	assert.Error(t, err)
	assert.ErrorContains(t, echov5auth.Mount(echo.New(), nil), "echov5auth.Module()")
	assert.Error(t, echov5auth.Mount(nil, nil))
}

// A route that Echo refuses is an error that names it, not a panic.
func TestMountSaysWhatEchoRefuses(t *testing.T) {
	t.Parallel()
	e := echo.NewWithConfig(echo.Config{OnAddRoute: func(r echo.Route) error {
		if r.Path == "/auth/me" {
			return errors.New("not here")
		}
		return nil
	}})
	app := fx.New(authmodule.Stub(), echov5auth.Module(), fx.Supply(e), fx.Invoke(echov5auth.Mount), fx.NopLogger)
	assert.ErrorContains(t, app.Err(), "mount GET /auth/me: not here")
}

// Extra endpoints of the graph are mounted here as well; a second Module is refused.
func TestModule(t *testing.T) {
	t.Parallel()
	app := start(t, authmodule.AddEndpoint(func() transport.Endpoint {
		return transport.Endpoint{Method: "GET", Path: "/own/{id}", Need: transport.NeedNothing, Handle: func(_ context.Context, r *http.Request) (transport.Reply, error) {
			return transport.Reply{Body: r.PathValue("id")}, nil
		}}
	}))
	assert.Equal(t, "\"7\"\n", app.do(request("GET", "/auth/own/7", "")).Body.String())
	twice := fx.New(authmodule.Stub(), echov5auth.Module(), echov5auth.Module(), fx.NopLogger)
	assert.ErrorContains(t, twice.Err(), "already provided")
}

// Handlers of net/http within Echo find the caller, and guard by it.
func TestWrappedHandlers(t *testing.T) {
	t.Parallel()
	app := start(t)
	app.echo.GET("/wrapped", echo.WrapHandler(httpauth.RequireAuth()(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, httpauth.Principal(r).Subject.ID)
	}))))
	p := app.Principal()
	assert.Equal(t, p.Subject.ID, app.do(request("GET", "/wrapped", "", webtest.Bearer(app.Token(p))...)).Body.String())
	assert.Equal(t, "unauthenticated", codeOf(t, app.do(request("GET", "/wrapped", ""))))
}

// Guards on groups hold for what nobody registered below them.
func TestGroups(t *testing.T) {
	t.Parallel()
	app := start(t)
	group := app.echo.Group("/admin", echov5auth.RequireRoles("admin"))
	group.GET("/x", func(c *echo.Context) error { return c.NoContent(http.StatusNoContent) })
	viewer := webtest.Bearer(app.Token(app.Principal()))
	for _, path := range []string{"/admin/x", "/admin/none", "/admin"} {
		assert.Equal(t, "unauthenticated", codeOf(t, app.do(request("GET", path, ""))), path)
		assert.Equal(t, "permission_denied", codeOf(t, app.do(request("GET", path, "", viewer...))), path)
	}
}

// An application's own error handler gets refusals as Echo's own errors, with the header fields set; wrapped, it gets none.
func TestErrorHandlers(t *testing.T) {
	t.Parallel()
	app := start(t)
	app.echo.GET("/in", func(c *echo.Context) error { return nil }, echov5auth.RequireAuth())
	app.echo.GET("/own", func(c *echo.Context) error { return errors.New("own") })
	app.echo.GET("/late", func(c *echo.Context) error {
		if err := c.String(http.StatusOK, "sent"); err != nil {
			return err
		}
		return &transport.Problem{Status: http.StatusTeapot, Code: "late"}
	})
	own := func(c *echo.Context, err error) {
		var problem *transport.Problem
		if errors.As(err, &problem) {
			_ = c.String(echo.StatusCode(err), "own: "+problem.Code)
			return
		}
		_ = c.String(http.StatusBadGateway, "own")
	}
	app.echo.HTTPErrorHandler = own
	w := app.do(request("GET", "/in", ""))
	assert.Equal(t, []any{401, "own: unauthenticated"}, []any{w.Code, w.Body.String()})
	assert.NotEmpty(t, w.Header().Get("WWW-Authenticate"))
	assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
	app.echo.HTTPErrorHandler = echov5auth.ErrorHandler(echo.DefaultHTTPErrorHandler(false))
	assert.Equal(t, "unauthenticated", codeOf(t, app.do(request("GET", "/in", ""))))
	assert.Equal(t, "sent", app.do(request("GET", "/late", "")).Body.String())
	app.echo.HTTPErrorHandler = echov5auth.ErrorHandler(own)
	assert.Equal(t, http.StatusBadGateway, app.do(request("GET", "/own", "")).Code)
}

// CK-05: an answer that clears the cookie is not kept by a cache, also where a middleware hides Echo's response.
func TestHiddenResponse(t *testing.T) {
	t.Parallel()
	app := start(t)
	app.echo.Pre(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			c.Response().Header().Set("Cache-Control", "public")
			c.SetResponse(struct{ http.ResponseWriter }{c.Response()})
			return next(c)
		}
	})
	app.echo.GET("/page", func(c *echo.Context) error { return c.String(http.StatusOK, "for everybody") })
	stale := app.do(request("GET", "/page", "", "Cookie", transport.CookieName+"=x"))
	assert.Equal(t, "no-store", stale.Header().Get("Cache-Control"))
	assert.Equal(t, "public", app.do(request("GET", "/page", "")).Header().Get("Cache-Control"))
	assert.Equal(t, "unauthenticated", codeOf(t, app.do(request("GET", "/auth/me", ""))))
}

// Where nothing authenticates, nothing is done and nobody is let in.
func TestWhereNothingAuthenticates(t *testing.T) {
	t.Parallel()
	e := newEcho()
	e.HTTPErrorHandler = echov5auth.ErrorHandler(e.HTTPErrorHandler)
	e.GET("/guard", func(c *echo.Context) error { return nil }, echov5auth.OptionalAuth())
	e.GET("/renew", func(c *echo.Context) error { return echov5auth.RenewSession(c) })
	e.GET("/recheck", func(c *echo.Context) error { return echov5auth.Recheck(c) })
	e.GET("/watch", func(c *echo.Context) error {
		ctx, stop := echov5auth.Watch(c, 0)
		defer stop()
		assert.Error(t, ctx.Err())
		assert.Equal(t, authn.Principal{}, echov5auth.Principal(c))
		return echov5auth.Recheck(c)
	})
	for _, path := range []string{"/guard", "/renew", "/recheck", "/watch"} {
		w := httptest.NewRecorder()
		e.ServeHTTP(w, request("GET", path, "", "Cookie", transport.CookieName+"=x"))
		assert.Equal(t, "not_mounted", codeOf(t, w), path)
	}
}
