package echoauth_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/echoauth"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/store/memstore"
	"github.com/authmodule/authmodule/transport"
)

const (
	defineRole = ": correct the name, or define it in auth.rbac.roles or by authmodule.AddRoles"
	giveToRole = ": correct the name, or give it to a role in auth.rbac.roles or by authmodule.AddRoles"
	oneName    = ": name one permission, such as articles.read"
)

// V8.2.1: a guard that nobody can pass is found, whatever it names.
func TestGuardsThatNobodyPasses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		guard    echo.MiddlewareFunc
		expected []string
	}{
		"known role":            {echoauth.RequireRoles("editor"), nil},
		"default role":          {echoauth.RequireRoles("viewer"), nil},
		"permission":            {echoauth.RequirePermissions("articles.read"), nil},
		"by a pattern":          {echoauth.RequirePermissions("orders.pay"), nil},
		"scope nobody holds":    {echoauth.RequireScopes("invoices.pay"), nil},
		"unknown role":          {echoauth.RequireRoles("auditor"), []string{`wants the role "auditor", which is not defined` + defineRole}},
		"one of two unknown":    {echoauth.RequireRoles("editor", "auditor"), []string{`wants the role "auditor", which is not defined` + defineRole}},
		"role in capitals":      {echoauth.RequireRoles("Editor"), []string{`wants the role "Editor", which is not defined` + defineRole}},
		"no role":               {echoauth.RequireRoles(), []string{"has a guard that names no role, so that nobody passes: name one"}},
		"no permission":         {echoauth.RequirePermissions(), []string{"has a guard that names no permission, so that nobody passes: name one"}},
		"permission not held":   {echoauth.RequirePermissions("invoices.pay"), []string{`wants the permission "invoices.pay", which no role holds and no policy permits` + giveToRole}},
		"superuser's alone":     {echoauth.RequirePermissions("system.halt"), []string{`wants the permission "system.halt", which no role holds and no policy permits` + giveToRole}},
		"two, both not held":    {echoauth.RequirePermissions("a.b", "c.d"), []string{`wants the permission "a.b", which no role holds and no policy permits` + giveToRole, `wants the permission "c.d", which no role holds and no policy permits` + giveToRole}},
		"any, one not held":     {echoauth.RequireAnyPermission("articles.read", "articles.raed"), []string{`wants the permission "articles.raed", which no role holds and no policy permits` + giveToRole}},
		"pattern":               {echoauth.RequirePermissions("articles.*"), []string{`wants "articles.*", which is no permission, so that nobody passes` + oneName}},
		"scope pattern":         {echoauth.RequireScopes("articles.*"), []string{`wants "articles.*", which is no permission, so that nobody passes` + oneName}},
		"no resource function":  {echoauth.RequirePolicy("articles.read", nil), []string{"has a guard without what it asks for, so that nobody passes: give RequirePolicy its resource function, and RequireOwner its owner function"}},
		"no owner function":     {echoauth.RequireOwner(nil, "articles.read"), []string{"has a guard without what it asks for, so that nobody passes: give RequirePolicy its resource function, and RequireOwner its owner function"}},
		"permission of a store": {echoauth.RequirePermissions("stored.read"), nil},
		"role of a store":       {echoauth.RequireRoles("stored"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			handler, _ := untouched(t)
			var a tabled
			a.app = startConfigured(t, func(c *authmodule.Config) { c.RBAC.SuperuserRole = "root" }, fx.Populate(&a.auth), mounted(),
				authmodule.AddRoles(authz.Role{Name: "clerk", Permissions: []string{"orders.*"}}),
				routes(func(e *echo.Echo) { e.GET("/x", handler, tc.guard) }))
			require.NoError(t, a.AuthorizationService.DefineRole(t.Context(), authn.Principal{}, "", authz.Role{Name: "stored", Permissions: []string{"stored.read"}}))
			// What another tenant stores does not count.
			require.NoError(t, a.AuthorizationService.DefineRole(t.Context(), authn.Principal{}, "acme", authz.Role{Name: "auditor", Permissions: []string{"invoices.pay"}}))
			require.NoError(t, a.AuthorizationService.DefineRole(t.Context(), authn.Principal{}, "", authz.Role{Name: "admin"}), "it held everything")
			var expected []string
			for _, text := range tc.expected {
				expected = append(expected, "routes: GET /x "+text)
			}
			assert.Equal(t, expected, a.faults(t))
		})
	}
}

// While roles are switched off guards want authentication alone, and names of roles do not matter.
func TestNamesWithoutRoles(t *testing.T) {
	t.Parallel()
	handler, _ := untouched(t)
	var a tabled
	a.app = startConfigured(t, func(c *authmodule.Config) { c.RBAC.Enabled = setting.Off }, fx.Populate(&a.auth), mounted(), routes(func(e *echo.Echo) {
		e.GET("/x", handler, echoauth.RequireRoles("nobody"), echoauth.RequirePermissions("nothing.here"))
	}))
	assert.Empty(t, a.faults(t))
}

// Item 23: a guard before which nothing authenticates is found, wherever Authenticate is missing or late.
func TestGuardsWithoutAuthenticate(t *testing.T) {
	t.Parallel()
	handler, layer := untouched(t)
	const late = " has a guard before which nothing authenticates, so that it answers 500: call echoauth.Mount first, and Use after it"
	const nothing = "routes: nothing authenticates on an *echo.Echo: call echoauth.Mount on it, in an fx.Invoke"
	add := routes(func(e *echo.Echo) {
		e.GET("/x", handler, layer, echoauth.RequireAuth())
		e.GET("/public", handler, echoauth.Public())
	})
	app := startTabled(t, fx.Invoke(func(*echoauth.Auth) {}), add)
	assert.Equal(t, []string{nothing, "routes: GET /x" + late}, app.faults(t))

	app = startTabled(t, routes(func(e *echo.Echo) { e.Use(echoauth.RequireAuth()) }), mounted(), add)
	faults := app.faults(t)
	assert.Contains(t, faults, "routes: GET /x"+late)
	assert.Contains(t, faults, "routes: DELETE, GET /auth/me"+late)

	by := func(use func(e *echo.Echo, a *echoauth.Auth)) tabled { return startTabled(t, fx.Invoke(use), add) }
	assert.Empty(t, by(func(e *echo.Echo, a *echoauth.Auth) { e.Use(a.Authenticate) }).faults(t))
	assert.Empty(t, by(func(e *echo.Echo, a *echoauth.Auth) { e.Pre(a.Authenticate) }).faults(t))
	assert.Equal(t, []string{"routes: GET /x" + late}, by(func(e *echo.Echo, a *echoauth.Auth) {
		e.GET("/good", handler, a.Authenticate, echoauth.RequireAuth())
	}).faults(t))
	assert.Equal(t, []string{"routes: GET /late" + late, "routes: GET /x" + late}, by(func(e *echo.Echo, a *echoauth.Auth) {
		e.GET("/late", handler, echoauth.RequireAuth(), a.Authenticate)
	}).faults(t))
}

// brokenRoles cannot be read.
type brokenRoles struct{ *memstore.Store }

var errRoles = errors.New("no roles today")

func (brokenRoles) Rules(context.Context, authn.Tenant) (authz.Rules, error) {
	return authz.Rules{}, errRoles
}

// What the configuration says is done at start: nothing, one warning, or no start.
func TestCheckAtStart(t *testing.T) {
	t.Parallel()
	open := func(e *echo.Echo) {
		e.GET("/open", who)
		e.GET("/other", who)
	}
	guarded := func(e *echo.Echo) { e.GET("/x", who, echoauth.RequireRoles("nobody")) }
	start := func(t *testing.T, mode transport.RouteCheck, options ...fx.Option) (string, error) {
		t.Helper()
		l := &logs{}
		app := fx.New(authmodule.Stub(func(c *authmodule.Config) { c.HTTP.CheckRoutes = mode }), fx.Provide(echo.New, func() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }), fx.NopLogger, fx.Options(options...))
		require.NoError(t, app.Err())
		err := app.Start(t.Context())
		if err == nil {
			require.NoError(t, app.Stop(t.Context()))
		}
		return l.String(), err
	}
	unreadable := authmodule.UseRuleStore(func() authz.RuleStore { return brokenRoles{memstore.New()} })
	listening := func(reached *bool) fx.Option {
		return fx.Invoke(func(lc fx.Lifecycle) { lc.Append(fx.StartHook(func() { *reached = true })) })
	}
	t.Run("off", func(t *testing.T) {
		t.Parallel()
		text, err := start(t, transport.RouteCheckOff, mounted(), routes(open))
		require.NoError(t, err)
		assert.NotContains(t, text, "/open")
	})
	t.Run("warn", func(t *testing.T) {
		t.Parallel()
		text, err := start(t, "", mounted(), routes(open))
		require.NoError(t, err)
		assert.Regexp(t, `level=WARN msg="routes are not in order" component=authmodule error="routes: GET /open has no guard.*\\nroutes: GET /other has no guard[^\n]*\n`, text)
	})
	t.Run("strict", func(t *testing.T) {
		t.Parallel()
		var reached bool
		_, err := start(t, transport.RouteCheckStrict, listening(&reached), mounted(), routes(open), routes(guarded))
		require.ErrorContains(t, err, "routes: GET /open has no guard")
		require.ErrorContains(t, err, `routes: GET /x wants the role "nobody"`)
		assert.False(t, reached, "the listener comes after the check")
	})
	t.Run("strict, and all is well", func(t *testing.T) {
		t.Parallel()
		var reached bool
		text, err := start(t, transport.RouteCheckStrict, listening(&reached), mounted(), routes(func(e *echo.Echo) { e.GET("/x", who, echoauth.RequireAuth()) }))
		require.NoError(t, err)
		assert.True(t, reached)
		assert.NotContains(t, text, "WARN")
	})
	t.Run("strict, before a listener of the router's constructor", func(t *testing.T) {
		t.Parallel()
		var reached bool
		app := fx.New(authmodule.Stub(func(c *authmodule.Config) { c.HTTP.CheckRoutes = transport.RouteCheckStrict }), fx.NopLogger, mounted(), routes(open),
			fx.Provide(func(lc fx.Lifecycle) *echo.Echo {
				lc.Append(fx.StartHook(func() { reached = true }))
				return echo.New()
			}))
		require.Error(t, app.Start(t.Context()))
		assert.False(t, reached)
	})
	t.Run("strict, without Mount", func(t *testing.T) {
		t.Parallel()
		_, err := start(t, transport.RouteCheckStrict)
		require.ErrorContains(t, err, "call echoauth.Mount")
	})
	t.Run("strict, without a router", func(t *testing.T) {
		t.Parallel()
		app := fx.New(authmodule.Stub(func(c *authmodule.Config) { c.HTTP.CheckRoutes = transport.RouteCheckStrict }), fx.NopLogger)
		require.NoError(t, app.Start(t.Context()))
		require.NoError(t, app.Stop(t.Context()))
	})
	t.Run("strict, and roles cannot be read", func(t *testing.T) {
		t.Parallel()
		text, err := start(t, transport.RouteCheckStrict, unreadable, mounted(), routes(guarded))
		require.NoError(t, err, "a store that does not answer is no fault of a route")
		assert.Contains(t, text, "which roles there are cannot be read")
		_, err = start(t, transport.RouteCheckStrict, unreadable, mounted(), routes(open))
		require.ErrorContains(t, err, "/open", "whether a route has a guard takes no store")
	})
}

// In development a fault is a warning; elsewhere there is no start.
func TestCheckByProfile(t *testing.T) {
	t.Parallel()
	for profile, expected := range map[authmodule.Profile]transport.RouteCheck{
		authmodule.ProfileDevelopment: transport.RouteCheckWarn, authmodule.ProfileStaging: transport.RouteCheckStrict, authmodule.ProfileProduction: transport.RouteCheckStrict,
	} {
		assert.Equal(t, expected, authmodule.Config{Profile: profile}.WithDefaults().HTTP.CheckRoutes, profile)
		set := authmodule.Config{Profile: profile, HTTP: transport.Config{CheckRoutes: transport.RouteCheckOff}}
		assert.Equal(t, transport.RouteCheckOff, set.WithDefaults().HTTP.CheckRoutes, profile)
	}
	assert.ErrorContains(t, authmodule.Config{HTTP: transport.Config{CheckRoutes: "on"}}.Validate(), "auth.http.check_routes is none of off, warn and strict")
}
