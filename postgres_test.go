package authmodule_test

import (
	"database/sql"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/fxtest"
	"github.com/authmodule/authmodule/internal/pgtest"
	"github.com/authmodule/authmodule/internal/sqlitetest"
	"github.com/authmodule/authmodule/setting"
)

// postgres is the server of all tests that need no server of their own. TestMain stops it.
var postgres pgtest.Shared

// storeOf is an empty store of a driver, or of "postgres, serializable".
func storeOf(t *testing.T, driver string) authmodule.StoreConfig {
	t.Helper()
	// A thousand wait for one writer, or for ten connections.
	c := authmodule.StoreConfig{Driver: driver, TimeoutSeconds: authmodule.LongestStoreTimeoutSeconds}
	switch driver {
	case "sqlite":
		c.DSN = setting.Secret(sqlitetest.Path(t))
	case "postgres":
		c.DSN = setting.Secret(postgres.Schema(t))
	case "postgres, serializable":
		c.Driver, c.DSN = "postgres", setting.Secret(postgres.Schema(t)+"&default_transaction_isolation=serializable")
	}
	return c
}

// onPostgres configures a node of an application that keeps everything in the database.
func onPostgres(dsn string) func(*authmodule.Config) {
	return func(c *authmodule.Config) {
		c.JWT.SecretKey = "one secret for all nodes of this test"
		c.Store = authmodule.StoreConfig{Driver: authmodule.DriverPostgres, DSN: setting.Secret(dsn), MaxConnections: 4}
	}
}

func TestPostgresFromRegistrationToReuse(t *testing.T) {
	t.Parallel()
	for name, isolation := range map[string]string{"read committed": "", "serializable": "&default_transaction_isolation=serializable"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := postgres.Schema(t) + isolation
			a, b := fxtest.NewConfigured(t, onPostgres(dsn)), fxtest.NewConfigured(t, onPostgres(dsn))
			_, err := a.Users.Register(t.Context(), authn.RegisterRequest{Email: email, Password: password})
			require.NoError(t, err)
			_, err = b.Users.Register(t.Context(), authn.RegisterRequest{Email: email, Password: password})
			require.ErrorIs(t, err, authn.ErrEmailTaken)

			first := loginAt(t, b)
			next, err := a.Users.Refresh(t.Context(), first.RefreshToken, authn.Client{})
			require.NoError(t, err)
			_, err = b.Users.AuthenticateToken(t.Context(), next.AccessToken, authn.Client{})
			require.NoError(t, err)
			_, err = b.Users.Refresh(t.Context(), first.RefreshToken, authn.Client{})
			require.ErrorIs(t, err, authn.ErrRefreshReused)
			requireEndedAt(t, a, next)

			second := loginAt(t, a)
			ada, err := b.Users.AuthenticateToken(t.Context(), second.AccessToken, authn.Client{})
			require.NoError(t, err)
			require.NoError(t, a.Users.Logout(t.Context(), ada))
			requireEndedAt(t, b, second)
		})
	}
}

func loginAt(t *testing.T, app *fxtest.App) authn.Grant {
	t.Helper()
	grant, err := app.Users.Login(t.Context(), authn.LoginRequest{Email: email, Password: password})
	require.NoError(t, err)
	return grant
}

// requireEndedAt requires that the node refuses the grant's tokens, as soon as it has heard of it.
func requireEndedAt(t *testing.T, app *fxtest.App, g authn.Grant) {
	t.Helper()
	require.Eventually(t, func() bool {
		_, err := app.Users.AuthenticateToken(t.Context(), g.AccessToken, authn.Client{})
		return err != nil
	}, 10*time.Second, 10*time.Millisecond)
	_, err := app.Users.Refresh(t.Context(), g.RefreshToken, authn.Client{})
	require.ErrorIs(t, err, authn.ErrRefreshInvalid)
}

func TestUseDatabaseServesThePostgresDriver(t *testing.T) {
	t.Parallel()
	db, err := sql.Open("pgx", postgres.Schema(t))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	var users *authn.Service
	app := fx.New(fx.NopLogger,
		authmodule.Stub(func(c *authmodule.Config) { c.Store.Driver = authmodule.DriverPostgres }),
		authmodule.UseDatabase(func() *sql.DB { return db }), fx.Populate(&users),
	)
	require.NoError(t, app.Start(t.Context()))
	_, err = users.Register(t.Context(), authn.RegisterRequest{Email: email, Password: password})
	require.NoError(t, err)
	require.NoError(t, app.Stop(t.Context()))
	var rows int
	require.NoError(t, db.QueryRow("SELECT count(*) FROM authmodule_users").Scan(&rows), "the application's pool stays open")
	assert.Equal(t, 1, rows)
}

func TestPostgresThatCannotBeOpenedIsAStartError(t *testing.T) {
	t.Parallel()
	use := func(dsn setting.Secret) fx.Option {
		return authmodule.Stub(func(c *authmodule.Config) { c.Store.Driver, c.Store.DSN = authmodule.DriverPostgres, dsn })
	}
	err := build(use(""))
	assert.ErrorContains(t, err, "LEX_AUTH__STORE__DSN")
	assert.ErrorContains(t, err, "postgres://")
	err = build(use("postgres://ada:" + canary + "@127.0.0.1:1/auth"))
	assert.ErrorContains(t, err, "sqlstore: open")
	assert.False(t, strings.Contains(err.Error(), canary))
}
