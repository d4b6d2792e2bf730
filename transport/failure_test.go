package transport_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"
	_ "modernc.org/sqlite"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/echoauth"
	"github.com/authmodule/authmodule/internal/sqlitetest"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/store/memstore"
	"github.com/authmodule/authmodule/store/sqlstore"
	"github.com/authmodule/authmodule/transport"
)

const minute = time.Minute

func secretOf(text string) setting.Secret { return setting.Secret(text) }

// scene is a fresh application before the request of a flow.
type scene struct {
	app
	user    authn.User
	device  device
	other   device
	reached *bool
	// keyID and keyHeader are of an API key of the account.
	keyID     string
	keyHeader []string
	// governed is an account that the user administers, and reader a login of it.
	governed authn.User
	reader   device
}

// set boots an application with guarded routes and two logins of one account. Nothing has asked for roles yet.
func set(t *testing.T, store *faulty, mode string) scene {
	t.Helper()
	s := boot(t, store)
	s.user = s.User()
	s.device, s.other = s.signIn(t, mode), s.signIn(t, "token")
	s.Advance(2 * time.Second)
	return s
}

// boot starts the application; its keys outlive a restart.
func boot(t *testing.T, store *faulty) scene {
	t.Helper()
	s := scene{reached: new(bool)}
	s.app = startConfigured(t, func(c *authmodule.Config) {
		c.HTTP.RevocationEndpoint, c.HTTP.RBACEndpoints, c.JWT.SecretKey = true, true, "Zk2x0vWq8sT4nB6yJ1mC3eR5uP7aL9hD"
		c.HTTP.CheckRoutes = transport.RouteCheckOff // it reads the roles at the start, and the flow would find them remembered
	}, store.option(),
		authmodule.AddRoles(authz.Role{Name: "viewer", Permissions: []string{"articles.read"}}, authz.Role{Name: "admin", Permissions: []string{"*.*"}}),
		authmodule.AddEndpoint(func(m *session.Manager) transport.Endpoint {
			return transport.Endpoint{Method: http.MethodPost, Path: "/end-all", Handle: func(ctx context.Context, _ *http.Request) (transport.Reply, error) {
				_, err := m.CloseAll(ctx, authn.PrincipalFrom(ctx).Subject, "", authn.EndRevoked)
				return transport.Reply{}, err
			}}
		}),
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
	return s
}

func (s scene) signIn(t *testing.T, mode string) device {
	t.Helper()
	return s.signInAs(t, s.user, mode)
}

func (s scene) signInAs(t *testing.T, user authn.User, mode string) device {
	t.Helper()
	carrier := authn.Carrier(mode)
	grant, err := s.Users.Login(t.Context(), authn.LoginRequest{Email: user.Email, Password: password, Carrier: carrier})
	require.NoError(t, err)
	if carrier == authn.CarrierCookie {
		return device{cookie: &http.Cookie{Name: "__Host-session", Value: grant.Cookie.Reveal()}, session: grant.Session.ID}
	}
	return device{access: grant.AccessToken.Reveal(), refresh: grant.RefreshToken.Reveal(), session: grant.Session.ID}
}

// REL-11, REL-12, in memory: whichever store call goes wrong, in whichever way, nobody
// is let in who must not be, nothing is half done, and asking again does what was asked.
func TestEveryStoreFailureRefuses(t *testing.T) {
	t.Parallel()
	for _, f := range slices.Concat(sessionFlows(), keyFlows(), ruleFlows()) {
		for _, h := range []harm{harmError, harmPanic, harmCancel, harmLost} {
			t.Run(f.name+" "+string(h), func(t *testing.T) {
				t.Parallel()
				f.loop(t, h, func(t *testing.T) every { return memstore.New() })
			})
		}
		t.Run(f.name+" timeout", func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { f.loop(t, harmTimeout, func(t *testing.T) every { return memstore.New() }) })
		})
	}
}

// The same on a file.
func TestEveryStoreFailureRefusesOnSQLite(t *testing.T) {
	t.Parallel()
	for _, f := range writingFlows() {
		for _, h := range []harm{harmError, harmLost} {
			t.Run(f.name+" "+string(h), func(t *testing.T) {
				t.Parallel()
				f.loop(t, h, openCopy)
			})
		}
	}
}

func openCopy(t *testing.T) every {
	t.Helper()
	store, err := sqlstore.Open(t.Context(), sqlstore.Options{DSN: sqlitetest.Path(t)})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, store.Close()) })
	return store
}

// loop runs the flow until there is no n-th call to go wrong. Rules are read by some runs and remembered by others, which
// moves the calls after them: until each call that matters went wrong once, it starts over.
func (f flow) loop(t *testing.T, h harm, open func(*testing.T) every) {
	t.Helper()
	const rounds = 5
	var calls []string
	for round := 0; round < rounds && !f.all(calls); round++ {
		for n := 1; ; n++ {
			require.Less(t, n, 50)
			failed := f.failAt(t, n, h, open(t))
			if failed == "" {
				break
			}
			calls = append(calls, failed)
		}
	}
	assert.Subset(t, calls, f.calls)
}

// all reports whether every call that matters is among these.
func (f flow) all(calls []string) bool {
	return len(calls) > 0 && !slices.ContainsFunc(f.calls, func(call string) bool { return !slices.Contains(calls, call) })
}

// failAt runs the flow once and returns the call that went wrong, or nothing when there is no n-th call.
func (f flow) failAt(t *testing.T, n int, h harm, base every) string {
	t.Helper()
	store := &faulty{every: base}
	s := set(t, store, f.mode)
	if strings.HasSuffix(f.name, "key") {
		s.keyID, s.keyHeader = s.key(t)
	}
	if f.prepare != nil {
		f.prepare(t, &s)
	}
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	store.leave = leave
	r := f.request(t, s).WithContext(ctx)
	store.arm(n, h)
	w := s.Do(r)
	failed := store.disarm()
	if failed == "" {
		assert.Equal(t, f.success, w.Code, w.Body.String())
		return ""
	}
	t.Logf("call %d, %s: %d", n, failed, w.Code)
	o := outcome{w, failed, h}
	if !f.mayRepair(o) {
		refused(t, o)
	}
	assert.NotContains(t, s.log.String(), "store panics", "what a panic says may be a secret")
	assert.NotContains(t, w.Body.String(), "canary")
	f.after(t, s, o)
	return failed
}

func refused(t *testing.T, o outcome) {
	t.Helper()
	p := problem(t, o.ResponseRecorder)
	assert.Equal(t, http.StatusServiceUnavailable, o.Code, o.failed)
	assert.Equal(t, "unavailable", p.Code)
	assert.Equal(t, "1", o.Header().Get("Retry-After"))
	for _, cookie := range o.Header().Values("Set-Cookie") {
		assert.False(t, strings.HasPrefix(cookie, "__Host-session=cs_"), "a refused request hands out a cookie")
	}
}

// A store that stays down refuses everything that needs it, and nothing else.
func TestStoreThatStaysDown(t *testing.T) {
	t.Parallel()
	store := newFaulty()
	s := set(t, store, "cookie")
	down := func(r *http.Request) int {
		store.arm(1, harmError)
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

// A panic of a store is logged once, with its place and without what it says.
func TestPanicOfAStoreIsLoggedOnce(t *testing.T) {
	t.Parallel()
	store := newFaulty()
	s := set(t, store, "cookie")
	store.arm(1, harmPanic)
	assert.Equal(t, http.StatusServiceUnavailable, s.Do(request("GET", "/in", "", s.device.headers()...)).Code)
	assert.Equal(t, 1, strings.Count(s.log.String(), "a store panicked"))
	assert.Contains(t, s.log.String(), "faulty_session_test.go")
}
