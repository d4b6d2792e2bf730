package echoauth_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/echoauth"
	"github.com/authmodule/authmodule/setting"
)

// Item 15: who has exactly a.b passes a guard for a.b.
func TestGuards(t *testing.T) {
	t.Parallel()
	app := start(t, routes(func(e *echo.Echo) {
		e.GET("/auth-only", who, echoauth.RequireAuth())
		e.GET("/optional", who, echoauth.OptionalAuth())
		e.GET("/role", who, echoauth.RequireRoles("reader"))
		e.GET("/any-role", who, echoauth.RequireRoles("nobody", "editor"))
		e.GET("/unknown-role", who, echoauth.RequireRoles("nobody"))
		e.GET("/read", who, echoauth.RequirePermissions("articles.read"))
		e.GET("/all", who, echoauth.RequirePermissions("articles.read", "articles.write"))
		e.GET("/any", who, echoauth.RequireAnyPermission("articles.delete", "articles.write"))
		e.GET("/public", who, echoauth.Public())
		e.GET("/other", who, echoauth.RequirePermissions("articles.delete"))
		e.GET("/two-guards", who, echoauth.RequireRoles("reader"), echoauth.RequirePermissions("articles.write"))
		group := e.Group("/group", echoauth.RequireRoles("editor"))
		group.GET("", who)
		group.GET("/delete", who, echoauth.RequirePermissions("articles.delete"))
		nested := group.Group("/nested", echoauth.RequirePermissions("articles.write"))
		nested.GET("/x", who)
		nested.Group("/deeper", echoauth.RequireRoles("admin")).GET("/x", who)
	}))
	tokens := map[string]string{}
	for _, role := range []string{"viewer", "reader", "editor", "admin"} {
		tokens[role] = app.Token(app.Principal(role))
	}
	testCases := []struct {
		path string
		// expected are the statuses for anonymous, viewer, reader, editor and admin.
		expected [5]int
	}{
		{"/auth-only", [5]int{401, 200, 200, 200, 200}},
		{"/optional", [5]int{200, 200, 200, 200, 200}},
		{"/role", [5]int{401, 403, 200, 200, 200}},
		{"/any-role", [5]int{401, 403, 403, 200, 200}},
		{"/unknown-role", [5]int{401, 403, 403, 403, 403}},
		{"/read", [5]int{401, 403, 200, 200, 200}},
		{"/all", [5]int{401, 403, 403, 200, 200}},
		{"/any", [5]int{401, 403, 403, 200, 200}},
		{"/public", [5]int{200, 200, 200, 200, 200}},
		{"/other", [5]int{401, 403, 403, 403, 200}},
		{"/two-guards", [5]int{401, 403, 403, 200, 200}},
		{"/group", [5]int{401, 403, 403, 200, 200}},
		{"/group/delete", [5]int{401, 403, 403, 403, 200}},
		{"/group/nested/x", [5]int{401, 403, 403, 200, 200}},
		{"/group/nested/deeper/x", [5]int{401, 403, 403, 403, 200}},
	}
	codes := map[int]string{200: "", 401: "unauthenticated", 403: "permission_denied"}
	for _, tc := range testCases {
		t.Run(tc.path, func(t *testing.T) {
			for i, role := range []string{"", "viewer", "reader", "editor", "admin"} {
				var headers []string
				if role != "" {
					headers = bearer(tokens[role])
				}
				w := app.Do(request("GET", tc.path, "", headers...))
				assert.Equal(t, tc.expected[i], w.Code, role)
				assert.Equal(t, codes[tc.expected[i]], codeOf(t, w), role)
			}
		})
	}
}

// Guards answer in the order they stand in: the group's before the route's.
func TestGuardsApplyInOrder(t *testing.T) {
	t.Parallel()
	app := start(t, routes(func(e *echo.Echo) {
		group := e.Group("/g", echoauth.RequirePermissions("a.first"))
		group.GET("/x", who, echoauth.RequirePermissions("a.second"), echoauth.RequirePermissions("a.third"))
		e.GET("/y", who, echoauth.RequirePermissions("a.second"), echoauth.RequirePermissions("a.third"))
	}))
	token := app.Token(app.Principal())
	assert.Equal(t, "a.first", problem(t, app.Do(request("GET", "/g/x", "", bearer(token)...))).Required)
	assert.Equal(t, "a.second", problem(t, app.Do(request("GET", "/y", "", bearer(token)...))).Required)
}

// A public route takes no notice of what was presented, and no guard beside it is opened by it.
func TestPublic(t *testing.T) {
	t.Parallel()
	app := start(t, routes(func(e *echo.Echo) {
		e.GET("/public", who, echoauth.Public())
		e.GET("/both", who, echoauth.Public(), echoauth.RequireAuth())
		e.Group("/in", echoauth.RequireAuth()).GET("/public", who, echoauth.Public())
	}))
	p := app.Principal()
	assert.Equal(t, p.Subject.ID, app.Do(request("GET", "/public", "", bearer(app.Token(p))...)).Body.String())
	assert.Equal(t, http.StatusOK, app.Do(request("GET", "/public", "", bearer("bad")...)).Code)
	for _, path := range []string{"/both", "/in/public"} {
		assert.Equal(t, http.StatusUnauthorized, app.Do(request("GET", path, "")).Code, path)
	}
	e := echo.New()
	e.GET("/public", who, echoauth.Public())
	w := httptest.NewRecorder()
	e.ServeHTTP(w, request("GET", "/public", ""))
	assert.Equal(t, http.StatusOK, w.Code, "where nothing is mounted")
}

// A denial of several permissions, of which one would do, is one event that names them all.
func TestAnyPermissionIsOneDenial(t *testing.T) {
	t.Parallel()
	app := start(t, routes(func(e *echo.Echo) {
		e.GET("/x", who, echoauth.RequireAnyPermission("articles.read", "articles.write"))
	}))
	w := app.Do(request("GET", "/x", "", bearer(app.Token(app.Principal()))...))
	assert.Equal(t, "articles.read or articles.write", problem(t, w).Required)
	denials := app.Events(audit.AccessDenied)
	require.Len(t, denials, 1)
	assert.Equal(t, "articles.read or articles.write", denials[0].Detail["required"])
}

// What a guard was given cannot be changed afterwards.
func TestGuardKeepsItsNames(t *testing.T) {
	t.Parallel()
	names := []string{"articles.delete"}
	app := start(t, routes(func(e *echo.Echo) { e.GET("/x", who, echoauth.RequirePermissions(names...)) }))
	names[0] = "articles.read"
	assert.Equal(t, http.StatusForbidden, app.Do(request("GET", "/x", "", bearer(app.Token(app.Principal("reader")))...)).Code)
}

// A guard that is written wrongly never opens, not even for an administrator.
func TestMiswrittenGuards(t *testing.T) {
	t.Parallel()
	guards := map[string]echo.MiddlewareFunc{
		"no role":             echoauth.RequireRoles(),
		"empty role":          echoauth.RequireRoles(""),
		"role pattern":        echoauth.RequireRoles("*"),
		"good and bad role":   echoauth.RequireRoles("admin", "Admin!"),
		"no permission":       echoauth.RequirePermissions(),
		"empty permission":    echoauth.RequirePermissions(""),
		"pattern":             echoauth.RequirePermissions("articles.*"),
		"everything":          echoauth.RequirePermissions("*.*"),
		"star":                echoauth.RequirePermissions("*"),
		"no dot":              echoauth.RequirePermissions("articles"),
		"good and pattern":    echoauth.RequirePermissions("articles.read", "articles.*"),
		"permission as words": echoauth.RequirePermissions("articles", "read"),
		"none of any":         echoauth.RequireAnyPermission(),
		"any and pattern":     echoauth.RequireAnyPermission("articles.read", "articles.*"),
		"any and empty":       echoauth.RequireAnyPermission("articles.read", ""),
		"no scope":            echoauth.RequireScopes(),
	}
	for name, guard := range guards {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := start(t, routes(func(e *echo.Echo) { e.GET("/x", who, guard) }))
			w := app.Do(request("GET", "/x", "", bearer(app.Token(app.Principal("admin")))...))
			assert.Equal(t, http.StatusInternalServerError, w.Code)
			assert.Equal(t, "internal_error", problem(t, w).Code)
			assert.Equal(t, http.StatusUnauthorized, app.Do(request("GET", "/x", "")).Code)
		})
	}
}

// Item 23: without Mount every guard answers 500, whatever the method.
func TestGuardsWithoutMount(t *testing.T) {
	t.Parallel()
	guards := map[string]echo.MiddlewareFunc{
		"RequireAuth": echoauth.RequireAuth(), "OptionalAuth": echoauth.OptionalAuth(),
		"RequireRoles": echoauth.RequireRoles("admin"), "RequirePermissions": echoauth.RequirePermissions("a.b"),
		"RequireAnyPermission": echoauth.RequireAnyPermission("a.b"), "RequireScopes": echoauth.RequireScopes("a.b"),
	}
	for name, guard := range guards {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := echo.New()
			reached := false
			e.Any("/x", func(c echo.Context) error {
				reached = true
				return c.NoContent(http.StatusOK)
			}, guard)
			for _, method := range []string{"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "PROPFIND"} {
				w := httptest.NewRecorder()
				e.ServeHTTP(w, request(method, "/x", "", bearer("x")...))
				assert.Equal(t, http.StatusInternalServerError, w.Code, method)
			}
			assert.False(t, reached)
			assert.Equal(t, authn.Principal{}, echoauth.Principal(e.NewContext(request("GET", "/", ""), httptest.NewRecorder())))
		})
	}
}

// Items 23 and 44: no method, no path and no protocol is left out.
func TestEveryRequestIsGuarded(t *testing.T) {
	t.Parallel()
	app := start(t, routes(func(e *echo.Echo) {
		e.Any("/x", who, echoauth.RequireAuth())
		e.Any("/public-admin/delete", who, echoauth.RequireAuth())
		e.Any("/public", who)
		e.Any("/files/*", who, echoauth.RequireAuth())
		e.Any("/auth/mine", who, echoauth.RequireAuth())
		e.Any("/.well-known/mine", who, echoauth.RequireAuth())
	}))
	upgrade := []string{"Connection", "Upgrade", "Upgrade", "websocket", "Sec-Websocket-Version", "13", "Sec-Websocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}
	for _, path := range []string{"/x", "/public-admin/delete", "/files/a/b", "/files/", "/auth/mine", "/.well-known/mine", "/files/../x", "/files/%2e%2e/public"} {
		for _, method := range []string{"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "PROPFIND"} {
			assert.Equal(t, http.StatusUnauthorized, app.Do(request(method, path, "")).Code, method+" "+path)
		}
		assert.Equal(t, http.StatusUnauthorized, app.Do(request("GET", path, "", upgrade...)).Code, path)
	}
	token := app.Token(app.Principal())
	assert.Equal(t, http.StatusOK, app.Do(request("GET", "/x", "", append(upgrade, bearer(token)...)...)).Code)
}

func TestDisabledAccountsAreRefused(t *testing.T) {
	t.Parallel()
	app := start(t, routes(guardedRoutes))
	p, _ := app.Principal("admin"), app.Principal("admin") // the last administrator is not disabled
	token, cookie := app.Token(p), app.Cookie(p)
	require.NoError(t, app.Users.Disable(background(), p, p.Subject))
	for _, path := range []string{"/in", "/read", "/editors"} {
		assert.Equal(t, "session_ended", problem(t, app.Do(request("GET", path, "", bearer(token)...))).Code)
		assert.Equal(t, "unauthenticated", problem(t, app.Do(request("GET", path, "", sent(cookie)...))).Code)
	}
}

func TestDenialsInDevelopmentNameWhatIsMissing(t *testing.T) {
	t.Parallel()
	app := start(t, routes(guardedRoutes))
	token := app.Token(app.Principal())
	p := problem(t, app.Do(request("GET", "/read", "", bearer(token)...)))
	assert.Equal(t, "articles.read", p.Required)
	assert.Equal(t, "this needs articles.read", p.Detail)
	assert.Empty(t, p.Decision)
	assert.Equal(t, "role editor", problem(t, app.Do(request("GET", "/editors", "", bearer(token)...))).Required)
}

func TestDenialsElsewhereNameADecision(t *testing.T) {
	t.Parallel()
	app := startConfigured(t, func(c *authmodule.Config) {
		c.Profile = authmodule.ProfileStaging
		c.JWT.SecretKey = setting.Secret("Kq7mXv2RtY9uWc4ZbNfHs6LgJd3PaEoT0iUx1SyVzQ8=")
		c.HTTP.PublicURL = "https://app.example.com"
		c.Password = authn.PasswordConfig{MemoryKiB: authn.DefaultMemoryKiB, Iterations: 2}
	}, routes(guardedRoutes), mounted())
	token := app.Token(app.Principal())
	for path, name := range map[string]string{"/read": "articles", "/editors": "editor"} {
		w := app.Do(request("GET", path, "", bearer(token)...))
		assert.Equal(t, http.StatusForbidden, w.Code)
		p := problem(t, w)
		assert.Equal(t, "permission_denied", p.Code)
		assert.Empty(t, p.Required)
		require.NotEmpty(t, p.Decision)
		assert.NotContains(t, w.Body.String(), name)
		var found []audit.Event
		for _, event := range app.Events(audit.AccessDenied) {
			if event.Detail["decision"] == p.Decision {
				found = append(found, event)
			}
		}
		require.Len(t, found, 1)
		assert.Contains(t, found[0].Detail["required"], name)
		assert.Contains(t, app.log.String(), p.Decision)
	}
}
