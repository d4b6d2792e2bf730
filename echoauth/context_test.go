package echoauth_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/echoauth"
	"github.com/authmodule/authmodule/fxtest"
)

type ownKey struct{}

// ownContext is a context type of an application's own.
type ownContext struct {
	echo.Context
	name string
}

func wrapContext(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error { return next(&ownContext{Context: c, name: "own"}) }
}

// whoOwn is who for a handler that relies on its own type of context.
func whoOwn(c echo.Context) error {
	own, ok := c.(*ownContext)
	if !ok || own.name != "own" {
		return c.String(http.StatusTeapot, "another type of context")
	}
	return who(c)
}

func TestPrincipalIsCarried(t *testing.T) {
	t.Parallel()
	through := func(e *echo.Echo) {
		e.GET("/plain", who)
		e.GET("/guarded", who, echoauth.RequireAuth())
		e.GET("/fresh", func(c echo.Context) error {
			c.SetRequest(httptest.NewRequest("GET", "/other", nil))
			return who(c)
		}, echoauth.RequireAuth())
		e.GET("/values", func(c echo.Context) error {
			c.SetRequest(c.Request().WithContext(context.WithValue(c.Request().Context(), ownKey{}, "kept")))
			c.Set("key", "value")
			if c.Request().Context().Value(ownKey{}) != "kept" || c.Get("key") != "value" || c.Get("none") != nil {
				return c.NoContent(http.StatusTeapot)
			}
			return who(c)
		}, echoauth.RequireAuth())
		e.GET("/overwritten", func(c echo.Context) error {
			c.SetRequest(c.Request().WithContext(authn.WithPrincipal(c.Request().Context(), authn.Principal{})))
			return who(c)
		}, echoauth.RequireAuth())
		e.GET("/std", echo.WrapHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte(authn.PrincipalFrom(r.Context()).Subject.ID))
		})), echo.WrapMiddleware(func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), ownKey{}, "x")))
			})
		}))
		e.GET("/wrapped", whoOwn, wrapContext)
		e.GET("/wrapped-guarded", whoOwn, wrapContext, echoauth.RequireAuth())
		e.GET("/guarded-wrapped", whoOwn, echoauth.RequireAuth(), wrapContext)
		e.GET("/a", who).Name = "named"
	}
	app := start(t, routes(through), routes(func(e *echo.Echo) {
		e.Pre(func(next echo.HandlerFunc) echo.HandlerFunc {
			return func(c echo.Context) error {
				if c.Request().URL.Path == "/rewritten" {
					c.Request().URL.Path = "/guarded"
				}
				return next(c)
			}
		})
	}))
	p := app.Principal()
	token := app.Token(p)
	for _, path := range []string{
		"/plain", "/guarded", "/fresh", "/values", "/overwritten", "/std", "/wrapped", "/wrapped-guarded", "/guarded-wrapped", "/rewritten", "/a",
	} {
		for _, headers := range [][]string{bearer(token), sent(app.Cookie(p))} {
			w := app.Do(request("GET", path, "", headers...))
			assert.Equal(t, http.StatusOK, w.Code, path+" "+w.Body.String())
			assert.Equal(t, p.Subject.ID, w.Body.String(), path)
		}
	}
}

// A context of a foreign type is kept as it is, and carries the principal all the same.
func TestForeignContextBeforeMount(t *testing.T) {
	t.Parallel()
	app := startConfigured(t, func(*authmodule.Config) {}, routes(func(e *echo.Echo) {
		e.Use(wrapContext)
		e.GET("/plain", whoOwn)
		e.GET("/guarded", whoOwn, echoauth.RequireAuth())
		e.GET("/role", whoOwn, echoauth.RequireRoles("editor"))
	}), mounted())
	p := app.Principal("editor")
	for _, path := range []string{"/plain", "/guarded", "/role"} {
		w := app.Do(request("GET", path, "", bearer(app.Token(p))...))
		assert.Equal(t, p.Subject.ID, w.Body.String(), path)
	}
	assert.Equal(t, http.StatusUnauthorized, app.Do(request("GET", "/guarded", "")).Code)
	assert.Equal(t, http.StatusOK, app.Do(request("GET", "/auth/me", "", bearer(app.Token(p))...)).Code)
}

// A form that was read before or after is read once, through whichever request.
func TestFormsAreReadThroughTheSameRequest(t *testing.T) {
	t.Parallel()
	app := start(t, routes(func(e *echo.Echo) {
		e.POST("/form", func(c echo.Context) error {
			if err := c.Request().ParseForm(); err != nil {
				return err
			}
			return c.String(http.StatusOK, c.FormValue("a")+c.Request().PostForm.Get("a"))
		})
	}))
	r := httptest.NewRequest("POST", "/form", strings.NewReader("a=b"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	assert.Equal(t, "bb", app.Do(r).Body.String())
}

// Echo reuses its contexts. Whoever keeps one finds the caller of its own request, and no request finds another's.
func TestNoPrincipalLeaks(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	kept := map[string]echo.Context{}
	app := start(t, routes(func(e *echo.Echo) {
		e.GET("/keep", func(c echo.Context) error {
			mu.Lock()
			kept[c.QueryParam("as")] = c
			mu.Unlock()
			return who(c)
		}, echoauth.OptionalAuth())
	}))
	const users, requests = 20, 200
	ids, headers := make([]string, users), make([][]string, users)
	for i := range users {
		p := app.Principal()
		ids[i] = p.Subject.ID
		headers[i] = [][]string{bearer(app.Token(p)), sent(app.Cookie(p))}[i%2]
	}
	ids[0], headers[0] = "", nil
	var all sync.WaitGroup
	for n := range requests {
		all.Go(func() {
			i := n % users
			w := app.Do(request("GET", "/keep?as="+ids[i], "", headers[i]...))
			assert.Equal(t, http.StatusOK, w.Code, w.Body.String())
			assert.Equal(t, ids[i], w.Body.String())
		})
	}
	all.Wait()
	require.Len(t, kept, users)
	for id, c := range kept {
		assert.Equal(t, id, echoauth.Principal(c).Subject.ID)
	}
}

// An error handler that is set after Mount has the right status and headers, and ErrorHandler gives it the body too.
func TestErrorHandlerSetLater(t *testing.T) {
	t.Parallel()
	own := func(err error, c echo.Context) {
		var failure *echo.HTTPError
		if errors.As(err, &failure) {
			_ = c.String(failure.Code, "own")
			return
		}
		_ = c.String(http.StatusInternalServerError, "other")
	}
	testCases := []struct {
		name, body, contentType string
		handler                 echo.HTTPErrorHandler
	}{
		{"own", "own", "text/plain; charset=UTF-8", own},
		{"wrapped", "", "application/problem+json", echoauth.ErrorHandler(own)},
	}
	for _, tc := range testCases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			app := startConfigured(t, func(*authmodule.Config) {}, mounted(), routes(guardedRoutes), routes(func(e *echo.Echo) { e.HTTPErrorHandler = tc.handler }))
			for _, path := range []string{"/in", "/auth/me"} {
				w := app.Do(request("GET", path, ""))
				assert.Equal(t, http.StatusUnauthorized, w.Code)
				assert.Equal(t, `Bearer realm="authmodule"`, w.Header().Get("WWW-Authenticate"))
				assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
				assert.Equal(t, tc.contentType, w.Header().Get("Content-Type"))
				if tc.body != "" {
					assert.Equal(t, tc.body, w.Body.String())
				}
			}
			assert.Equal(t, "own", app.Do(request("GET", "/nothing", "")).Body.String())
		})
	}
}

// Errors of the application's own stay its own.
func TestOtherErrorsAreNotOurs(t *testing.T) {
	t.Parallel()
	app := start(t, routes(func(e *echo.Echo) {
		e.GET("/teapot", func(echo.Context) error { return echo.NewHTTPError(http.StatusTeapot, "short") }, echoauth.OptionalAuth())
		e.GET("/plain", func(echo.Context) error { return errors.New("secret-canary") })
		e.GET("/late", func(c echo.Context) error {
			_ = c.String(http.StatusOK, "sent")
			return errors.New("too late")
		})
	}))
	w := app.Do(request("GET", "/teapot", ""))
	assert.Equal(t, http.StatusTeapot, w.Code)
	assert.JSONEq(t, `{"message":"short"}`, w.Body.String())
	w = app.Do(request("GET", "/plain", ""))
	assert.Equal(t, http.StatusInternalServerError, w.Code)
	assert.NotContains(t, w.Body.String(), "canary")
	assert.Equal(t, "sent", app.Do(request("GET", "/late", "")).Body.String())
}

func TestHeadHasNoBody(t *testing.T) {
	t.Parallel()
	app := start(t, routes(func(e *echo.Echo) {
		e.HEAD("/in", who, echoauth.RequireAuth())
		e.HEAD("/read", who, echoauth.RequirePermissions("articles.read"))
	}))
	token := app.Token(app.Principal())
	w := app.Do(request("HEAD", "/in", ""))
	assert.Equal(t, http.StatusUnauthorized, w.Code)
	assert.NotEmpty(t, w.Header().Get("WWW-Authenticate"))
	assert.Empty(t, w.Body.String())
	w = app.Do(request("HEAD", "/read", "", bearer(token)...))
	assert.Equal(t, http.StatusForbidden, w.Code)
	assert.Empty(t, w.Body.String())
}

func TestMountNeedsBoth(t *testing.T) {
	t.Parallel()
	assert.Error(t, echoauth.Mount(nil, nil))
	assert.Error(t, echoauth.Mount(echo.New(), nil))
	_, err := echoauth.New(nil)
	assert.Error(t, err)
}

func TestMountTwiceAndPrefix(t *testing.T) {
	t.Parallel()
	app := startConfigured(t, func(c *authmodule.Config) { c.HTTP.Prefix = "/api/account" }, mounted(), mounted(), routes(guardedRoutes))
	p := app.Principal()
	assert.Equal(t, p.Subject.ID, app.Do(request("GET", "/in", "", bearer(app.Token(p))...)).Body.String())
	assert.Equal(t, http.StatusOK, app.Do(request("GET", "/api/account/me", "", bearer(app.Token(p))...)).Code)
	assert.Equal(t, http.StatusOK, app.Do(request("GET", "/.well-known/jwks.json", "")).Code)
	assert.Equal(t, http.StatusNotFound, app.Do(request("GET", "/auth/me", "", bearer(app.Token(p))...)).Code)
}

// A handler may ask for its request from several goroutines, as with Echo's own context.
func TestRequestMayBeAskedForConcurrently(t *testing.T) {
	t.Parallel()
	app := fxtest.New(t, fx.Provide(echo.New), fx.Invoke(echoauth.Mount, func(e *echo.Echo) {
		e.GET("/public", func(c echo.Context) error {
			var asking sync.WaitGroup
			for range 8 {
				asking.Go(func() { _ = authn.PrincipalFrom(c.Request().Context()) })
			}
			asking.Wait()
			return c.NoContent(http.StatusNoContent)
		})
	}))
	assert.Equal(t, http.StatusNoContent, app.Do(httptest.NewRequest(http.MethodGet, "/public", nil)).Code)
}
