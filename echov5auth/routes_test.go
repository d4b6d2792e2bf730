package echov5auth_test

import (
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/labstack/echo/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/echov5auth"
	"github.com/authmodule/authmodule/fxtest"
	"github.com/authmodule/authmodule/internal/webtest"
	"github.com/authmodule/authmodule/transport"
)

// tabled is an application with its table of routes.
type tabled struct{ auth *echov5auth.Auth }

func uncheckedStub() fx.Option {
	return authmodule.Stub(func(c *authmodule.Config) { c.HTTP.CheckRoutes = transport.RouteCheckOff })
}

func someRoles() fx.Option {
	return authmodule.AddRoles(authz.Role{Name: "viewer"}, authz.Role{Name: "editor", Permissions: []string{"articles.*"}}, authz.Role{Name: "admin"})
}

func startTabled(t testing.TB, options ...fx.Option) tabled {
	t.Helper()
	var a tabled
	app := fx.New(uncheckedStub(), someRoles(), echov5auth.Module(), fx.Provide(newEcho), fx.Options(options...), fx.Populate(&a.auth), fx.NopLogger)
	require.NoError(t, app.Err())
	return a
}

func mounted() fx.Option { return fx.Invoke(echov5auth.Mount) }

func routes(add func(*echo.Echo)) fx.Option { return fx.Invoke(add) }

// rows are the requirements of the application's own routes by method and path, of each time it was added.
func (a tabled) rows() map[string][]string {
	rows := map[string][]string{}
	for _, r := range a.auth.Routes().Routes {
		if r.Own {
			continue
		}
		texts := make([]string, len(r.Requires))
		for i, want := range r.Requires {
			texts[i] = want.String()
		}
		text := strings.Join(texts, "; ")
		if r.Unseen != "" {
			text = "UNSEEN"
		}
		rows[r.Method+" "+r.Path] = append(rows[r.Method+" "+r.Path], text)
	}
	return rows
}

func (a tabled) faults(t testing.TB) []string {
	t.Helper()
	err := a.auth.CheckRoutes(t.Context())
	if err == nil {
		return nil
	}
	var wrong *transport.RouteError
	require.ErrorAs(t, err, &wrong)
	return strings.Split(err.Error(), "\n")
}

// untouched is a handler, and a layer, that must never run while a table is made. Echo calls layers when a route is added.
func untouched(t testing.TB) (echo.HandlerFunc, echo.MiddlewareFunc) {
	t.Helper()
	handler := func(*echo.Context) error {
		t.Error("a handler was run")
		return nil
	}
	return handler, func(next echo.HandlerFunc) echo.HandlerFunc {
		if next == nil {
			t.Error("a middleware of others was asked")
		}
		return next
	}
}

const unguarded = " has no guard: add echov5auth.RequireAuth() or another guard, or echov5auth.Public(), to the route or its group"

// Item 6: the table has every guard of a route, in order, wherever it stands.
func TestRoutesHaveAllGuardsInOrder(t *testing.T) {
	t.Parallel()
	handler, layer := untouched(t)
	resource := func(*echo.Context) (authz.Resource, error) { return authz.Resource{}, errors.New("not asked") }
	owner := func(*echo.Context) (authn.Subject, error) { return authn.Subject{}, errors.New("not asked") }
	app := startTabled(t, mounted(), routes(func(e *echo.Echo) {
		e.GET("/auth-only", handler, echov5auth.RequireAuth())
		e.GET("/optional", handler, echov5auth.OptionalAuth())
		e.GET("/public", handler, layer, echov5auth.Public(), layer)
		e.GET("/open", handler)
		e.GET("/layers", handler, layer, layer)
		e.GET("/any", handler, echov5auth.RequireAnyPermission("articles.read", "articles.write"))
		e.GET("/policy/:id", handler, echov5auth.RequirePolicy("articles.read", resource))
		e.PUT("/owner/:id", handler, echov5auth.RequireOwner(owner, "articles.write"))
		e.GET("/two", handler, echov5auth.RequireRoles("editor"), layer, echov5auth.RequirePermissions("articles.read", "articles.write"))
		group := e.Group("/g", layer, echov5auth.RequireAuth())
		group.POST("", handler)
		group.Use(echov5auth.RequireRoles("editor"))
		group.PUT("/x/:id", handler, echov5auth.RequireScopes("articles.write"))
		group.Group("/nested", echov5auth.RequireRoles("admin")).DELETE("/*", handler)
		e.StaticFS("/static", fs.FS(fstest.MapFS{}))
		e.RouteNotFound("/spa/*", handler)
		e.GET("/nil", handler, nil...)
	}))
	assert.Equal(t, map[string][]string{
		"GET /auth-only": {"auth"}, "GET /optional": {"optional"}, "GET /public": {"public"}, "GET /open": {""}, "GET /layers": {""},
		"GET /any": {"any_permission articles.read, articles.write"}, "GET /policy/:id": {"policy articles.read"}, "PUT /owner/:id": {"owner articles.write"},
		"GET /two": {"roles editor; permissions articles.read, articles.write"}, "POST /g": {"auth"}, "PUT /g/x/:id": {"auth; roles editor; scopes articles.write"},
		"DELETE /g/nested/*": {"auth; roles editor; roles admin"}, "GET /static*": {""}, echo.RouteNotFound + " /spa/*": {""}, "GET /nil": {""},
	}, app.rows())
	assert.Equal(t, []string{
		"routes: GET /layers" + unguarded + "; it has 2 middlewares of others, and a guard that one of them wraps is not recognised",
		"routes: GET /nil" + unguarded, "routes: GET /open" + unguarded, "routes: echo_route_not_found /spa/*" + unguarded, "routes: GET /static*" + unguarded,
	}, app.faults(t))
}

// A guard of Use or Pre counts for every route; the module's own are declared by their need.
func TestGlobalGuardsAndOwnRoutes(t *testing.T) {
	t.Parallel()
	handler, layer := untouched(t)
	app := startTabled(t, mounted(), routes(func(e *echo.Echo) {
		e.Use(layer, echov5auth.RequireRoles("editor"))
		e.GET("/x", handler)
	}))
	assert.Equal(t, map[string][]string{"GET /x": {"roles editor"}}, app.rows())
	assert.Empty(t, app.faults(t))
	own := map[string]string{}
	for _, r := range startTabled(t, mounted()).auth.Routes().Routes {
		require.True(t, r.Own)
		require.Len(t, r.Requires, 1)
		own[r.Method+" "+r.Path] = r.Requires[0].String()
	}
	assert.GreaterOrEqual(t, len(own), 15)
	assert.Equal(t, []string{"public", "auth", "login"}, []string{own["POST /auth/login"], own["GET /auth/me"], own["DELETE /auth/sessions/:id"]})
}

// A router takes a route that there is in place of the old one, or refuses it, after Echo's hook saw it: each time counts.
func TestRoutesAddedTwice(t *testing.T) {
	t.Parallel()
	handler, _ := untouched(t)
	for name, tc := range map[string]struct {
		router func() *echo.Echo
		taken  bool
	}{
		"takes":   {newEcho, true},
		"refuses": {func() *echo.Echo { return echo.NewWithConfig(echo.Config{Router: echo.NewRouter(echo.RouterConfig{})}) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			add := func(e *echo.Echo) {
				e.GET("/x", handler)
				_, err := e.AddRoute(echo.Route{Method: "GET", Path: "/x", Handler: handler, Middlewares: []echo.MiddlewareFunc{echov5auth.RequireAuth()}})
				assert.Equal(t, tc.taken, err == nil, err)
				_, err = e.AddRoute(echo.Route{Method: "GET", Path: "/y", Middlewares: []echo.MiddlewareFunc{echov5auth.RequireAuth()}})
				assert.Error(t, err, "it has no handler")
				e.GET("/y", handler)
			}
			var a tabled
			app := fx.New(uncheckedStub(), echov5auth.Module(), fx.Provide(tc.router), mounted(), fx.Invoke(add), fx.Populate(&a.auth), fx.NopLogger)
			require.NoError(t, app.Err())
			assert.Equal(t, map[string][]string{"GET /x": {"", "auth"}, "GET /y": {""}}, a.rows())
			assert.Equal(t, []string{"routes: GET /x" + unguarded, "routes: GET /y" + unguarded}, a.faults(t))
		})
	}
}

// Wherever in the graph a route is added, its guards are seen, or it is called undeclared.
func TestRoutesOfEveryOrder(t *testing.T) {
	t.Parallel()
	handler, _ := untouched(t)
	add := func(e *echo.Echo) {
		e.GET("/x", handler, echov5auth.RequireAuth())
		e.Group("/g", echov5auth.RequireRoles("editor")).GET("/x", handler)
	}
	invoke, module, provide, mount := fx.Invoke(add), echov5auth.Module(), fx.Provide(newEcho), mounted()
	for name, tc := range map[string]struct {
		options []fx.Option
		unseen  bool
	}{
		"after Mount":            {[]fx.Option{uncheckedStub(), module, provide, mount, invoke}, false},
		"before Mount":           {[]fx.Option{uncheckedStub(), module, provide, invoke, mount}, false},
		"in a module":            {[]fx.Option{uncheckedStub(), module, provide, mount, fx.Module("articles", invoke)}, false},
		"Module at the end":      {[]fx.Option{provide, mount, invoke, uncheckedStub(), module}, false},
		"Module first":           {[]fx.Option{module, provide, mount, invoke, uncheckedStub()}, false},
		"a module before Module": {[]fx.Option{provide, fx.Module("articles", invoke), uncheckedStub(), module, mount}, true},
		"in the router's constructor": {[]fx.Option{uncheckedStub(), module, mount, fx.Provide(func() *echo.Echo {
			e := newEcho()
			add(e)
			return e
		})}, true},
		"by the router itself": {[]fx.Option{uncheckedStub(), module, provide, mount, fx.Invoke(func(e *echo.Echo) error {
			_, err := e.Router().Add(echo.Route{Method: "GET", Path: "/x", Handler: handler})
			_, other := e.Router().Add(echo.Route{Method: "GET", Path: "/g/x", Handler: handler})
			return errors.Join(err, other)
		})}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var a tabled
			require.NoError(t, fx.New(someRoles(), fx.Options(tc.options...), fx.Populate(&a.auth), fx.NopLogger).Err())
			expected := map[string][]string{"GET /x": {"auth"}, "GET /g/x": {"roles editor"}}
			if tc.unseen {
				expected = map[string][]string{"GET /x": {"UNSEEN"}, "GET /g/x": {"UNSEEN"}}
			}
			rows := a.rows()
			delete(rows, echo.RouteNotFound+" /g")
			delete(rows, echo.RouteNotFound+" /g/*")
			assert.Equal(t, expected, rows)
			if faults := a.faults(t); tc.unseen {
				assert.Contains(t, faults, "routes: GET /x was added before its guards could be seen: add it in an fx.Invoke that comes after echov5auth.Module, or after echov5auth.Mount")
			} else {
				assert.Empty(t, faults)
			}
		})
	}
}

// An application's own hook is asked all the same, and may refuse. One that takes the place of the recorder's is found out.
func TestOtherHooks(t *testing.T) {
	t.Parallel()
	handler, _ := untouched(t)
	const lost = "routes: another hook took the place of the one that sees routes being added, so that some may be missed: " +
		"set OnAddRoute where the *echo.Echo is made, or before echov5auth.Mount; it is called all the same"
	seen := map[string]int{}
	hook := func(r echo.Route) error {
		if seen[r.Path]++; r.Path == "/refused" {
			return errors.New("not here")
		}
		return nil
	}
	add := func(e *echo.Echo, path string) {
		_, _ = e.AddRoute(echo.Route{Method: "GET", Path: path, Handler: handler, Middlewares: []echo.MiddlewareFunc{echov5auth.RequireAuth()}})
	}
	start := func(provide any, options ...fx.Option) tabled {
		var a tabled
		require.NoError(t, fx.New(uncheckedStub(), echov5auth.Module(), fx.Provide(provide), fx.Options(options...), fx.Populate(&a.auth), fx.NopLogger).Err())
		return a
	}
	a := start(func() *echo.Echo { return echo.NewWithConfig(echo.Config{OnAddRoute: hook}) }, mounted(), routes(func(e *echo.Echo) {
		add(e, "/first")
		add(e, "/refused")
	}))
	assert.Equal(t, []int{1, 1}, []int{seen["/first"], seen["/refused"]})
	assert.Equal(t, map[string][]string{"GET /first": {"auth"}}, a.rows())
	assert.Empty(t, a.faults(t))

	a = start(newEcho, routes(func(e *echo.Echo) { e.OnAddRoute = hook; add(e, "/missed") }), mounted(), routes(func(e *echo.Echo) { add(e, "/second") }))
	assert.Equal(t, 1, seen["/second"])
	assert.Equal(t, map[string][]string{"GET /missed": {"UNSEEN"}, "GET /second": {"auth"}}, a.rows())
	assert.Contains(t, a.faults(t), lost)

	a = start(newEcho, mounted(), routes(func(e *echo.Echo) { e.OnAddRoute = nil; add(e, "/third") }))
	assert.Equal(t, map[string][]string{"GET /third": {"UNSEEN"}}, a.rows())
	assert.Contains(t, a.faults(t), lost)
}

// Item 23: a guard before which nothing authenticates is found.
func TestGuardsWithoutAuthenticate(t *testing.T) {
	t.Parallel()
	handler, layer := untouched(t)
	const late = " has a guard before which nothing authenticates, so that it answers 500: call echov5auth.Mount first, and Use after it"
	add := routes(func(e *echo.Echo) {
		e.GET("/x", handler, layer, echov5auth.RequireAuth())
		e.GET("/public", handler, echov5auth.Public())
	})
	none := startTabled(t, fx.Invoke(func(*echov5auth.Auth) {}), add)
	assert.Equal(t, []string{"routes: nothing authenticates on an *echo.Echo: call echov5auth.Mount on it, in an fx.Invoke", "routes: GET /x" + late}, none.faults(t))
	by := func(use func(e *echo.Echo, a *echov5auth.Auth)) tabled { return startTabled(t, fx.Invoke(use), add) }
	assert.Empty(t, by(func(e *echo.Echo, a *echov5auth.Auth) { e.Use(a.Authenticate) }).faults(t))
	assert.Empty(t, by(func(e *echo.Echo, a *echov5auth.Auth) { e.Pre(a.Authenticate) }).faults(t))
	assert.Equal(t, []string{"routes: GET /late" + late, "routes: GET /x" + late}, by(func(e *echo.Echo, a *echov5auth.Auth) {
		e.GET("/good", handler, a.Authenticate, echov5auth.RequireAuth())
		e.GET("/late", handler, echov5auth.RequireAuth(), a.Authenticate)
	}).faults(t))
}

// What the configuration says is done at start, before a listener starts, also one of the router's constructor.
func TestCheckAtStart(t *testing.T) {
	t.Parallel()
	for mode, expected := range map[transport.RouteCheck]struct{ fails, warns bool }{
		transport.RouteCheckStrict: {true, false}, transport.RouteCheckWarn: {false, true}, transport.RouteCheckOff: {false, false},
	} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			logs, reached := &webtest.Logs{}, false
			app := fx.New(authmodule.Stub(func(c *authmodule.Config) { c.HTTP.CheckRoutes = mode }), echov5auth.Module(), mounted(), fx.NopLogger,
				fx.Provide(func() *slog.Logger { return slog.New(slog.NewTextHandler(logs, nil)) }, func(lc fx.Lifecycle) *echo.Echo {
					lc.Append(fx.StartHook(func() { reached = true }))
					return newEcho()
				}), routes(func(e *echo.Echo) { e.GET("/open", func(*echo.Context) error { return nil }) }))
			require.NoError(t, app.Err())
			err := app.Start(t.Context())
			if expected.fails {
				require.ErrorContains(t, err, "routes: GET /open has no guard")
			} else {
				require.NoError(t, err)
				require.NoError(t, app.Stop(t.Context()))
			}
			assert.Equal(t, !expected.fails, reached, "the listener comes after the check")
			assert.Equal(t, expected.warns, strings.Contains(logs.String(), `level=WARN msg="routes are not in order"`))
		})
	}
	none := fx.New(authmodule.Stub(func(c *authmodule.Config) { c.HTTP.CheckRoutes = transport.RouteCheckStrict }), echov5auth.Module(), fx.NopLogger)
	require.NoError(t, none.Start(t.Context()), "where there is no router there is nothing to check")
	require.NoError(t, none.Stop(t.Context()))
	bare := fx.New(authmodule.Stub(func(c *authmodule.Config) { c.HTTP.CheckRoutes = transport.RouteCheckStrict }), echov5auth.Module(), fx.Provide(newEcho), fx.NopLogger)
	require.ErrorContains(t, bare.Start(t.Context()), "call echov5auth.Mount")
}

// Where Authenticate stands before the router, guards see the route all the same.
func TestRouteBehindPre(t *testing.T) {
	t.Parallel()
	var auth *echov5auth.Auth
	e := newEcho()
	started := fxtest.NewConfigured(t, func(c *authmodule.Config) {
		c.RBAC.Policies = authz.PolicyConfig{
			Inline:    `@id("p") permit (principal, action == Action::"articles.print", resource) when { context.route == "/print/:id" };`,
			Resources: map[string]authz.ResourceConfig{"Article": {Actions: []string{"articles.print"}}},
		}
	}, echov5auth.Module(), fx.Populate(&auth))
	e.Pre(auth.Authenticate)
	e.HTTPErrorHandler = echov5auth.ErrorHandler(e.HTTPErrorHandler)
	guard := echov5auth.RequirePolicy("articles.print", func(c *echo.Context) (authz.Resource, error) {
		return authz.Resource{Type: "Article", ID: c.Param("id")}, nil
	})
	in := func(c *echo.Context) error { return c.NoContent(http.StatusNoContent) }
	e.GET("/print/:id", in, guard)
	e.GET("/copy/:id", in, guard)
	token := webtest.Bearer(started.Token(started.Principal()))
	for path, expected := range map[string]int{"/print/7": http.StatusNoContent, "/copy/7": http.StatusForbidden} {
		assert.Equal(t, expected, (app{echo: e}).do(request("GET", path, "", token...)).Code, path)
	}
}
