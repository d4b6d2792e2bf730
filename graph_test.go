package authmodule_test

import (
	"database/sql"
	"errors"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/echoauth"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/store/memstore"
	"github.com/authmodule/authmodule/transport"

	_ "modernc.org/sqlite"
)

// build runs fx.New, as ValidateApp runs no constructor.
func build(options ...fx.Option) error {
	return fx.New(fx.NopLogger, fx.Options(options...), fx.Invoke(func(*echoauth.Auth) {})).Err()
}

// overrides are all Use options that take one of the seven ports.
var overrides = []struct {
	name string
	use  func(constructor any) fx.Option
	good func() any
}{
	{"UserStore", authmodule.UseUserStore, func() any { return func() authn.UserStore { return memstore.New() } }},
	{"PasswordStore", authmodule.UsePasswordStore, func() any { return func() authn.PasswordStore { return memstore.New() } }},
	{"RevocationStore", authmodule.UseRevocationStore, func() any { return func() authn.RevocationStore { return memstore.New() } }},
	{"CounterStore", authmodule.UseCounterStore, func() any { return func() authn.CounterStore { return memstore.New() } }},
	{"OneTimeStore", authmodule.UseOneTimeStore, func() any { return func() authn.OneTimeStore { return memstore.New() } }},
	{"DeviceStore", authmodule.UseDeviceStore, func() any { return func() session.DeviceStore { return memstore.New() } }},
	{"SessionStore", authmodule.UseSessionStore, func() any { return func() session.Store { return memstore.New() } }},
	{"RuleStore", authmodule.UseRuleStore, func() any { return func() authz.RuleStore { return memstore.New() } }},
	{"AssignmentStore", authmodule.UseAssignmentStore, func() any { return func() authz.AssignmentStore { return memstore.New() } }},
}

func TestOverrideIsUsedFromAnyModule(t *testing.T) {
	t.Parallel()
	for _, o := range overrides {
		t.Run(o.name, func(t *testing.T) {
			t.Parallel()
			used := false
			// The dependency shows that the constructor takes from the graph; the
			// sibling module and the concrete result type are what fx alone ignores silently.
			constructor := func(dependency *sql.DB) *memstore.Store {
				used = dependency != nil
				return memstore.New()
			}
			err := build(
				fx.Module("store", o.use(constructor), fx.Provide(func() *sql.DB { return &sql.DB{} })),
				authmodule.Stub(),
			)
			require.NoError(t, err)
			assert.True(t, used, "the override was not built")
		})
	}
}

func TestBrokenOverrideIsAStartErrorThatNamesItsLine(t *testing.T) {
	t.Parallel()
	type missing struct{}
	cases := []struct {
		name     string
		option   func(use func(any) fx.Option, good any) fx.Option
		expected string
	}{
		{"missing dependency", func(use func(any) fx.Option, _ any) fx.Option {
			return use(func(*missing) *memstore.Store { return memstore.New() })
		}, "missing type: *authmodule_test.missing"},
		{"used twice", func(use func(any) fx.Option, good any) fx.Option {
			return fx.Options(use(good), fx.Module("other", use(good)))
		}, "is used twice: "},
		{"wrong type", func(use func(any) fx.Option, _ any) fx.Option {
			return use(func() string { return "" })
		}, "the constructor must return "},
		{"not a function", func(use func(any) fx.Option, _ any) fx.Option {
			return use(memstore.New())
		}, "must be a constructor"},
		{"nil", func(use func(any) fx.Option, _ any) fx.Option { return use(nil) }, "must be a constructor"},
		{"nil result", func(use func(any) fx.Option, _ any) fx.Option {
			return use(func() *memstore.Store { return nil })
		}, "the constructor returned nil"},
		{"error", func(use func(any) fx.Option, _ any) fx.Option {
			return use(func() (*memstore.Store, error) { return nil, errors.New("no route to the database") })
		}, "no route to the database"},
	}
	for _, o := range overrides {
		for _, c := range cases {
			t.Run(o.name+"/"+c.name, func(t *testing.T) {
				t.Parallel()
				err := build(authmodule.Stub(), c.option(o.use, o.good()))
				require.Error(t, err)
				assert.ErrorContains(t, err, c.expected)
				assert.Regexp(t, `graph_test\.go:\d+`, err.Error())
			})
		}
	}
}

func TestSecondOverrideIsFoundBeforeAnythingIsBuilt(t *testing.T) {
	t.Parallel()
	built := false
	constructor := func() *memstore.Store { built = true; return memstore.New() }
	err := build(authmodule.UseUserStore(constructor), authmodule.Stub(), authmodule.UseUserStore(constructor))
	assert.ErrorContains(t, err, "UseUserStore is used twice")
	assert.False(t, built)
}

func TestOverrideThatNothingConsumesIsAStartError(t *testing.T) {
	t.Parallel()
	err := build(authmodule.Stub(), authmodule.UseDatabase(func() *sql.DB { return &sql.DB{} }))
	assert.ErrorContains(t, err, "authmodule.UseDatabase (")
	assert.ErrorContains(t, err, "nothing consumes it")
}

func TestUseDatabaseServesTheSQLiteDriver(t *testing.T) {
	t.Parallel()
	db, err := sql.Open("sqlite", "file:"+t.TempDir()+"/own.db?_txlock=immediate&_pragma=busy_timeout(5000)")
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	var users *authn.Service
	app := fx.New(fx.NopLogger,
		authmodule.Stub(func(c *authmodule.Config) { c.Store.Driver = "sqlite" }),
		authmodule.UseDatabase(func() *sql.DB { return db }), fx.Populate(&users),
	)
	require.NoError(t, app.Start(t.Context()))
	_, err = users.Register(t.Context(), authn.RegisterRequest{Email: "ada@example.com", Password: "correct horse battery staple"})
	require.NoError(t, err)
	require.NoError(t, app.Stop(t.Context()))
	var rows int
	require.NoError(t, db.QueryRow("SELECT count(*) FROM authmodule_users").Scan(&rows), "the application's pool stays open")
	assert.Equal(t, 1, rows)
}

func TestStoreThatCannotBeOpenedIsAStartError(t *testing.T) {
	t.Parallel()
	err := build(authmodule.Stub(func(c *authmodule.Config) { c.Store.Driver = "sqlite" }))
	assert.ErrorContains(t, err, "LEX_AUTH__STORE__DSN")
	assert.ErrorContains(t, err, "authmodule.UseDatabase")
	err = build(authmodule.Stub(func(c *authmodule.Config) { c.Store.Driver, c.Store.DSN = "sqlite", "no/such/folder/auth.db" }))
	assert.ErrorContains(t, err, "no/such/folder")
}

type namedAuthenticator struct{ transport.Authenticator }

func (namedAuthenticator) Name() string { return "named" }

func TestAddOptionsTakeMany(t *testing.T) {
	t.Parallel()
	var az *authmodule.AuthorizationService
	err := build(
		authmodule.Stub(), fx.Populate(&az),
		authmodule.AddListener(func() audit.Listener { return audit.NewLogListener(nil) }),
		// A listener may depend on the services that tell it.
		fx.Module("other", authmodule.AddListener(func(*authn.Service) audit.Listener { return audit.NewLogListener(nil) })),
		authmodule.AddAuthenticator(func() namedAuthenticator { return namedAuthenticator{} }),
		authmodule.AddEndpoint(func() transport.Endpoint { return transport.Endpoint{Method: "GET", Path: "/more"} }),
		authmodule.AddRoles(authz.Role{Name: "viewer", Permissions: []string{"articles.read"}}),
		fx.Module("more", authmodule.AddRoles(authz.Role{Name: "editor", Inherits: []string{"viewer"}})),
	)
	require.NoError(t, err)
	roles, err := az.Roles(t.Context(), "")
	require.NoError(t, err)
	names := make([]string, 0, len(roles))
	for _, role := range roles {
		names = append(names, role.Name)
	}
	assert.Equal(t, []string{"admin", "editor", "viewer"}, names)
}

func TestRolesThatCannotBeAreAStartError(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name     string
		roles    []authz.Role
		expected string
	}{
		{"unknown parent", []authz.Role{{Name: "editor", Inherits: []string{"viewr"}}}, "viewr"},
		{"cycle", []authz.Role{{Name: "a", Inherits: []string{"b"}}, {Name: "b", Inherits: []string{"a"}}}, "a -> b -> a"},
		{"malformed permission", []authz.Role{{Name: "editor", Permissions: []string{"articles"}}}, "articles"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			assert.ErrorContains(t, build(authmodule.Stub(), authmodule.AddRoles(c.roles...)), c.expected)
		})
	}
}

func TestConfigureTwiceIsAStartError(t *testing.T) {
	t.Parallel()
	assert.ErrorContains(t, build(authmodule.Stub(), authmodule.Stub()), "already provided")
}

func TestServicesAreInTheGraph(t *testing.T) {
	t.Parallel()
	err := build(authmodule.Configure(authmodule.Config{}), fx.Provide(echo.New), fx.Invoke(echoauth.Mount, func(
		*authn.TokenManager, *authz.Service, *session.Manager, *authn.Service, *echoauth.Auth,
		*authmodule.TokenManager, *authmodule.AuthorizationService, *authmodule.SessionManager,
	) {
	}))
	assert.NoError(t, err, "Configure with an empty Config boots")
}
