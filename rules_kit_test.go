package authmodule_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/echoauth"
	"github.com/authmodule/authmodule/fxtest"
	"github.com/authmodule/authmodule/internal/redistest"
	"github.com/authmodule/authmodule/internal/sqlitetest"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/store/memstore"
	"github.com/authmodule/authmodule/store/redisstore"
)

// sharedPlace is where the nodes of one test keep everything.
type sharedPlace struct {
	name    string
	store   authmodule.StoreConfig
	options fx.Option
}

func sharedPlaces(t *testing.T) []sharedPlace {
	t.Helper()
	server := redistest.Start(t, redistest.Options{})
	withRedis := authmodule.StoreConfig{
		Driver: authmodule.DriverSQLite, DSN: setting.Secret(sqlitetest.Path(t)),
		Sessions: authmodule.SessionsRedis, Redis: authmodule.RedisConfig{Addr: []string{server.Addr()}},
		TimeoutSeconds: authmodule.LongestStoreTimeoutSeconds,
	}
	return []sharedPlace{
		{"memory", storeOf(t, "memory"), inMemory(memstore.New())},
		{"sqlite", storeOf(t, "sqlite"), fx.Options()},
		{"postgres", storeOf(t, "postgres"), fx.Options()},
		{"sqlite and redis", withRedis, redisstore.Module()},
	}
}

// boot starts one more node, whose routes ask roles alone, and policies with a resource.
func (p sharedPlace) boot(t *testing.T, change ...func(*authmodule.Config)) *fxtest.App {
	t.Helper()
	return fxtest.NewConfigured(t, func(c *authmodule.Config) {
		c.Store, c.JWT.SecretKey = p.store, "one secret for all nodes of this test"
		c.Throttle.AddressRateLimit = "1000000/minute" // all come from one network, and go on with what was revoked
		c.RBAC.Roles = map[string]authz.RoleConfig{"writer": {Permissions: []string{writing}}}
		c.RBAC.Groups = map[string][]string{"writer": {"press"}}
		c.RBAC.Policies.Resources = map[string]authz.ResourceConfig{"Article": {Actions: []string{writing}}}
		for _, do := range change {
			do(c)
		}
	}, p.options, fx.Supply(slog.New(slog.DiscardHandler)), fx.Provide(echo.New), fx.Invoke(echoauth.Mount), fx.Invoke(addWriting))
}

const writing = "articles.write"

func addWriting(e *echo.Echo) {
	done := func(c echo.Context) error { return c.NoContent(http.StatusOK) }
	e.GET("/articles", done, echoauth.RequirePermissions(writing))
	e.GET("/articles/:id", done, echoauth.RequirePolicy(writing, func(c echo.Context) (authz.Resource, error) {
		return authz.Resource{Type: "Article", ID: c.Param("id")}, nil
	}))
}

// carriers are the ways in which a caller is known.
var carriers = []string{"token", "cookie", "key"}

// guest is an account of a tenant that has a credential of each kind, and the role writer.
type guest struct {
	authn.Subject
	headers map[string]http.Header
}

func newGuest(t *testing.T, app *fxtest.App, tenant authn.Tenant, email string) guest {
	t.Helper()
	user, err := app.Users.CreateUser(t.Context(), authn.RegisterRequest{Tenant: tenant, Email: email, Password: password})
	require.NoError(t, err)
	g := guest{Subject: user.Subject}
	require.NoError(t, app.AuthorizationService.Assign(t.Context(), authn.Principal{}, g.Subject, "writer"))
	token := app.Grant(authn.Principal{Subject: g.Subject}).AccessToken
	p, err := app.Users.AuthenticateToken(t.Context(), token, authn.Client{})
	require.NoError(t, err)
	g.headers = map[string]http.Header{
		"token":  {"Authorization": {"Bearer " + token.Reveal()}},
		"cookie": {"Cookie": {app.Cookie(p).String()}},
		"key":    {"Authorization": {"ApiKey " + app.APIKey(p, writing)}},
	}
	return g
}

// ask has the guest make a request of each kind and returns the worst answer of the two routes.
func (g guest) ask(app *fxtest.App, carrier string) int {
	worst := 0
	for _, path := range []string{"/articles", "/articles/a1"} {
		r := httptest.NewRequest(http.MethodGet, path, http.NoBody)
		r.Header = g.headers[carrier].Clone()
		worst = max(worst, app.Do(r).Code)
	}
	return worst
}

// settle has the nodes remember what was changed a moment ago.
func settle(nodes ...*fxtest.App) {
	for _, node := range nodes {
		node.Advance(11 * time.Second)
	}
}

// act is a change of what the subject may do.
type act func(ctx context.Context, app *fxtest.App, s authn.Subject) error

// freshness is a change after which the guest is refused, and one after which it is let in again.
type freshness struct {
	name string
	// prepare comes after the guest has its credentials; nil is nothing.
	prepare, refuse, restore act
	// refused is the answer after the first, 403 unless it says otherwise, and dead are the carriers that the second does not restore.
	refused int
	dead    []string
}

func (f freshness) code() int {
	if f.refused != 0 {
		return f.refused
	}
	return http.StatusForbidden
}

// some are those of the names.
func some(of []freshness, names ...string) []freshness {
	return slices.DeleteFunc(of, func(f freshness) bool { return !slices.Contains(names, f.name) })
}

// ordinary are the changes that every run has time for on that place.
func (p sharedPlace) ordinary() []freshness {
	if p.name == "memory" {
		return freshnesses()
	}
	return some(freshnesses(), "role taken", "role redefined", "policy changed", "account disabled")
}
