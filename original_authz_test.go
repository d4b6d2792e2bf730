package authmodule_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/authz/policy"
	"github.com/authmodule/authmodule/echoauth"
	"github.com/authmodule/authmodule/fxtest"
)

// guarded boots an application whose routes each have one guard.
func guarded(t *testing.T, change func(*authmodule.Config), guards map[string]echo.MiddlewareFunc) *fxtest.App {
	t.Helper()
	return fxtest.NewConfigured(t, change, fx.Provide(echo.New), fx.Invoke(echoauth.Mount), fx.Invoke(func(e *echo.Echo) {
		for path, guard := range guards {
			e.Any(path, func(c echo.Context) error { return c.NoContent(http.StatusOK) }, guard)
		}
	}))
}

func withRoles(roles map[string][]string) func(*authmodule.Config) {
	return func(c *authmodule.Config) {
		c.RBAC.Roles = map[string]authz.RoleConfig{}
		for name, permissions := range roles {
			c.RBAC.Roles[name] = authz.RoleConfig{Permissions: permissions}
		}
	}
}

// withPolicies declares articles with an owner and a title.
func withPolicies(text string, permissions ...string) func(*authmodule.Config) {
	return func(c *authmodule.Config) {
		withRoles(map[string][]string{"editor": permissions})(c)
		c.RBAC.Policies.Inline = text
		c.RBAC.Policies.Resources = map[string]authz.ResourceConfig{"Article": {
			Attributes: map[string]string{"owner": "User", "title": "String"}, Actions: []string{"articles.edit"},
		}}
	}
}

// Item 15: a guard for a.b asked for a.b.a.b, so that who had exactly a.b was refused.
func TestItem15ExactPermissionPassesItsGuard(t *testing.T) {
	t.Parallel()
	app := guarded(t, withRoles(map[string][]string{"exact": {"a.b"}, "twice": {"a.b.a.b"}}), map[string]echo.MiddlewareFunc{"/x": echoauth.RequirePermissions("a.b")})
	assert.Equal(t, http.StatusOK, do(app, http.MethodGet, "/x", "", app.Token(app.Principal("exact"))).Code)
	assert.Equal(t, http.StatusForbidden, do(app, http.MethodGet, "/x", "", app.Token(app.Principal("twice"))).Code)
}

// Item 16: attributes that were missing on both sides counted as equal, and let a stranger in.
func TestItem16MissingAttributesGrantNothing(t *testing.T) {
	t.Parallel()
	app := fxtest.NewConfigured(t, withPolicies(`permit (principal, action == Action::"articles.edit", resource is Article) when { resource.owner == principal };`))
	ada, stranger := app.Principal(), app.Principal()
	may := func(p authn.Principal, attributes authz.Attributes) bool {
		return app.AuthorizationService.Can(t.Context(), p, "articles.edit", authz.Resource{Type: "Article", ID: "1", Attributes: attributes})
	}
	owned := authz.Attributes{"owner": ada.Subject.ID, "title": "x"}
	assert.True(t, may(ada, owned))
	assert.False(t, may(stranger, owned))
	for _, attributes := range []authz.Attributes{nil, {}, {"title": "x"}, {"owner": nil, "title": "x"}, {"owner": "", "title": "x"}, {"owner": 7, "title": "x"}} {
		assert.False(t, may(ada, attributes), "%v", attributes)
		assert.False(t, may(stranger, attributes), "%v", attributes)
	}
}

// Item 17: a misspelt condition switched a denial off, a second one of the same name was dropped, and superusers passed both.
func TestItem17DenialsFailClosed(t *testing.T) {
	t.Parallel()
	for _, misspelt := range []string{
		`forbid (principal, action == Action::"articles.edit", resource) when { resource.titel == "x" };`,
		`forbid (principal, action == Action::"articles.edti", resource);`,
		`forbid (principal, action == Action::"articles.edit", resource) when { resource.title equels "x" };`,
		`@id("one") forbid (principal, action == Action::"articles.edit", resource);
		 @id("one") forbid (principal, action == Action::"articles.edit", resource) when { resource has title };`,
	} {
		require.Error(t, build(authmodule.Stub(withPolicies(misspelt, "articles.edit"))), "%s", misspelt)
	}
	app := fxtest.NewConfigured(t, func(c *authmodule.Config) {
		withPolicies(`forbid (principal, action == Action::"articles.edit", resource is Article) when { resource.title == "x" };`, "articles.edit")(c)
		c.RBAC.SuperuserRole = "root"
	})
	for _, p := range []authn.Principal{app.Principal("editor"), app.Principal("root"), app.Principal("root", "editor")} {
		decide := func(attributes authz.Attributes) string {
			d, _ := app.AuthorizationService.Authorize(t.Context(), p, "articles.edit", authz.Resource{Type: "Article", ID: "1", Attributes: attributes})
			require.Equal(t, d.Reason == authz.ReasonGranted || d.Reason == authz.ReasonSuperuser, d.Allowed)
			return d.Reason
		}
		assert.Contains(t, []string{authz.ReasonGranted, authz.ReasonSuperuser}, decide(authz.Attributes{"owner": "o", "title": "y"}))
		assert.Equal(t, authz.ReasonForbidden, decide(authz.Attributes{"owner": "o", "title": "x"}))
		assert.Equal(t, authz.ReasonPolicyError, decide(nil), "what a denial looks at is missing")
	}
}

// Item 18: permissions were remembered by the user's ID alone: for 300 seconds after a role was taken, and for
// everybody of that ID, in another tenant or with a narrower API key.
func TestItem18NothingIsRememberedForSomebodyElse(t *testing.T) {
	t.Parallel()
	place := sharedPlace{options: fx.Options()}
	app := place.boot(t)
	g, twin := newGuest(t, app, "acme", "guest@example.com"), newGuest(t, app, "globex", "guest@example.com")
	settle(app)
	for range 3 {
		g.requireAnswers(t, app, http.StatusOK, nil, "before")
	}
	service := app.AuthorizationService
	p := authn.Principal{Kind: authn.KindUser, Subject: g.Subject, Roles: []string{"writer"}}
	require.True(t, service.Can(t.Context(), p, writing, authz.Resource{}))
	narrower, elsewhere := p, p
	narrower.Scopes = []string{"articles.read"}
	elsewhere.Subject.Tenant, elsewhere.Roles = "globex", nil
	assert.False(t, service.Can(t.Context(), narrower, writing, authz.Resource{}))
	assert.False(t, service.Can(t.Context(), elsewhere, writing, authz.Resource{}))

	require.NoError(t, takes("writer")(t.Context(), app, g.Subject))
	g.requireAnswers(t, app, http.StatusForbidden, nil, "at once")
	twin.requireAnswers(t, app, http.StatusOK, nil, "the other tenant's")
	require.NoError(t, gives("writer")(t.Context(), app, g.Subject))
	g.requireAnswers(t, app, http.StatusOK, nil, "at once")
}

// Item 19: a pattern that was required was satisfied by any one match, and patterns matched in the middle of words.
func TestItem19PatternsMatchWholeSegments(t *testing.T) {
	t.Parallel()
	app := fxtest.NewConfigured(t, withRoles(map[string][]string{"one": {"users.read"}, "all": {"users.*"}, "two": {"a.*.c.*"}}))
	one, every, two := app.Principal("one"), app.Principal("all"), app.Principal("two")
	can := func(p authn.Principal, permission string) bool {
		return app.AuthorizationService.Can(t.Context(), p, permission, authz.Resource{})
	}
	for _, required := range []string{"*", "users.*", "**", "users.**", "*.read"} {
		assert.False(t, can(one, required) || can(every, required), required)
		_, err := app.AuthorizationService.Authorize(t.Context(), every, required, authz.Resource{})
		assert.ErrorIs(t, err, authz.ErrPermissionSyntax, required)
	}
	assert.True(t, can(every, "users.delete"))
	assert.False(t, can(every, "users_admin.delete"))
	assert.True(t, can(two, "a.x.c.y"))
	assert.False(t, can(two, "a.x.d.y") || can(two, "a.c.y") || can(two, "a.x.c.y.z"))
	for _, pattern := range []string{"ab*bc.x", "user*", "user*.delete", "a.b*"} {
		assert.Error(t, build(authmodule.Stub(withRoles(map[string][]string{"bad": {pattern}}))), pattern)
	}
}

// Item 20: patterns were regular expressions, unescaped: a dot matched anything, a( was a 500, and some never ended.
func TestItem20PatternsAreNoRegularExpressions(t *testing.T) {
	t.Parallel()
	app := fxtest.NewConfigured(t, withPolicies(`permit (principal, action == Action::"articles.edit", resource is Article) when { resource.title like "a.c(*" };`))
	p := app.Principal()
	may := func(title string) bool {
		return app.AuthorizationService.Can(t.Context(), p, "articles.edit", authz.Resource{Type: "Article", ID: "1", Attributes: authz.Attributes{"title": title, "owner": "o"}})
	}
	assert.True(t, may("a.c(") && may("a.c(d"))
	assert.False(t, may("abc(") || may("xa.c(") || may("a.c"))

	bomb := `permit (principal, action == Action::"articles.edit", resource is Article) when { resource.title like "` + strings.Repeat("*a", 40) + `*b" };`
	err := build(authmodule.Stub(withPolicies(bomb)))
	if err == nil { // it may be loaded where it costs no time
		app := fxtest.NewConfigured(t, withPolicies(bomb))
		began := time.Now()
		app.AuthorizationService.Can(t.Context(), app.Principal(), "articles.edit", authz.Resource{Type: "Article", ID: "1", Attributes: authz.Attributes{
			"title": strings.Repeat("a", 4000), "owner": "o",
		}})
		assert.Less(t, time.Since(began), time.Second)
	}
}

// Item 21: there was a priority that changed nothing. Here there is none, and the order of policies says nothing.
func TestItem21OrderSaysNothing(t *testing.T) {
	t.Parallel()
	const permit, forbid = `permit (principal, action == Action::"articles.edit", resource);`, `forbid (principal, action == Action::"articles.edit", resource);`
	for _, text := range []string{permit + forbid, forbid + permit} {
		app := fxtest.NewConfigured(t, withPolicies(text, "articles.edit"))
		d, err := app.AuthorizationService.Authorize(t.Context(), app.Principal("editor"), "articles.edit", authz.Resource{})
		require.NoError(t, err)
		assert.Equal(t, authz.ReasonForbidden, d.Reason, text)
	}
	_, err := policy.Compile(policy.Vocabulary{Permissions: []string{"articles.edit"}}, policy.Limits{}, policy.Source{
		Name: "p.yaml", Format: policy.YAML, Text: []byte("policies:\n  - id: a\n    deny: articles.edit\n    priority: 7\n"),
	})
	assert.ErrorContains(t, err, "unknown key priority")
}

// Item 22: the policy engine could not use the store that came with it. Here every store of the module keeps policies, and a second program finds them.
func TestItem22StoresKeepPolicies(t *testing.T) {
	t.Parallel()
	for _, place := range sharedPlaces(t) {
		t.Run(place.name, func(t *testing.T) {
			t.Parallel()
			app := place.boot(t)
			g := newGuest(t, app, "acme", "guest@example.com")
			require.NoError(t, definesPolicy(forbidsWriting)(t.Context(), app, g.Subject))
			for _, node := range []*fxtest.App{app, place.boot(t)} {
				g.requireAnswers(t, node, http.StatusForbidden, nil, "after")
				stored, err := node.AuthorizationService.Policies(t.Context(), "acme")
				require.NoError(t, err)
				assert.Equal(t, []authz.PolicyText{{Name: "press", Format: authz.FormatCedar, Text: forbidsWriting}}, stored)
			}
		})
	}
}

// Item 23: guards ran the handler when they found no request and for OPTIONS, refused real administrators, let disabled
// accounts in, and knew no inherited role.
func TestItem23GuardsNeitherFailOpenNorRefuseEverybody(t *testing.T) {
	t.Parallel()
	roles := func(c *authmodule.Config) {
		c.RBAC.Roles = map[string]authz.RoleConfig{"admin": {Inherits: []string{"editor"}}, "editor": {Permissions: []string{"a.b"}}}
	}
	guards := map[string]echo.MiddlewareFunc{"/auth": echoauth.RequireAuth(), "/admin": echoauth.RequireRoles("admin"), "/editor": echoauth.RequireRoles("editor"), "/permission": echoauth.RequirePermissions("a.b")}
	app := guarded(t, roles, guards)
	admin, viewer, disabled := app.Token(app.Principal("admin")), app.Token(app.Principal()), app.Principal("admin")
	gone := app.Token(disabled)
	require.NoError(t, app.Users.Disable(t.Context(), authn.Principal{}, disabled.Subject))
	for path := range guards {
		for _, method := range []string{http.MethodGet, http.MethodOptions, http.MethodHead, http.MethodPost} {
			assert.Equal(t, http.StatusOK, do(app, method, path, "", admin).Code, "%s %s", method, path)
			assert.Equal(t, http.StatusUnauthorized, do(app, method, path, "", "").Code, "%s %s", method, path)
			assert.Equal(t, http.StatusUnauthorized, do(app, method, path, "", gone).Code, "%s %s", method, path)
			if path != "/auth" {
				assert.Equal(t, http.StatusForbidden, do(app, method, path, "", viewer).Code, "%s %s", method, path)
			}
		}
	}
	bare := echo.New() // nothing authenticates here
	for path, guard := range guards {
		bare.GET(path, func(c echo.Context) error { return c.NoContent(http.StatusOK) }, guard)
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, path, http.NoBody)
		r.Header.Set("Authorization", "Bearer "+admin)
		bare.ServeHTTP(w, r)
		assert.GreaterOrEqual(t, w.Code, http.StatusBadRequest, path)
	}
}

// Item 24: roles named admin and superuser passed everything, and a check for * let anonymous callers in.
func TestItem24NoRoleAndNoPatternIsMagic(t *testing.T) {
	t.Parallel()
	app := guarded(t, withRoles(map[string][]string{"superuser": nil, "root": nil, "admin": nil}), map[string]echo.MiddlewareFunc{
		"/x": echoauth.RequirePermissions("a.b"), "/any": echoauth.RequirePermissions("*"),
	})
	for _, role := range []string{"admin", "superuser", "root"} {
		token := app.Token(app.Principal(role))
		assert.Equal(t, http.StatusForbidden, do(app, http.MethodGet, "/x", "", token).Code, role)
		assert.GreaterOrEqual(t, do(app, http.MethodGet, "/any", "", token).Code, http.StatusForbidden, role)
	}
	assert.Equal(t, http.StatusUnauthorized, do(app, http.MethodGet, "/x", "", "").Code)
	assert.GreaterOrEqual(t, do(app, http.MethodGet, "/any", "", "").Code, http.StatusUnauthorized)
	assert.False(t, app.AuthorizationService.Can(t.Context(), authn.Principal{}, "*", authz.Resource{}))
}
