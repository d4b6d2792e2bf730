package echoauth_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/store/memstore"
	"github.com/authmodule/authmodule/transport"
)

// authenticator is an application's own; what it does depends on the header X-Key.
type authenticator struct {
	name string
	do   func(key string) (authn.Principal, error)
}

func (a authenticator) Name() string { return a.name }

func (a authenticator) Authenticate(r *http.Request) (authn.Principal, error) {
	key := r.Header.Get("X-Key")
	if key == "" {
		return authn.Principal{}, transport.ErrNoCredential
	}
	return a.do(key)
}

func adding(name string, do func(key string) (authn.Principal, error)) func() transport.Authenticator {
	return func() transport.Authenticator { return authenticator{name: name, do: do} }
}

var service = authn.Principal{Kind: authn.KindService, Subject: authn.Subject{ID: "machine"}, Roles: []string{"editor"}}

func TestOwnAuthenticator(t *testing.T) {
	t.Parallel()
	var unset *transport.Problem
	do := func(key string) (authn.Principal, error) {
		switch key {
		case "good":
			return service, nil
		case "next":
			return authn.Principal{}, fmt.Errorf("not mine: %w", transport.ErrNoCredential)
		case "bad":
			return authn.Principal{}, authn.ErrTokenMalformed
		case "down":
			return authn.Principal{}, errors.New("secret-canary")
		case "both":
			return service, errors.New("a principal and an error")
		case "nothing":
			return authn.Principal{}, nil
		case "nobody":
			return authn.Principal{Kind: authn.KindUser}, nil
		case "own problem":
			return authn.Principal{}, &transport.Problem{Status: http.StatusTooManyRequests, Code: "slow_down"}
		case "success as a problem":
			return authn.Principal{}, &transport.Problem{Status: http.StatusOK, Code: "fine"}
		case "problem without a status":
			return authn.Principal{}, &transport.Problem{Code: "empty"}
		case "nil problem":
			return service, unset
		}
		panic("secret-canary")
	}
	app := start(t, routes(guardedRoutes), authmodule.AddAuthenticator(adding("key", do)))
	testCases := []struct {
		key    string
		status int
		code   string
	}{
		{"good", 200, ""},
		{"next", 401, "unauthenticated"},
		{"bad", 401, "token_malformed"},
		{"down", 503, "unavailable"},
		{"both", 503, "unavailable"},
		{"nothing", 503, "unavailable"},
		{"nobody", 503, "unavailable"},
		{"own problem", 429, "slow_down"},
		{"success as a problem", 500, "internal_error"},
		{"problem without a status", 500, "internal_error"},
		{"nil problem", 503, "unavailable"},
		{"panic", 500, "internal_error"},
	}
	for _, tc := range testCases {
		t.Run(tc.key, func(t *testing.T) {
			for _, path := range []string{"/in", "/read", "/editors", "/auth/sessions"} {
				w := app.Do(request("GET", path, "", "X-Key", tc.key))
				assert.Equal(t, tc.status, w.Code, path)
				assert.Equal(t, tc.code, codeOf(t, w), path)
				assert.NotContains(t, w.Body.String(), "canary")
			}
			w := app.Do(request("GET", "/public", "", "X-Key", tc.key))
			assert.Equal(t, http.StatusOK, w.Code)
			assert.Equal(t, tc.status == 200, w.Body.String() == "machine")
		})
	}
	// The module's own token comes first.
	p := app.Principal()
	assert.Equal(t, p.Subject.ID, app.Do(request("GET", "/in", "", append(bearer(app.Token(p)), "X-Key", "panic")...)).Body.String())
}

// Added authenticators are asked in the order of their names, before the cookie; the first outcome stands.
func TestAuthenticatorsAreAskedInOrder(t *testing.T) {
	t.Parallel()
	as := func(id string) func(string) (authn.Principal, error) {
		return func(string) (authn.Principal, error) {
			return authn.Principal{Kind: authn.KindService, Subject: authn.Subject{ID: id}}, nil
		}
	}
	refuse := func(string) (authn.Principal, error) { return authn.Principal{}, transport.ErrNoCredential }
	app := start(t, routes(guardedRoutes),
		authmodule.AddAuthenticator(adding("c", as("third"))), authmodule.AddAuthenticator(adding("a", refuse)), authmodule.AddAuthenticator(adding("b", as("second"))))
	c := app.Cookie(app.Principal())
	for range 5 {
		assert.Equal(t, "second", app.Do(request("GET", "/in", "", append(sent(c), "X-Key", "x")...)).Body.String())
	}
}

// A caller that has no session is told so where one is needed.
func TestCallerWithoutSession(t *testing.T) {
	t.Parallel()
	app := start(t, authmodule.AddAuthenticator(adding("key", func(string) (authn.Principal, error) { return service, nil })))
	assert.Equal(t, "no_session", codeOf(t, app.Do(request("DELETE", "/auth/sessions", "", "X-Key", "x"))))
	assert.Equal(t, "session_not_found", codeOf(t, app.Do(request("DELETE", "/auth/sessions/x", "", "X-Key", "x"))))
	assert.Equal(t, http.StatusNoContent, app.Do(request("POST", "/auth/logout", "", "X-Key", "x")).Code)
	w := app.Do(request("GET", "/auth/me", "", "X-Key", "x"))
	assert.JSONEq(t, `{"id":"machine","email":"","roles":["editor"],"permissions":["articles.read","articles.write"],"session_id":"","auth_time":null,"mfa_time":null,"acr":""}`, w.Body.String())
}

func TestOwnEndpoints(t *testing.T) {
	t.Parallel()
	var unset *transport.Problem
	var endpoints []transport.Endpoint
	add := func(path string, need transport.Need, handle func(context.Context, *http.Request) (transport.Reply, error)) {
		endpoints = append(endpoints, transport.Endpoint{Method: "GET", Path: path, Need: need, Handle: handle})
	}
	ok := func(ctx context.Context, r *http.Request) (transport.Reply, error) {
		return transport.Reply{Body: authn.PrincipalFrom(ctx).Subject.ID + r.PathValue("id")}, nil
	}
	failing := func(err error) func(context.Context, *http.Request) (transport.Reply, error) {
		return func(context.Context, *http.Request) (transport.Reply, error) {
			return transport.Reply{Body: "secret-canary"}, err
		}
	}
	add("/own", transport.NeedAuth, ok)
	add("/own/{id}", transport.NeedAuth, ok)
	add("/strange", transport.Need(99), ok)
	add("/open", transport.NeedNothing, ok)
	add("/no-handler", transport.NeedNothing, nil)
	add("/panic", transport.NeedNothing, func(context.Context, *http.Request) (transport.Reply, error) { panic("secret-canary") })
	add("/error", transport.NeedNothing, failing(errors.New("secret-canary")))
	add("/nil-problem", transport.NeedNothing, failing(unset))
	add("/success-problem", transport.NeedNothing, failing(&transport.Problem{Status: 204}))
	options := []fx.Option{}
	for _, endpoint := range endpoints {
		options = append(options, authmodule.AddEndpoint(func() transport.Endpoint { return endpoint }))
	}
	app := start(t, options...)
	p := app.Principal()
	token := bearer(app.Token(p))
	testCases := []struct {
		path, code string
		headers    []string
		body       string
	}{
		{"/own", "unauthenticated", nil, ""},
		{"/own", "token_malformed", bearer("x"), ""},
		{"/own", "", token, `"` + p.Subject.ID + `"`},
		{"/own/7", "", token, `"` + p.Subject.ID + `7"`},
		{"/strange", "unauthenticated", nil, ""},
		{"/open", "", bearer("x"), `""`},
		{"/no-handler", "internal_error", token, ""},
		{"/panic", "internal_error", token, ""},
		{"/error", "unavailable", token, ""},
		{"/nil-problem", "unavailable", token, ""},
		{"/success-problem", "internal_error", token, ""},
	}
	for _, tc := range testCases {
		w := app.Do(request("GET", "/auth"+tc.path, "", tc.headers...))
		assert.Equal(t, tc.code, codeOf(t, w), tc.path)
		if tc.body != "" {
			assert.JSONEq(t, tc.body, w.Body.String())
		}
		assert.NotContains(t, w.Body.String(), "canary")
	}
	assert.NotContains(t, app.log.String(), `msg="secret-canary`)
}

// A listener that panics is logged; the act that it is told of stands, and no other listener misses it.
func TestListenerPanics(t *testing.T) {
	t.Parallel()
	app := start(t, routes(guardedRoutes), authmodule.AddListener(func() audit.Listener {
		return audit.ListenerFunc(func(context.Context, audit.Event) { panic("secret-canary") })
	}))
	user := app.User()
	w := app.Do(request("POST", "/auth/login", credentials(t, user.Email, "cookie")))
	require.Equal(t, http.StatusOK, w.Code)
	c := w.Result().Cookies()[0]
	assert.Equal(t, user.Subject.ID, app.Do(request("GET", "/in", "", sent(c)...)).Body.String())
	assert.Equal(t, http.StatusForbidden, app.Do(request("GET", "/read", "", sent(c)...)).Code)
	assert.Equal(t, http.StatusUnauthorized, app.Do(request("POST", "/auth/login", `{"email":"x@example.com","password":"y"}`)).Code)
	assert.Equal(t, http.StatusNoContent, app.Do(request("POST", "/auth/logout", "", sent(c)...)).Code)
	assert.Len(t, app.Events(audit.LoginFailed, audit.AccessDenied), 2)
	assert.Contains(t, app.log.String(), "audit listener panicked")
	assert.NotContains(t, app.log.String(), "canary")
}

// badRules is a rule store that answers with an error made to look like a success.
type badRules struct {
	*memstore.Store
	err   error
	panic bool
}

func (b badRules) Rules(context.Context, authn.Tenant) (authz.Rules, error) {
	if b.panic {
		panic("secret-canary")
	}
	return authz.Rules{}, b.err
}

func TestRuleStoreThatFails(t *testing.T) {
	t.Parallel()
	var unset *transport.Problem
	testCases := []struct {
		name   string
		store  badRules
		status int
	}{
		{"error", badRules{err: errors.New("secret-canary")}, 503},
		{"panic", badRules{panic: true}, 503},
		{"nil problem as an error", badRules{err: unset}, 503},
		{"success as an error", badRules{err: &transport.Problem{Status: 200}}, 500},
	}
	for _, tc := range testCases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			app := start(t, routes(guardedRoutes), authmodule.UseRuleStore(func() authz.RuleStore { return tc.store }),
				authmodule.AddAuthenticator(adding("key", func(string) (authn.Principal, error) { return service, nil })))
			for _, path := range []string{"/read", "/editors", "/auth/me"} {
				w := app.Do(request("GET", path, "", "X-Key", "x"))
				assert.Equal(t, tc.status, w.Code, path+w.Body.String())
				assert.NotContains(t, w.Body.String(), "canary")
			}
			assert.Equal(t, "machine", app.Do(request("GET", "/in", "", "X-Key", "x")).Body.String())
		})
	}
}

// A panic of the application's own handler is not swallowed: Echo's Recover, or the server, handles it.
func TestHandlerPanicsPassThrough(t *testing.T) {
	t.Parallel()
	app := start(t, routes(func(e *echo.Echo) { e.GET("/panic", func(echo.Context) error { panic("own") }) }))
	assert.PanicsWithValue(t, "own", func() { app.Do(request("GET", "/panic", "")) })
}
