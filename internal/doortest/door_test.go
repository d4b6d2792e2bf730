package doortest_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	echo4 "github.com/labstack/echo/v4"
	echo5 "github.com/labstack/echo/v5"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/echoauth"
	"github.com/authmodule/authmodule/echov5auth"
	"github.com/authmodule/authmodule/httpauth"
	"github.com/authmodule/authmodule/transport"
)

// door makes one handler of the module's routes and an application's.
type door struct {
	name string
	open func(t testing.TB, gate *transport.Gate, extra []transport.Endpoint, routes []route, find lookup) http.Handler
}

// route is an application's, with its guards from the outermost in.
type route struct {
	method, path string
	guards       []guard
	handle       func(x exchange) error
}

// exchange is what a handler has of its door.
type exchange struct {
	w         http.ResponseWriter
	r         *http.Request
	principal authn.Principal
	renew     func() error
	recheck   func() error
	watch     func(time.Duration) (context.Context, context.CancelFunc)
}

// guard is one guard in the words of all doors.
type guard struct {
	kind  transport.GuardKind
	names []string
}

// age is the first name, of a guard that asks for one.
func (g guard) age() time.Duration {
	age, err := time.ParseDuration(g.names[0])
	if err != nil {
		panic(err)
	}
	return age
}

// guards are the guards of one door, each a middleware M.
type guards[M any] struct {
	auth, optional, public                    func() M
	roles, permissions, anyPermission, scopes func(...string) M
	policy                                    func(action string) M
	owner                                     func(orAllOf ...string) M
	mfa, recent                               func(maxAge time.Duration) M
	acr                                       func(anyOf ...string) M
}

func (s guards[M]) of(list []guard) (out []M) {
	for _, g := range list {
		switch g.kind {
		case transport.KindAuth:
			out = append(out, s.auth())
		case transport.KindOptional:
			out = append(out, s.optional())
		case transport.KindPublic:
			out = append(out, s.public())
		case transport.KindRoles:
			out = append(out, s.roles(g.names...))
		case transport.KindPermissions:
			out = append(out, s.permissions(g.names...))
		case transport.KindAnyPermission:
			out = append(out, s.anyPermission(g.names...))
		case transport.KindScopes:
			out = append(out, s.scopes(g.names...))
		case transport.KindPolicy:
			out = append(out, s.policy(g.names[0]))
		case transport.KindOwner:
			out = append(out, s.owner(g.names...))
		case transport.KindMFA:
			out = append(out, s.mfa(g.age()))
		case transport.KindRecentAuth:
			out = append(out, s.recent(g.age()))
		case transport.KindACR:
			out = append(out, s.acr(g.names...))
		default:
			panic("no such guard: " + string(g.kind))
		}
	}
	return out
}

// doors are all of them. The first is what the others are compared with.
func doors() []door {
	return []door{
		{"Echo v4", openEcho4}, {"Echo v5", openEcho5}, {"ServeMux", openServeMux}, {"chi", openChi}, {"chi before Handler", openChiHandler},
	}
}

func colons(path string) string { return strings.NewReplacer("{", ":", "}", "").Replace(path) }

func openEcho4(t testing.TB, gate *transport.Gate, extra []transport.Endpoint, routes []route, find lookup) http.Handler {
	t.Helper()
	a, err := echoauth.New(gate, extra...)
	require.NoError(t, err)
	e := echo4.New()
	require.NoError(t, echoauth.Mount(e, a))
	kinds := guards[echo4.MiddlewareFunc]{
		echoauth.RequireAuth, echoauth.OptionalAuth, echoauth.Public,
		echoauth.RequireRoles, echoauth.RequirePermissions, echoauth.RequireAnyPermission, echoauth.RequireScopes,
		func(action string) echo4.MiddlewareFunc {
			return echoauth.RequirePolicy(action, func(c echo4.Context) (authz.Resource, error) { return find(c.Param("id")) })
		},
		func(orAllOf ...string) echo4.MiddlewareFunc {
			return echoauth.RequireOwner(func(c echo4.Context) (authn.Subject, error) { return find.owner(c.Param("id")) }, orAllOf...)
		},
		echoauth.RequireMFA, echoauth.RequireRecentAuth, echoauth.RequireACR,
	}
	for _, r := range routes {
		e.Add(r.method, colons(r.path), func(c echo4.Context) error {
			for _, name := range c.ParamNames() {
				c.Request().SetPathValue(name, c.Param(name))
			}
			return r.handle(exchange{
				w: c.Response(), r: c.Request(), principal: echoauth.Principal(c),
				renew: func() error { return echoauth.RenewSession(c) }, recheck: func() error { return echoauth.Recheck(c) },
				watch: func(every time.Duration) (context.Context, context.CancelFunc) { return echoauth.Watch(c, every) },
			})
		}, kinds.of(r.guards)...)
	}
	return e
}

func openEcho5(t testing.TB, gate *transport.Gate, extra []transport.Endpoint, routes []route, find lookup) http.Handler {
	t.Helper()
	a, err := echov5auth.New(gate, extra...)
	require.NoError(t, err)
	e := echo5.New()
	require.NoError(t, echov5auth.Mount(e, a))
	kinds := guards[echo5.MiddlewareFunc]{
		echov5auth.RequireAuth, echov5auth.OptionalAuth, echov5auth.Public,
		echov5auth.RequireRoles, echov5auth.RequirePermissions, echov5auth.RequireAnyPermission, echov5auth.RequireScopes,
		func(action string) echo5.MiddlewareFunc {
			return echov5auth.RequirePolicy(action, func(c *echo5.Context) (authz.Resource, error) { return find(c.Param("id")) })
		},
		func(orAllOf ...string) echo5.MiddlewareFunc {
			return echov5auth.RequireOwner(func(c *echo5.Context) (authn.Subject, error) { return find.owner(c.Param("id")) }, orAllOf...)
		},
		echov5auth.RequireMFA, echov5auth.RequireRecentAuth, echov5auth.RequireACR,
	}
	for _, r := range routes {
		e.Add(r.method, colons(r.path), func(c *echo5.Context) error {
			for _, value := range c.PathValues() {
				c.Request().SetPathValue(value.Name, value.Value)
			}
			return r.handle(exchange{
				w: c.Response(), r: c.Request(), principal: echov5auth.Principal(c),
				renew: func() error { return echov5auth.RenewSession(c) }, recheck: func() error { return echov5auth.Recheck(c) },
				watch: func(every time.Duration) (context.Context, context.CancelFunc) { return echov5auth.Watch(c, every) },
			})
		}, kinds.of(r.guards)...)
	}
	return e
}

// plain is a route's handler behind its guards, for net/http.
func (r route) plain(find lookup) http.Handler {
	kinds := guards[func(http.Handler) http.Handler]{
		httpauth.RequireAuth, httpauth.OptionalAuth, httpauth.Public,
		httpauth.RequireRoles, httpauth.RequirePermissions, httpauth.RequireAnyPermission, httpauth.RequireScopes,
		func(action string) func(http.Handler) http.Handler {
			return httpauth.RequirePolicy(action, func(r *http.Request) (authz.Resource, error) { return find(r.PathValue("id")) })
		},
		func(orAllOf ...string) func(http.Handler) http.Handler {
			return httpauth.RequireOwner(func(r *http.Request) (authn.Subject, error) { return find.owner(r.PathValue("id")) }, orAllOf...)
		},
		httpauth.RequireMFA, httpauth.RequireRecentAuth, httpauth.RequireACR,
	}
	var h http.Handler = http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		err := r.handle(exchange{
			w: w, r: req, principal: httpauth.Principal(req),
			renew: func() error { return httpauth.RenewSession(w, req) }, recheck: func() error { return httpauth.Recheck(req) },
			watch: func(every time.Duration) (context.Context, context.CancelFunc) { return httpauth.Watch(req, every) },
		})
		if err != nil {
			httpauth.Error(w, req, err)
		}
	})
	wraps := kinds.of(r.guards)
	for i := len(wraps) - 1; i >= 0; i-- {
		h = wraps[i](h)
	}
	return h
}

func openServeMux(t testing.TB, gate *transport.Gate, extra []transport.Endpoint, routes []route, find lookup) http.Handler {
	t.Helper()
	a, err := httpauth.New(gate, extra...)
	require.NoError(t, err)
	mux := http.NewServeMux()
	require.NoError(t, httpauth.Mount(mux, a))
	for _, r := range routes {
		mux.Handle(r.method+" "+r.path, r.plain(find))
	}
	return a.Authenticate(mux)
}

func openChi(t testing.TB, gate *transport.Gate, extra []transport.Endpoint, routes []route, find lookup) http.Handler {
	t.Helper()
	a, err := httpauth.New(gate, extra...)
	require.NoError(t, err)
	router := chi.NewRouter()
	router.Use(a.Authenticate)
	a.Register(router.Method)
	for _, r := range routes {
		router.Method(r.method, r.path, r.plain(find))
	}
	return router
}

// openChiHandler sends chi's leftovers to the module's handler.
func openChiHandler(t testing.TB, gate *transport.Gate, extra []transport.Endpoint, routes []route, find lookup) http.Handler {
	t.Helper()
	a, err := httpauth.New(gate, extra...)
	require.NoError(t, err)
	router := chi.NewRouter()
	own := a.Handler()
	router.Mount(gate.Prefix(), own)
	router.Handle("/.well-known/jwks.json", own)
	router.Group(func(inner chi.Router) {
		inner.Use(a.Authenticate)
		for _, r := range routes {
			inner.Method(r.method, r.path, r.plain(find))
		}
	})
	return router
}
