package httpauth_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/fxtest"
	"github.com/authmodule/authmodule/httpauth"
	"github.com/authmodule/authmodule/internal/webtest"
	"github.com/authmodule/authmodule/transport"
)

// door boots an application with some roles and no router.
func door(t testing.TB, change func(*authmodule.Config), options ...fx.Option) *httpauth.Auth {
	t.Helper()
	var a *httpauth.Auth
	roles := authmodule.AddRoles(authz.Role{Name: "viewer"}, authz.Role{Name: "editor", Permissions: []string{"articles.*"}})
	fxtest.NewConfigured(t, change, append(options, roles, fx.Populate(&a))...)
	return a
}

func unchanged(*authmodule.Config) {}

// untouched is a handler, and a layer, that must never run while a table is made.
func untouched(t testing.TB) (http.Handler, func(http.Handler) http.Handler) {
	t.Helper()
	handler := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a handler was run") })
	return handler, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			t.Error("a middleware of others was run")
			next.ServeHTTP(w, r)
		})
	}
}

// rows are the requirements of the application's own routes by method, host and path.
func rows(t testing.TB, a *httpauth.Auth, walks ...httpauth.Walk) map[string]string {
	t.Helper()
	table, err := a.Routes(walks...)
	require.NoError(t, err)
	rows := map[string]string{}
	for _, r := range table.Routes {
		texts := make([]string, len(r.Requires))
		for i, want := range r.Requires {
			texts[i] = want.String()
		}
		if r.Unmounted {
			texts = append(texts, "UNMOUNTED")
		}
		if !r.Own {
			rows[r.Method+" "+r.Host+r.Path] = strings.Join(texts, "; ")
		}
	}
	return rows
}

func faults(t testing.TB, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	var wrong *transport.RouteError
	require.ErrorAs(t, err, &wrong)
	return strings.Split(err.Error(), "\n")
}

const unguarded = " has no guard: add httpauth.RequireAuth() or another guard, or httpauth.Public(), to the route or its group"

func resource(*http.Request) (authz.Resource, error) {
	return authz.Resource{}, errors.New("not asked")
}

func owner(*http.Request) (authn.Subject, error) { return authn.Subject{}, errors.New("not asked") }

// Item 6: the table of a Mux has every guard, in order, and nothing is run for it.
func TestRoutesOfMux(t *testing.T) {
	t.Parallel()
	handler, layer := untouched(t)
	auth := door(t, unchanged)
	mux := httpauth.NewMux()
	require.NoError(t, mux.Mount(auth))
	mux.Handle("GET /auth-only", httpauth.RequireAuth()(handler))
	mux.Handle("/any", httpauth.Public()(handler))
	mux.Handle("POST admin.example.com/x", httpauth.OptionalAuth()(httpauth.RequireRoles("editor")(handler)))
	mux.Handle("GET /articles/{id}", httpauth.RequirePolicy("articles.read", resource)(handler))
	mux.Handle("PUT /articles/{id}", httpauth.RequireOwner(owner, "articles.write")(handler))
	mux.Handle("GET /some", httpauth.RequireAnyPermission("articles.read", "articles.write")(httpauth.RequireScopes("articles.read")(layer(handler))))
	mux.Handle("GET /hidden", layer(httpauth.RequireAuth()(handler)))
	mux.HandleFunc("GET /open", handler.ServeHTTP)
	mux.Handle("GET /typo", httpauth.RequireRoles("edtior")(handler))
	assert.Equal(t, map[string]string{
		"GET /auth-only": "auth", "* /any": "public", "POST admin.example.com/x": "optional; roles editor", "GET /articles/{id}": "policy articles.read",
		"PUT /articles/{id}": "owner articles.write", "GET /some": "any_permission articles.read, articles.write; scopes articles.read",
		"GET /hidden": "", "GET /open": "", "GET /typo": "roles edtior",
	}, rows(t, auth, mux.Walk))
	assert.Equal(t, []string{
		"routes: GET /hidden" + unguarded, "routes: GET /open" + unguarded,
		`routes: GET /typo wants the role "edtior", which is not defined: correct the name, or define it in auth.rbac.roles or by authmodule.AddRoles`,
	}, faults(t, auth.CheckRoutes(t.Context(), mux.Walk)))
	table, err := auth.Routes(mux.Walk)
	require.NoError(t, err)
	assert.Contains(t, table.String(), "POST    /auth/login ")
	assert.Regexp(t, `DELETE  /auth/sessions/\{id\} +login`, table.String())
}

// A Mux serves as the standard library's does.
func TestMux(t *testing.T) {
	t.Parallel()
	var auth *httpauth.Auth
	var mux *httpauth.Mux
	app := fxtest.New(t, fx.Provide(httpauth.NewMux), fx.Invoke((*httpauth.Mux).Mount), fx.Populate(&auth, &mux))
	mux.Handle("GET /with/{id}", httpauth.RequireAuth()(http.HandlerFunc(who)))
	p, w := app.Principal(), httptest.NewRecorder()
	auth.Authenticate(mux).ServeHTTP(w, request("GET", "/with/7", "", webtest.Bearer(app.Token(p))...))
	assert.Equal(t, p.Subject.ID+p.Subject.ID+"7", w.Body.String())
	assert.Empty(t, faults(t, auth.CheckRoutes(t.Context(), mux.Walk)))

	assert.Error(t, (*httpauth.Mux)(nil).Mount(auth))
	assert.Error(t, httpauth.NewMux().Mount(nil))
	mux = httpauth.NewMux()
	mux.HandleFunc("/auth/me", who)
	mux.HandleFunc("GET /auth/me", who)
	assert.ErrorContains(t, mux.Mount(auth), "move yours")
	assert.Panics(t, func() { mux.Handle("GET /auth/me", http.HandlerFunc(who)) })
	assert.Len(t, rows(t, auth, mux.Walk), 2, "a route that is refused is none")
	broken := errors.New("enough")
	assert.ErrorIs(t, mux.Walk(func(string, string, http.Handler, ...func(http.Handler) http.Handler) error { return broken }), broken)
}

// Item 6: the routes of chi, with the middlewares of its groups.
func TestRoutesOfChi(t *testing.T) {
	t.Parallel()
	handler, layer := untouched(t)
	auth := door(t, unchanged)
	serve := handler.ServeHTTP
	router := chi.NewRouter()
	walk := func(visit httpauth.Visit) error { return chi.Walk(router, visit) }
	router.Use(layer, auth.Authenticate)
	auth.Register(router.Method)
	router.With(httpauth.RequireAuth()).Get("/with", serve)
	router.Method("GET", "/handler", httpauth.Public()(handler))
	router.Get("/open", serve)
	router.Route("/admin", func(r chi.Router) {
		r.Use(httpauth.RequireRoles("editor"))
		r.Get("/x", serve)
		r.With(layer, httpauth.RequirePermissions("articles.write")).Delete("/x/{id}", serve)
		r.Route("/nested", func(r chi.Router) { r.With(httpauth.RequirePolicy("articles.read", resource)).Get("/*", serve) })
	})
	router.Group(func(r chi.Router) {
		r.Use(httpauth.OptionalAuth())
		r.Get("/group", serve)
	})
	assert.Equal(t, map[string]string{
		"GET /with": "auth", "GET /handler": "public", "GET /open": "", "GET /admin/x": "roles editor", "GET /group": "optional",
		"DELETE /admin/x/{id}": "roles editor; permissions articles.write", "GET /admin/nested/*": "roles editor; policy articles.read",
	}, rows(t, auth, walk))
	assert.Equal(t, []string{"routes: GET /open" + unguarded + "; it has 1 middlewares of others, and a guard that one of them wraps is not recognised"},
		faults(t, auth.CheckRoutes(t.Context(), walk)))
}

// Item 23: a guard before which nothing authenticates is found where Authenticate is within the router.
func TestGuardsWithoutAuthenticate(t *testing.T) {
	t.Parallel()
	handler, _ := untouched(t)
	auth := door(t, unchanged)
	router := chi.NewRouter()
	walk := func(visit httpauth.Visit) error { return chi.Walk(router, visit) }
	router.Method("GET", "/x", httpauth.RequireAuth()(handler))
	assert.Empty(t, faults(t, auth.CheckRoutes(t.Context(), walk)), "it may stand around the router")
	router.Method("GET", "/y", auth.WithRoute(transport.MatchedPattern).Authenticate(httpauth.RequireAuth()(handler)))
	router.Method("GET", "/z", httpauth.RequireAuth()(auth.Authenticate(handler)))
	router.Method("GET", "/public", httpauth.Public()(handler))
	const late = " has a guard before which nothing authenticates, so that it answers 500: have Authenticate of *httpauth.Auth come before it, or around the router alone"
	assert.Equal(t, []string{"routes: GET /x" + late, "routes: GET /z" + late}, faults(t, auth.CheckRoutes(t.Context(), walk)))
}

// Looking at nothing is no check, and neither is a walk that fails.
func TestCheckNeedsRoutes(t *testing.T) {
	t.Parallel()
	auth := door(t, unchanged)
	broken := errors.New("no walk today")
	for _, err := range []error{auth.CheckRoutes(t.Context()), auth.StartCheck(t.Context())} {
		assert.ErrorContains(t, err, "no routes to look at")
	}
	fails := func(httpauth.Visit) error { return broken }
	assert.ErrorIs(t, auth.CheckRoutes(t.Context(), fails), broken)
	_, err := auth.Routes(httpauth.NewMux().Walk, fails)
	assert.ErrorIs(t, err, broken)
}

// What the configuration says is done at start.
func TestStartCheck(t *testing.T) {
	t.Parallel()
	for mode, expected := range map[transport.RouteCheck]struct{ fails, warns bool }{
		transport.RouteCheckStrict: {true, false}, transport.RouteCheckWarn: {false, true}, transport.RouteCheckOff: {false, false},
	} {
		logs := &webtest.Logs{}
		auth := door(t, func(c *authmodule.Config) { c.HTTP.CheckRoutes = mode }, fx.Provide(func() *slog.Logger { return slog.New(slog.NewTextHandler(logs, nil)) }))
		mux := httpauth.NewMux()
		mux.HandleFunc("GET /open", who)
		err := auth.StartCheck(t.Context(), mux.Walk)
		assert.Equal(t, expected.fails, err != nil, "%s: %v", mode, err)
		assert.Equal(t, expected.warns, strings.Contains(logs.String(), `level=WARN msg="routes are not in order"`), mode)
	}
}

// A policy on the route sees what the innermost router matched, also where a middleware copied the request in between; a handler's
// own question does not know it then, and is denied.
func TestRouteOfCopies(t *testing.T) {
	t.Parallel()
	const policies = `@id("p") permit (principal, action == Action::"articles.print", resource) when { context.route == "/print/{id}" };`
	var (
		service *authz.Service
		auth    *httpauth.Auth
	)
	app := fxtest.NewConfigured(t, func(c *authmodule.Config) {
		c.RBAC.Policies = authz.PolicyConfig{Inline: policies, Resources: map[string]authz.ResourceConfig{"Article": {Actions: []string{"articles.print"}}}}
	}, fx.Populate(&service, &auth))
	mux := http.NewServeMux()
	type key struct{}
	copies := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), key{}, 1)))
		})
	}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, service.Can(r.Context(), httpauth.Principal(r), "articles.print", authz.Resource{Type: "Article", ID: "7"}))
	})
	guard := httpauth.RequirePolicy("articles.print", func(r *http.Request) (authz.Resource, error) {
		return authz.Resource{Type: "Article", ID: r.PathValue("id")}, nil
	})
	mux.Handle("GET /print/{id}", guard(handler))
	mux.Handle("GET /copy/{id}", guard(handler))
	ask := func(h http.Handler, path string) string {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, request("GET", path, "", webtest.Bearer(app.Token(app.Principal()))...))
		return fmt.Sprint(w.Code, " ", strings.SplitN(w.Body.String(), ",", 2)[0])
	}
	direct, copied := auth.Authenticate(mux), auth.Authenticate(copies(mux))
	named := auth.WithRoute(func(*http.Request) string { return "/print/{id}" }).Authenticate(mux)
	unknown := auth.WithRoute(func(*http.Request) string { return "" }).Authenticate(mux)
	assert.Equal(t, "200 true", ask(direct, "/print/7"))
	assert.Equal(t, "200 false", ask(copied, "/print/7"))
	assert.Contains(t, ask(direct, "/copy/7"), "403")
	assert.Contains(t, ask(copied, "/copy/7"), "403")
	assert.Equal(t, "200 true", ask(named, "/copy/7"))
	assert.Contains(t, ask(unknown, "/print/7"), "403", "a route that is not known denies")
}

// A guard of a sub-router of chi sees what was matched until then, and one on a route all of it; both never the path.
func TestRouteWithinChi(t *testing.T) {
	t.Parallel()
	var auth *httpauth.Auth
	app := fxtest.NewConfigured(t, func(c *authmodule.Config) {
		c.RBAC.Policies = authz.PolicyConfig{
			Inline: `@id("sub") permit (principal, action == Action::"areas.enter", resource) when { context.route == "/admin/*" };
				@id("all") permit (principal, action == Action::"articles.print", resource) when { context.route == "/admin/print/{id}" };`,
			Resources: map[string]authz.ResourceConfig{"Area": {Actions: []string{"areas.enter", "articles.print"}}},
		}
	}, fx.Populate(&auth))
	enters := func(action string) func(http.Handler) http.Handler {
		return httpauth.RequirePolicy(action, func(*http.Request) (authz.Resource, error) { return authz.Resource{Type: "Area", ID: "x"}, nil })
	}
	named := auth.WithRoute(func(r *http.Request) string { return chi.RouteContext(r.Context()).RoutePattern() })
	for _, a := range []*httpauth.Auth{auth, named} {
		router := chi.NewRouter()
		router.Use(a.Authenticate)
		router.Route("/admin", func(r chi.Router) {
			r.Use(enters("areas.enter"))
			r.With(enters("articles.print")).Get("/print/{id}", who)
			r.With(enters("articles.print")).Get("/copy/{id}", who)
		})
		for path, expected := range map[string]int{"/admin/print/7": http.StatusOK, "/admin/copy/7": http.StatusForbidden, "/admin/copy/..%2fprint%2f7": http.StatusForbidden} {
			w := httptest.NewRecorder()
			router.ServeHTTP(w, request("GET", path, "", webtest.Bearer(app.Token(app.Principal()))...))
			assert.Equal(t, expected, w.Code, path)
		}
	}
}
