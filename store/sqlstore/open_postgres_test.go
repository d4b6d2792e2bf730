package sqlstore_test

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/store/sqlstore"
)

func TestOpenPostgresRefuses(t *testing.T) {
	t.Parallel()
	const dsn = "postgres://ada@127.0.0.1:1/auth"
	for _, c := range []struct {
		name     string
		have     sqlstore.Options
		expected string
	}{
		{"no DSN", sqlstore.Options{}, "sqlstore: DSN is empty: give the database's address"},
		{"a file", sqlstore.Options{DSN: "auth.db"}, "DSN is no address of PostgreSQL"},
		{"another database's address", sqlstore.Options{DSN: "mysql://ada@localhost/auth"}, "DSN is no address of PostgreSQL"},
		{"other driver", sqlstore.Options{Driver: "postgres", DSN: dsn}, `driver "postgres" is not supported: use "pgx"`},
		{"no connections", sqlstore.Options{MaxConns: -1, DSN: dsn}, "MaxConns is negative"},
		{"no lifetime", sqlstore.Options{ConnLifetime: -time.Second, DSN: dsn}, "ConnLifetime is negative"},
		{"nobody there", sqlstore.Options{DSN: dsn}, "sqlstore: open: "},
		{"other dialect", sqlstore.Options{Dialect: "oracle", DSN: dsn}, `dialect "oracle" is not supported`},
		{"pool for SQLite", sqlstore.Options{Dialect: sqlstore.SQLite, MaxConns: 2, DSN: "auth.db"}, "MaxConns and ConnLifetime are for PostgreSQL"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.have.Dialect == "" {
				c.have.Dialect = sqlstore.Postgres
			}
			s, err := sqlstore.Open(t.Context(), c.have)
			assert.ErrorContains(t, err, c.expected)
			assert.Nil(t, s)
		})
	}
}

// No error of Open has the password, however the DSN is written and whatever is wrong.
func TestPasswordIsInNoError(t *testing.T) {
	t.Parallel()
	const secret = "hunter2canary"
	refused := strings.Replace(strings.Replace(sqlstore.PostgresDSN(t), "lex@", "nobody:%s@", 1), "search_path", "application_name", 1)
	for _, dsn := range []string{
		refused,
		"postgres://ada:%s@127.0.0.1:1/auth",
		"postgres://ada:%s@127.0.0.1:port/auth",
		"postgres://ada:%s@[::1/auth",
		"postgres://ada:%s%%zz@127.0.0.1/auth",
		"postgres://ada:a%%40%s@127.0.0.1:1/auth",
		"postgres://127.0.0.1:1/auth?user=ada&password=%s",
		"postgres://127.0.0.1:1/auth?password=%s&sslmode=never",
		"postgres://ada:%s@127.0.0.1:1/auth?sslmode=never",
		"ada:%s@127.0.0.1:1/auth",
		"host=127.0.0.1 port=1 user=ada password=%s",
		"host=127.0.0.1 port=1 user=ada password='%s x' sslmode=never",
		"host=127.0.0.1 port=x password = %s",
		"password=%s host='",
		"mysql://ada:%s@127.0.0.1/auth",
	} {
		s, err := sqlstore.Open(t.Context(), sqlstore.Options{Dialect: sqlstore.Postgres, DSN: fmt.Sprintf(dsn, secret)})
		if !assert.Error(t, err, dsn) {
			assert.NoError(t, s.Close())
			continue
		}
		for ; err != nil; err = unwrapOne(err) {
			assert.NotContains(t, err.Error(), secret, dsn)
			assert.NotContains(t, fmt.Sprintf("%+v %#v", err, err), secret, dsn)
		}
	}
}

func unwrapOne(err error) error {
	if inner := errors.Unwrap(err); inner != nil {
		return inner
	}
	var joined interface{ Unwrap() []error }
	if errors.As(err, &joined) {
		return joined.Unwrap()[0]
	}
	return nil
}

// The tables are in the first schema of the search path, whatever the others have.
func TestSchemaOfTheSearchPath(t *testing.T) {
	t.Parallel()
	first, second := sqlstore.PostgresDSN(t), sqlstore.PostgresDSN(t)
	_, name, _ := strings.Cut(first, "search_path=")
	openPostgres(t, first)
	s := openPostgresBare(t, second+","+name)
	require.ErrorIs(t, s.Migrate(t.Context(), sqlstore.MigrateCheck), sqlstore.ErrMigrationsPending)
	require.NoError(t, s.Migrate(t.Context(), sqlstore.MigrateAuto))
	require.NoError(t, s.CreateUser(t.Context(), ada()))
	_, err := openPostgresBare(t, first).UserByID(t.Context(), ada().Subject)
	assert.ErrorIs(t, err, authn.ErrNotFound)
}

// A role that may change rows and no tables is enough once the migrations are applied.
func TestRoleWithoutTables(t *testing.T) {
	t.Parallel()
	d := postgresDatabase(t)
	d.open(t)
	_, schema, _ := strings.Cut(d.dsn, "search_path=")
	for _, command := range []string{
		"CREATE ROLE app_" + schema + " LOGIN",
		"GRANT USAGE ON SCHEMA " + schema + " TO app_" + schema,
		"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA " + schema + " TO app_" + schema,
	} {
		d.exec(t, command)
	}
	s := openPostgresBare(t, strings.Replace(d.dsn, "lex@", "app_"+schema+"@", 1))
	require.NoError(t, s.Migrate(t.Context(), sqlstore.MigrateCheck))
	require.NoError(t, s.Migrate(t.Context(), sqlstore.MigrateAuto), "an up-to-date database is only read")
	for name, err := range everyError(t, s, time.Minute) {
		if err != nil {
			assert.NotContains(t, err.Error(), "permission denied", name)
		}
	}
	require.NoError(t, s.CreateUser(t.Context(), numbered(1)))
}

func TestPoolBounds(t *testing.T) {
	t.Parallel()
	dsn := sqlstore.PostgresDSN(t) + "&application_name=bounded"
	s, err := sqlstore.Open(t.Context(), sqlstore.Options{Dialect: sqlstore.Postgres, DSN: dsn, MaxConns: 2})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	require.NoError(t, s.Migrate(t.Context(), sqlstore.MigrateAuto))
	everyError(t, s, time.Minute)
	db, err := sql.Open("pgx", dsn+"er")
	require.NoError(t, err)
	defer db.Close()
	var n int
	require.NoError(t, db.QueryRowContext(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE application_name = 'bounded'`).Scan(&n))
	assert.Equal(t, 2, n)
}

func TestUseAfterCloseOnPostgreSQL(t *testing.T) {
	t.Parallel()
	s := openPostgres(t, sqlstore.PostgresDSN(t))
	require.NoError(t, s.Close())
	for name, err := range everyError(t, s, time.Minute) {
		assert.ErrorContains(t, err, "closed", name)
	}
}
