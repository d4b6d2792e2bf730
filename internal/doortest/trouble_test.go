package doortest_test

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/internal/webtest"
	"github.com/authmodule/authmodule/store/memstore"
	"github.com/authmodule/authmodule/transport"
)

// badRoles is a role store that does not answer.
type badRoles struct {
	*memstore.Store
	panics bool
}

func (b badRoles) Rules(context.Context, authn.Tenant) (authz.Rules, error) {
	if b.panics {
		panic("secret-canary")
	}
	return authz.Rules{}, errors.New("secret-canary")
}

// machine is an application's own authenticator; the header X-Key says what it does.
type machine struct{}

func (machine) Name() string { return "machine" }

func (machine) Authenticate(r *http.Request) (authn.Principal, error) {
	switch r.Header.Get("X-Key") {
	case "":
		return authn.Principal{}, transport.ErrNoCredential
	case "good":
		return authn.Principal{Kind: authn.KindService, Subject: authn.Subject{ID: "machine"}, Roles: []string{"reader"}}, nil
	case "slow":
		return authn.Principal{}, &transport.Problem{Status: http.StatusTooManyRequests, Code: "slow_down", RetryAfter: 7}
	}
	panic("secret-canary")
}

// panicking is a body that cannot be written.
type panicking struct{}

func (panicking) MarshalJSON() ([]byte, error) { panic("secret-canary") }

func withMachine() fx.Option {
	return authmodule.AddAuthenticator(func() transport.Authenticator { return machine{} })
}

// V16.5.2: a store that fails or panics is 503 at every door, and says nothing.
func TestStoresThatFail(t *testing.T) {
	t.Parallel()
	for name, panics := range map[string]bool{"error": false, "panic": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t, plan{routes: guarded(), options: []fx.Option{
				authmodule.UseRuleStore(func() authz.RuleStore { return badRoles{panics: panics} }), withMachine(),
			}})
			for _, path := range []string{"/read", "/role", "/any", "/auth/me"} {
				w := h.same(t, get(path, "X-Key", "good"))
				assert.Equal(t, "unavailable", codeOf(t, w), path)
				assert.Equal(t, "1", w.Header().Get("Retry-After"))
				assert.NotContains(t, w.Body.String(), "canary")
			}
			assert.Equal(t, http.StatusOK, h.same(t, get("/auth-only", "X-Key", "good")).Code)
		})
	}
}

// V16.5.4: panics of an authenticator and of an endpoint are answers; one of the application's own handler is the server's.
func TestPanics(t *testing.T) {
	t.Parallel()
	endpoint := func(path string, handle func(context.Context, *http.Request) (transport.Reply, error)) transport.Endpoint {
		return transport.Endpoint{Method: "GET", Path: path, Need: transport.NeedNothing, Handle: handle}
	}
	reply := func(reply transport.Reply) func(context.Context, *http.Request) (transport.Reply, error) {
		return func(context.Context, *http.Request) (transport.Reply, error) { return reply, nil }
	}
	h := open(t, plan{
		routes: append(guarded(), route{"GET", "/own", nil, func(exchange) error { panic("own") }}),
		extra: []transport.Endpoint{
			endpoint("/panic", func(context.Context, *http.Request) (transport.Reply, error) { panic("secret-canary") }),
			endpoint("/none", nil),
			endpoint("/error", func(context.Context, *http.Request) (transport.Reply, error) {
				return transport.Reply{}, errors.New("secret-canary")
			}),
			endpoint("/no-json", reply(transport.Reply{Body: math.Inf(1), Cookies: []*http.Cookie{{Name: "a", Value: "b"}}})),
			endpoint("/json-panic", reply(transport.Reply{Body: panicking{}})),
			endpoint("/public-cookie", reply(transport.Reply{Cookies: []*http.Cookie{{Name: "a", Value: "b"}}, Cacheable: 60})),
			endpoint("/bad-cookie", reply(transport.Reply{Cookies: []*http.Cookie{nil, {Name: "a b"}, {Name: "a", Value: "b"}, {Name: "a", Value: "c"}}})),
			endpoint("/public", reply(transport.Reply{Status: 202, Body: "<&>", Cacheable: 60})),
		},
		options: []fx.Option{withMachine()},
	})
	for _, q := range []query{get("/auth-only", "X-Key", "panic"), get("/auth/panic"), get("/auth/none"), get("/auth/no-json"), get("/auth/json-panic")} {
		w := h.same(t, q)
		assert.Equal(t, "internal_error", codeOf(t, w), q)
		assert.Empty(t, w.Header()["Set-Cookie"])
		assert.NotContains(t, w.Body.String(), "canary")
	}
	assert.Equal(t, "unavailable", codeOf(t, h.same(t, get("/auth/error"))))
	slow := h.same(t, get("/auth-only", "X-Key", "slow"))
	assert.Equal(t, []any{http.StatusTooManyRequests, "7"}, []any{slow.Code, slow.Header().Get("Retry-After")})
	assert.Equal(t, []string{"a=c"}, h.same(t, get("/auth/bad-cookie")).Header()["Set-Cookie"])
	assert.Equal(t, "no-store", h.same(t, get("/auth/public-cookie")).Header().Get("Cache-Control"))
	public := h.same(t, get("/auth/public"))
	assert.Equal(t, []any{http.StatusAccepted, "public, max-age=60", "\"\\u003c\\u0026\\u003e\"\n"}, []any{public.Code, public.Header().Get("Cache-Control"), public.Body.String()})
	for _, door := range h.doors {
		assert.PanicsWithValue(t, "own", func() { door.ask(get("/own")) }, door.name)
	}
	assert.NotContains(t, h.log.String(), `panic="secret-canary`)
}

// HEAD gets the header fields of GET and no body. The routers have their own opinion of methods that nobody registered.
func TestHeadAndOptions(t *testing.T) {
	t.Parallel()
	h := open(t, plan{routes: guarded()})
	w := h.same(t, query{method: "HEAD", path: "/auth-only"})
	assert.Equal(t, http.StatusUnauthorized, w.Code)
	assert.Equal(t, transport.ContentType, w.Header().Get("Content-Type"))
	assert.NotEmpty(t, w.Header().Get("WWW-Authenticate"))
	assert.Empty(t, w.Body.String())
	token := webtest.Bearer(h.Token(h.Principal("admin")))
	for _, door := range h.doors {
		for _, path := range []string{"/read", "/auth/me", "/auth/sessions"} {
			w := door.ask(query{method: "HEAD", path: path})
			assert.Contains(t, []int{401, 404, 405}, w.Code, "%s %s", door.name, path)
			assert.NotContains(t, w.Body.String(), "in ")
			w = door.ask(query{method: "OPTIONS", path: path, headers: token})
			assert.Contains(t, []int{200, 204, 404, 405}, w.Code, "%s %s", door.name, path)
			assert.NotContains(t, w.Body.String(), "in ")
			assert.Contains(t, []int{403, 404, 405}, door.ask(query{method: "TRACE", path: path, headers: token}).Code, "%s %s", door.name, path)
		}
		for _, path := range []string{"/auth/login", "/auth/logout"} {
			assert.Contains(t, []int{404, 405}, door.ask(get(path, token...)).Code, "%s %s", door.name, path)
		}
	}
}

// POL-03: however a path is written, nobody gets past the guard of the route that it leads to.
func TestFormsOfPaths(t *testing.T) {
	t.Parallel()
	h := open(t, plan{routes: []route{
		{"GET", "/admin/secret", []guard{{transport.KindRoles, []string{"admin"}}}, who},
		{"GET", "/admin/secret/{id}", []guard{{transport.KindRoles, []string{"admin"}}}, who},
		{"GET", "/open/{id}", []guard{{transport.KindPublic, nil}}, func(x exchange) error {
			_, err := x.w.Write([]byte("open"))
			return err
		}},
	}})
	editor := webtest.Bearer(h.Token(h.Principal("editor")))
	cookie := webtest.Sent(h.Cookie(h.Principal("editor")))
	for _, base := range []string{"/admin/secret", "/admin/secret/7", "/auth/me", "/auth/sessions"} {
		for _, path := range forms(base) {
			for _, headers := range [][]string{nil, editor, cookie} {
				for _, door := range h.doors {
					w := door.ask(get(path, headers...))
					if strings.HasPrefix(base, "/admin") || headers == nil {
						assert.Contains(t, []int{301, 307, 308, 400, 401, 403, 404, 405}, w.Code, "%s %s", door.name, path)
					}
					assert.NotContains(t, w.Body.String(), "in ", "%s %s", door.name, path)
					if to := w.Header().Get("Location"); to != "" {
						assert.Regexp(t, `^/([^/\\]|$)`, to, "%s %s: nobody is sent to another host", door.name, path)
					}
				}
			}
		}
	}
	for _, door := range h.doors {
		w := door.ask(get("/open/..%2fadmin%2fsecret"))
		require.NotContains(t, w.Body.String(), "in ", door.name)
	}
}

// forms are ways to write a path.
func forms(path string) []string {
	last := strings.LastIndex(path, "/")
	head, tail := path[:last], path[last+1:]
	return []string{
		path, path + "/", path + "//", "/" + path, head + "//" + tail, head + "/./" + tail, head + "/x/../" + tail, "/x/.." + path,
		head + "%2f" + tail, head + "%2F" + tail, head + "/%2e/" + tail, "/x/%2e%2e" + path, path + "%2f", path + "%00", path + ";x=1", path + "?x=/../",
		head + "/" + strings.ToUpper(tail), head + "/%" + hexOf(tail[0]) + tail[1:], head + `\` + tail, head + "%5c" + tail, "/%2f" + path[1:], path + ".json", path + "%20",
	}
}

func hexOf(c byte) string {
	const digits = "0123456789abcdef"
	return string([]byte{digits[c>>4], digits[c&15]})
}
