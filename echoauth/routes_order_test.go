package echoauth_test

import (
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/echoauth"
	"github.com/authmodule/authmodule/transport"
)

// Wherever in the graph a route is added, its guards are seen, or the route is called undeclared.
func TestRoutesOfEveryOrder(t *testing.T) {
	t.Parallel()
	handler, _ := untouched(t)
	add := fx.Invoke(func(e *echo.Echo) {
		e.GET("/x", handler, echoauth.RequireAuth())
		e.Group("/g", echoauth.RequireRoles("editor")).GET("/x", handler)
		e.GET("/open", handler)
	})
	configure := authmodule.Stub(func(c *authmodule.Config) { c.HTTP.CheckRoutes = transport.RouteCheckOff })
	provide, mount := fx.Provide(echo.New), mounted()
	unseen := "UNSEEN "
	for name, tc := range map[string]struct {
		options []fx.Option
		// before is what stands before a route's requirement.
		before string
	}{
		"after Mount":                     {[]fx.Option{configure, provide, mount, add}, ""},
		"before Mount":                    {[]fx.Option{configure, provide, add, mount}, ""},
		"in a module":                     {[]fx.Option{configure, provide, mount, fx.Module("articles", add)}, ""},
		"in a module in a module":         {[]fx.Option{configure, provide, mount, fx.Module("a", fx.Module("b", add))}, ""},
		"Mount in a module":               {[]fx.Option{configure, provide, add, fx.Module("web", mount)}, ""},
		"all in one module":               {[]fx.Option{configure, fx.Module("web", provide, add, mount)}, ""},
		"Configure after root Invokes":    {[]fx.Option{provide, mount, add, configure}, ""},
		"Configure in a module":           {[]fx.Option{provide, add, mount, fx.Module("auth", configure)}, ""},
		"Configure in a module in one":    {[]fx.Option{fx.Module("a", fx.Module("b", configure)), provide, fx.Module("c", add), mount}, ""},
		"a module before Configure":       {[]fx.Option{provide, mount, fx.Module("articles", add), configure}, unseen},
		"a module before Configure's own": {[]fx.Option{provide, mount, fx.Module("articles", add), fx.Module("auth", configure)}, unseen},
		"in the router's constructor": {[]fx.Option{configure, mount, fx.Provide(func() *echo.Echo {
			e := echo.New()
			e.GET("/x", handler, echoauth.RequireAuth())
			e.Group("/g", echoauth.RequireRoles("editor")).GET("/x", handler)
			e.GET("/open", handler)
			return e
		})}, unseen},
		"in another constructor": {[]fx.Option{configure, provide, mount, fx.Invoke(func(string) {}), fx.Provide(func(e *echo.Echo) string {
			e.GET("/x", handler, echoauth.RequireAuth())
			e.Group("/g", echoauth.RequireRoles("editor")).GET("/x", handler)
			e.GET("/open", handler)
			return ""
		})}, ""},
		"the application decorates the router": {[]fx.Option{configure, provide, mount, add, fx.Decorate(func(e *echo.Echo) *echo.Echo { return e })}, ""},
		"in a decorator":                       {[]fx.Option{configure, provide, mount, fx.Invoke(func(*echo.Echo) {}), fx.Decorate(decorated(handler))}, unseen},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var a tabled
			app := fx.New(roles(), fx.Options(tc.options...), fx.Populate(&a.auth), fx.NopLogger)
			require.NoError(t, app.Err())
			guarded := map[string]string{"GET /x": "auth", "GET /g/x": "roles editor", "GET /open": ""}
			if tc.before != "" {
				guarded = map[string]string{"GET /x": tc.before, "GET /g/x": tc.before, "GET /open": tc.before}
			}
			assert.Equal(t, guarded, a.rows())
			if faults := a.faults(t); tc.before == "" {
				assert.Equal(t, []string{"routes: GET /open" + unguarded}, faults)
			} else {
				assert.Contains(t, faults, "routes: GET /open was added before its guards could be seen: add it in an fx.Invoke that comes after authmodule.Configure, or after echoauth.Mount")
				assert.Len(t, faults, 3)
			}
		})
	}
}

func decorated(handler echo.HandlerFunc) func(e *echo.Echo) *echo.Echo {
	return func(e *echo.Echo) *echo.Echo {
		e.GET("/x", handler, echoauth.RequireAuth())
		e.Group("/g", echoauth.RequireRoles("editor")).GET("/x", handler)
		e.GET("/open", handler)
		return e
	}
}

// An application's own hook is called all the same. One that takes the place of the recorder's is found out.
func TestOtherHooks(t *testing.T) {
	t.Parallel()
	handler, _ := untouched(t)
	seen := map[string]int{}
	hook := func(next func(string, echo.Route, echo.HandlerFunc, []echo.MiddlewareFunc)) func(string, echo.Route, echo.HandlerFunc, []echo.MiddlewareFunc) {
		return func(host string, r echo.Route, h echo.HandlerFunc, m []echo.MiddlewareFunc) {
			seen[r.Path]++
			if next != nil {
				next(host, r, h, m)
			}
		}
	}
	const lost = "routes: another hook took the place of the one that sees routes being added, so that some may be missed: " +
		"set OnAddRouteHandler where the *echo.Echo is made, or before echoauth.Mount; it is called all the same"
	add := func(path string) func(*echo.Echo) {
		return func(e *echo.Echo) { e.GET(path, handler, echoauth.RequireAuth()) }
	}
	start := func(options ...fx.Option) tabled {
		var a tabled
		require.NoError(t, fx.New(authmodule.Stub(), fx.Options(options...), fx.Populate(&a.auth), fx.NopLogger).Err())
		return a
	}
	a := start(fx.Provide(func() *echo.Echo {
		e := echo.New()
		e.OnAddRouteHandler = hook(nil)
		return e
	}), mounted(), routes(add("/first")))
	assert.Equal(t, 1, seen["/first"])
	assert.Empty(t, a.faults(t))

	a = start(fx.Provide(echo.New), routes(func(e *echo.Echo) { e.OnAddRouteHandler = hook(nil) }), routes(add("/missed")), mounted(), routes(add("/second")))
	assert.Equal(t, 1, seen["/second"])
	assert.Equal(t, map[string]string{"GET /missed": "UNSEEN ", "GET /second": "auth"}, a.rows())
	assert.Contains(t, a.faults(t), lost)

	a = start(fx.Provide(echo.New), mounted(), routes(func(e *echo.Echo) { e.OnAddRouteHandler = hook(e.OnAddRouteHandler) }), routes(add("/third")))
	assert.Equal(t, map[string]string{"GET /third": "auth"}, a.rows())
	assert.Equal(t, []string{lost}, a.faults(t))
}
