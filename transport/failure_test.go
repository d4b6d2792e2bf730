package transport_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
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
	"github.com/authmodule/authmodule/echoauth"
)

// scene is a fresh application before the request of a flow.
type scene struct {
	app
	user    authn.User
	device  device
	other   device
	reached *bool
}

// flow is one request, and what must hold when one of its store calls failed and the store is well again.
type flow struct {
	name, mode string
	request    func(t *testing.T, s scene) *http.Request
	// success is the status without a failure; calls are the store's that are known to be made.
	success int
	calls   []string
	after   func(t *testing.T, s scene, failed string, panics bool)
}

func authorized(method, path string) func(*testing.T, scene) *http.Request {
	return func(_ *testing.T, s scene) *http.Request { return request(method, path, "", s.device.headers()...) }
}

// stillThere: nothing was ended.
func stillThere(t *testing.T, s scene, _ string, _ bool) {
	assert.True(t, s.other.lives(t, s.app), "the other session")
	assert.True(t, s.device.lives(t, s.app), "the presented session")
}

// unlessTold: nothing was ended; but where the store fails when the others are told
// of an end, what was to end may have ended. The caller was told that it failed, and asking again is harmless.
func unlessTold(victim func(scene) device) func(t *testing.T, s scene, failed string, panics bool) {
	return func(t *testing.T, s scene, failed string, _ bool) {
		for _, d := range []device{s.device, s.other} {
			lives := d.lives(t, s.app)
			assert.True(t, lives || d == victim(s) && failed == "Revoke", "a session that was not to end")
		}
	}
}

func presented(s scene) device { return s.device }
func another(s scene) device   { return s.other }

func loginFlow(mode string) flow {
	return flow{
		name: "login " + mode, mode: mode, success: http.StatusOK,
		calls: []string{"UserByEmail", "PasswordHash", "UserByID", "Assignments", "CreateSession", "UpdateUser"},
		request: func(t *testing.T, s scene) *http.Request {
			return request("POST", "/auth/login", object(t, map[string]any{"email": s.user.Email, "password": password, "mode": mode}))
		},
		after: func(t *testing.T, s scene, _ string, panics bool) {
			if !panics {
				assert.Len(t, sessionIDs(t, s.app, s.other), 2, "a refused login leaves no session")
			}
			login(t, s.app, s.user.Email, mode)
			stillThere(t, s, "", false)
		},
	}
}

func registerFlow() flow {
	body := func(t *testing.T) string { return credentials(t, "new@example.com", password) }
	return flow{
		name: "register", mode: "token", success: http.StatusCreated, calls: []string{"SetPasswordHash", "CreateUser"},
		request: func(t *testing.T, _ scene) *http.Request { return request("POST", "/auth/register", body(t)) },
		after: func(t *testing.T, s scene, _ string, _ bool) {
			assert.Equal(t, "invalid_credentials", problem(t, s.Do(request("POST", "/auth/login", body(t)))).Code, "no account yet")
			answer(t, s.Do(request("POST", "/auth/register", body(t))), http.StatusCreated)
			answer(t, s.Do(request("POST", "/auth/login", body(t))), http.StatusOK)
		},
	}
}

func refreshFlow() flow {
	body := func(t *testing.T, s scene) string {
		return object(t, map[string]any{"refresh_token": s.device.refresh})
	}
	return flow{
		name: "refresh", mode: "token", success: http.StatusOK, calls: []string{"Session", "UserByID", "Assignments", "RotateSession"},
		request: func(t *testing.T, s scene) *http.Request { return request("POST", "/auth/refresh", body(t, s)) },
		after:   stillThere,
	}
}

func guardedFlow(name, mode, path string, calls ...string) flow {
	return flow{name: name, mode: mode, success: http.StatusOK, calls: calls, request: authorized("GET", path), after: func(t *testing.T, s scene, _ string, _ bool) {
		assert.False(t, *s.reached, "the handler ran")
		stillThere(t, s, "", false)
	}}
}

func flows() []flow {
	token := []string{"Session", "UserByID", "Assignments"}
	cookie := []string{"Session", "TouchSessions", "UserByID", "Assignments"}
	return []flow{
		loginFlow("token"), loginFlow("cookie"), registerFlow(), refreshFlow(),
		{name: "logout token", mode: "token", success: 204, calls: append(slices.Clone(token), "Revoke", "EndSessions"), request: authorized("POST", "/auth/logout"), after: unlessTold(presented)},
		{name: "logout cookie", mode: "cookie", success: 204, calls: append(slices.Clone(cookie), "EndSessions"), request: authorized("POST", "/auth/logout"), after: stillThere},
		{name: "me", mode: "token", success: 200, calls: append(slices.Clone(token), "Roles"), request: authorized("GET", "/auth/me"), after: stillThere},
		{name: "sessions", mode: "cookie", success: 200, calls: append(slices.Clone(cookie), "Sessions"), request: authorized("GET", "/auth/sessions"), after: stillThere},
		{name: "revoke others", mode: "token", success: 204, calls: []string{"Revoke", "EndSessions"}, request: authorized("DELETE", "/auth/sessions"), after: unlessTold(another)},
		{name: "revoke", mode: "token", success: 204, calls: []string{"Revoke", "EndSessions"}, after: unlessTold(another), request: func(_ *testing.T, s scene) *http.Request {
			return request("DELETE", "/auth/sessions/"+s.other.session, "", s.device.headers()...)
		}},
		guardedFlow("permission by token", "token", "/read", append(slices.Clone(token), "Roles")...),
		guardedFlow("permission by cookie", "cookie", "/read", append(slices.Clone(cookie), "Roles")...),
		guardedFlow("role", "token", "/role", append(slices.Clone(token), "Roles")...),
		guardedFlow("authenticated", "cookie", "/in", cookie...),
		guardedFlow("optional", "token", "/optional", token...),
	}
}

// set boots an application with a guarded route and two logins of one account. Nothing has asked for roles yet.
func set(t *testing.T, store *faulty, mode string) scene {
	t.Helper()
	s := scene{reached: new(bool)}
	s.app = start(t, store.option(),
		authmodule.AddRoles(authz.Role{Name: "viewer", Permissions: []string{"articles.read"}}),
		fx.Invoke(func(e *echo.Echo) {
			handler := func(c echo.Context) error {
				*s.reached = true
				return c.NoContent(http.StatusOK)
			}
			e.GET("/read", handler, echoauth.RequirePermissions("articles.read"))
			e.GET("/role", handler, echoauth.RequireRoles("viewer"))
			e.GET("/in", handler, echoauth.RequireAuth())
			e.GET("/optional", handler, echoauth.OptionalAuth())
		}),
	)
	s.user = s.User()
	s.device, s.other = s.signIn(t, mode), s.signIn(t, "token")
	s.Advance(2 * time.Second)
	return s
}

func (s scene) signIn(t *testing.T, mode string) device {
	t.Helper()
	carrier := authn.Carrier(mode)
	grant, err := s.Users.Login(t.Context(), authn.LoginRequest{Email: s.user.Email, Password: password, Carrier: carrier})
	require.NoError(t, err)
	if carrier == authn.CarrierCookie {
		return device{cookie: &http.Cookie{Name: "__Host-session", Value: grant.Cookie.Reveal()}, session: grant.Session.ID}
	}
	return device{access: grant.AccessToken.Reveal(), refresh: grant.RefreshToken.Reveal(), session: grant.Session.ID}
}

// REL-11, REL-12: whichever store call fails, by an error or a panic, the request is refused and nothing is half done.
func TestEveryStoreFailureRefuses(t *testing.T) {
	t.Parallel()
	for _, f := range flows() {
		for _, panics := range []bool{false, true} {
			name := f.name + " error"
			if panics {
				name = f.name + " panic"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				var calls []string
				for n := 1; ; n++ {
					require.Less(t, n, 50)
					failed := failAt(t, f, n, panics)
					if failed == "" {
						break
					}
					calls = append(calls, failed)
				}
				assert.Subset(t, calls, f.calls)
			})
		}
	}
}

// failAt runs the flow once and returns the call that failed, or nothing when there is no n-th call.
func failAt(t *testing.T, f flow, n int, panics bool) string {
	t.Helper()
	store := newFaulty()
	s := set(t, store, f.mode)
	r := f.request(t, s)
	store.arm(n, panics)
	w := s.Do(r)
	failed := store.disarm()
	if failed == "" {
		assert.Equal(t, f.success, w.Code, w.Body.String())
		return ""
	}
	t.Logf("call %d, %s: %d", n, failed, w.Code)
	refusedBecause(t, w, panics)
	assert.NotContains(t, s.log.String(), "store panics", "what a panic says may be a secret")
	assert.NotContains(t, w.Body.String(), "canary")
	f.after(t, s, failed, panics)
	return failed
}

func refusedBecause(t *testing.T, w *httptest.ResponseRecorder, panics bool) {
	t.Helper()
	p := problem(t, w)
	if panics {
		assert.Equal(t, http.StatusInternalServerError, w.Code)
		assert.Equal(t, "internal_error", p.Code)
	} else {
		assert.Equal(t, http.StatusServiceUnavailable, w.Code)
		assert.Equal(t, "unavailable", p.Code)
		assert.Equal(t, "1", w.Header().Get("Retry-After"))
	}
	for _, cookie := range w.Header().Values("Set-Cookie") {
		assert.False(t, strings.HasPrefix(cookie, "__Host-session=cs_"), "a refused request hands out a cookie")
	}
}

// A store that stays down refuses everything that needs it, and nothing else.
func TestStoreThatStaysDown(t *testing.T) {
	t.Parallel()
	store := newFaulty()
	s := set(t, store, "cookie")
	down := func(r *http.Request) int {
		store.arm(1, false)
		defer store.disarm()
		return s.Do(r).Code
	}
	for _, path := range []string{"/read", "/role", "/in", "/optional", "/auth/me", "/auth/sessions"} {
		assert.Equal(t, http.StatusServiceUnavailable, down(request("GET", path, "", s.device.headers()...)), path)
		assert.Equal(t, http.StatusServiceUnavailable, down(request("GET", path, "", s.other.headers()...)), path)
	}
	assert.False(t, *s.reached)
	assert.Equal(t, http.StatusOK, down(request("GET", "/.well-known/jwks.json", "", s.device.headers()...)))
	assert.Equal(t, http.StatusUnauthorized, down(request("GET", "/in", "")))
	assert.Equal(t, http.StatusOK, down(request("GET", "/optional", "")))
}
