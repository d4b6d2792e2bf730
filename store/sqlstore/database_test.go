package sqlstore_test

import (
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/store/sqlstore"
)

// database is an empty database of one dialect.
type database struct {
	dialect     sqlstore.Dialect
	driver, dsn string
}

// onBoth runs a test on SQLite and on PostgreSQL.
func onBoth(t *testing.T, run func(t *testing.T, d database)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		run(t, sqliteDatabase(t))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		run(t, postgresDatabase(t))
	})
}

func (d database) options() sqlstore.Options {
	return sqlstore.Options{Dialect: d.dialect, DSN: d.dsn}
}

// openBare opens the database, and closes the store when the test ends.
func (d database) openBare(t *testing.T) *sqlstore.Store {
	t.Helper()
	s, err := sqlstore.Open(t.Context(), d.options())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// open opens the database and applies the migrations.
func (d database) open(t *testing.T) *sqlstore.Store {
	t.Helper()
	s := d.openBare(t)
	require.NoError(t, s.Migrate(t.Context(), sqlstore.MigrateAuto))
	return s
}

// exec changes the database behind the store's back.
func (d database) exec(t *testing.T, query string) {
	t.Helper()
	db := d.pool(t)
	_, err := db.ExecContext(t.Context(), query)
	require.NoError(t, err)
}

// number is what a query of one number finds.
func (d database) number(t *testing.T, query string) (n int64) {
	t.Helper()
	require.NoError(t, d.pool(t).QueryRowContext(t.Context(), query).Scan(&n))
	return n
}

func (d database) pool(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open(d.driver, d.dsn)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

// requireMigrations requires that each migration was applied once.
func (d database) requireMigrations(t *testing.T) {
	t.Helper()
	files, err := filepath.Glob("migrations/" + string(d.dialect) + "/*.sql")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	require.EqualValues(t, len(files), d.number(t, `SELECT count(*) FROM authmodule_migrations`))
}

func sqliteDatabase(t *testing.T) database {
	t.Helper()
	return database{sqlstore.SQLite, "sqlite", filepath.Join(t.TempDir(), "auth.db")}
}

func postgresDatabase(t *testing.T) database {
	t.Helper()
	return database{sqlstore.Postgres, "pgx", sqlstore.PostgresDSN(t)}
}
