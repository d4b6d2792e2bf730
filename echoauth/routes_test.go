package echoauth_test

import (
	"io/fs"
	"net/http"
	"testing"
	"testing/fstest"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule/echoauth"
	"github.com/authmodule/authmodule/transport"
)

// Item 6: the table has every guard of a route, in order, wherever it stands, and nothing of others is run for it.
func TestRoutesHaveAllGuardsInOrder(t *testing.T) {
	t.Parallel()
	handler, layer := untouched(t)
	app := startTabled(t, mounted(), routes(func(e *echo.Echo) {
		e.GET("/auth-only", handler, echoauth.RequireAuth())
		e.GET("/optional", handler, echoauth.OptionalAuth())
		e.GET("/public", handler, layer, echoauth.Public(), layer)
		e.GET("/open", handler)
		e.GET("/layers", handler, layer, layer)
		e.GET("/roles", handler, echoauth.RequireRoles("editor", "admin"))
		e.GET("/any", handler, echoauth.RequireAnyPermission("articles.read", "articles.write"))
		e.GET("/scopes", handler, echoauth.RequireScopes("articles.read"))
		e.GET("/two", handler, echoauth.RequireRoles("editor"), layer, echoauth.RequirePermissions("articles.read", "articles.write"))
		group := e.Group("/g", layer, echoauth.RequireAuth())
		group.POST("", handler)
		group.Use(echoauth.RequireRoles("editor"))
		group.PUT("/x/:id", handler, echoauth.RequirePermissions("articles.write"))
		group.Group("/nested", echoauth.RequireRoles("admin")).DELETE("/*", handler, echoauth.Public())
		e.Match([]string{"GET", "PURGE"}, "/match", handler, echoauth.RequireAuth())
		e.File("/file", "x.txt", echoauth.Public())
		e.Static("/static", ".")
		e.Group("/assets", echoauth.Public()).StaticFS("/", fs.FS(fstest.MapFS{}))
		e.Add("PROPFIND", "/dav", handler, echoauth.RequireAuth())
		host := e.Host("admin.example.com", echoauth.RequireRoles("admin"))
		host.GET("/x", handler)
		e.RouteNotFound("/app/*", handler, echoauth.Public())
		e.RouteNotFound("/spa/*", handler)
		e.GET("/again", handler)
		e.GET("/again", handler, echoauth.RequireAuth())
		e.GET("/twice", handler, echoauth.RequireAuth())
		e.GET("/twice", handler).Name = "named"
	}))
	assert.Equal(t, map[string]string{
		"GET /auth-only": "auth", "GET /optional": "optional", "GET /public": "public", "GET /open": "", "GET /layers": "",
		"GET /roles": "roles editor, admin", "GET /any": "any_permission articles.read, articles.write", "GET /scopes": "scopes articles.read",
		"GET /two": "roles editor; permissions articles.read, articles.write",
		"POST /g":  "auth", "PUT /g/x/:id": "auth; roles editor; permissions articles.write", "DELETE /g/nested/*": "auth; roles editor; roles admin; public",
		"GET /match": "auth", "PURGE /match": "auth", "GET /file": "public", "GET /static*": "", "GET /assets/*": "public", "PROPFIND /dav": "auth",
		"GET admin.example.com/x": "roles admin", "echo_route_not_found /app/*": "public", "echo_route_not_found /spa/*": "",
		"GET /again": "auth", "GET /twice": "",
	}, app.rows())
	assert.Equal(t, []string{
		"routes: GET /layers" + unguarded + "; it has 2 middlewares of others, and a guard that one of them wraps is not recognised",
		"routes: GET /open" + unguarded, "routes: echo_route_not_found /spa/*" + unguarded, "routes: GET /static*" + unguarded, "routes: GET /twice" + unguarded,
	}, app.faults(t))
}

// All methods of one path are one fault.
func TestAnyIsOneFault(t *testing.T) {
	t.Parallel()
	handler, _ := untouched(t)
	app := startTabled(t, mounted(), routes(func(e *echo.Echo) { e.Any("/x", handler) }))
	assert.Equal(t, []string{"routes: CONNECT, DELETE, GET, HEAD, OPTIONS, PATCH, POST, PROPFIND, PUT, REPORT, TRACE /x" + unguarded}, app.faults(t))
}

// A guard that another function calls is not recognised: that function may do what it likes.
func TestWrappedGuardsDoNotCount(t *testing.T) {
	t.Parallel()
	handler, _ := untouched(t)
	guard := echoauth.RequireAuth()
	wraps := func(next echo.HandlerFunc) echo.HandlerFunc {
		t.Error("a wrapped guard was run")
		return guard(next)
	}
	app := startTabled(t, mounted(), routes(func(e *echo.Echo) {
		e.GET("/x", handler, wraps)
		e.GET("/nil", handler, nil)
	}))
	assert.Equal(t, map[string]string{"GET /x": "", "GET /nil": ""}, app.rows())
	assert.Contains(t, app.faults(t), "routes: GET /x"+unguarded+"; it has 1 middlewares of others, and a guard that one of them wraps is not recognised")
}

// A guard of Use counts for every route, the module's as well.
func TestGlobalGuards(t *testing.T) {
	t.Parallel()
	handler, layer := untouched(t)
	app := startTabled(t, mounted(), routes(func(e *echo.Echo) {
		e.Pre(layer)
		e.Use(layer, echoauth.RequireRoles("editor"))
		e.GET("/x", handler)
		e.GET("/y", handler, echoauth.RequireRoles("admin"))
	}))
	assert.Equal(t, map[string]string{"GET /x": "roles editor", "GET /y": "roles editor; roles admin"}, app.rows())
	assert.Empty(t, app.faults(t))
	for _, r := range app.auth.Routes().Routes {
		assert.Equal(t, "roles editor", r.Requires[0].String(), r.Path)
	}
}

// Public in Use would declare whatever is added later, so it declares nothing.
func TestGlobalPublicDeclaresNothing(t *testing.T) {
	t.Parallel()
	handler, _ := untouched(t)
	app := startTabled(t, mounted(), routes(func(e *echo.Echo) {
		e.Use(echoauth.Public())
		e.GET("/x", handler)
	}))
	assert.Equal(t, []string{"routes: GET /x" + unguarded}, app.faults(t))
}

// The module's own routes are declared by their need, and one that the application puts in their place by its guards.
func TestOwnRoutes(t *testing.T) {
	t.Parallel()
	handler, _ := untouched(t)
	app := startTabled(t, mounted(), routes(func(e *echo.Echo) { e.POST("/auth/refresh", handler) }))
	own := map[string]transport.GuardKind{}
	for _, r := range app.auth.Routes().Routes {
		if r.Own {
			require.Len(t, r.Requires, 1, r.Path)
			own[r.Method+" "+r.Path] = r.Requires[0].Kind
		}
	}
	assert.GreaterOrEqual(t, len(own), 15)
	assert.Equal(t, transport.KindPublic, own["POST /auth/login"])
	assert.Equal(t, transport.KindAuth, own["GET /auth/me"])
	assert.Equal(t, transport.KindLogin, own["DELETE /auth/sessions/:id"])
	assert.NotContains(t, own, "POST /auth/refresh")
	assert.Equal(t, []string{"routes: POST /auth/refresh" + unguarded}, app.faults(t))
}

// Echo's own answer to what is nowhere needs no guard, in no group; the application's does, also when it takes the place of Echo's.
func TestNotFoundHandlers(t *testing.T) { //nolint:paralleltest // it changes what all of Echo answers with
	handler, layer := untouched(t)
	app := startTabled(t, mounted(), routes(func(e *echo.Echo) { e.Group("/g", layer) }))
	assert.Empty(t, app.rows())
	assert.Empty(t, app.faults(t))

	echos := echo.NotFoundHandler
	defer func() { echo.NotFoundHandler = echos }()
	echo.NotFoundHandler = handler
	app = startTabled(t, mounted(), routes(func(e *echo.Echo) { e.Group("/g", layer) }))
	assert.Len(t, app.rows(), 2)
	assert.Len(t, app.faults(t), 2)
}

// A route without a handler, which Echo lets pass, is refused and not a guard's to describe.
func TestRouteWithoutHandler(t *testing.T) {
	t.Parallel()
	app := startTabled(t, mounted(), routes(func(e *echo.Echo) {
		e.Add(http.MethodGet, "/x", who, echoauth.RequireAuth())
		e.Router().Add(http.MethodGet, "/x", echoauth.RequireAuth()(nil))
	}))
	assert.Equal(t, http.StatusInternalServerError, app.Do(request("GET", "/x", "")).Code)
}

// Two routers are in one table.
func TestSeveralRouters(t *testing.T) {
	t.Parallel()
	handler, _ := untouched(t)
	other := echo.New()
	app := startTabled(t, mounted(), routes(func(e *echo.Echo) { e.GET("/x", handler, echoauth.RequireAuth()) }), fx.Invoke(func(a *echoauth.Auth) error {
		other.GET("/before", handler, echoauth.RequireAuth())
		err := echoauth.Mount(other, a)
		other.GET("/y", handler)
		return err
	}))
	assert.Equal(t, map[string]string{"GET /x": "auth", "GET /y": "", "GET /before": "UNSEEN "}, app.rows())
	assert.Len(t, app.faults(t), 2)
}
