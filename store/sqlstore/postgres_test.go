package sqlstore_test

import (
	"database/sql"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/internal/peer"
	"github.com/authmodule/authmodule/store/sqlstore"
	"github.com/authmodule/authmodule/store/storetest"
)

// isolations are parameters of an address that set the connections' default.
var isolations = map[string]string{
	"read committed":  "&default_transaction_isolation=read%20committed",
	"repeatable read": "&default_transaction_isolation=repeatable%20read",
	"serializable":    "&default_transaction_isolation=serializable",
}

func TestConformanceOnPostgreSQL(t *testing.T) {
	t.Parallel()
	runOpen(t, isolations["read committed"])
}

func TestConformanceOfAnApplicationsPoolOnPostgreSQL(t *testing.T) {
	t.Parallel()
	runPool(t, isolations["serializable"])
}

// The other ways to set the connections. A pooler of transactions needs the one in which the driver keeps no statements on a connection.
func TestSoakConformanceOnPostgreSQL(t *testing.T) {
	peer.Soak(t)
	t.Run("serializable", func(t *testing.T) { runOpen(t, isolations["serializable"]) })
	t.Run("repeatable read", func(t *testing.T) { runOpen(t, isolations["repeatable read"]) })
	t.Run("pooler", func(t *testing.T) { runOpen(t, "&default_query_exec_mode=exec") })
	t.Run("pool", func(t *testing.T) { runPool(t, isolations["read committed"]) })
}

func runOpen(t *testing.T, parameters string) {
	t.Helper()
	storetest.Run(t, func(t *testing.T) storetest.Stores {
		return stores(openPostgres(t, sqlstore.PostgresDSN(t)+parameters))
	})
}

func runPool(t *testing.T, parameters string) {
	t.Helper()
	storetest.Run(t, func(t *testing.T) storetest.Stores {
		s, err := sqlstore.New(pool(t, sqlstore.PostgresDSN(t)+parameters), sqlstore.Postgres)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, s.Close()) })
		require.NoError(t, s.Migrate(t.Context(), sqlstore.MigrateAuto))
		return stores(s)
	})
}

// pool is an application's own.
func pool(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", dsn)
	require.NoError(t, err)
	db.SetMaxOpenConns(4)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

// openPostgres opens the database and applies the migrations.
func openPostgres(t *testing.T, dsn string) *sqlstore.Store {
	t.Helper()
	s := openPostgresBare(t, dsn)
	require.NoError(t, s.Migrate(t.Context(), sqlstore.MigrateAuto))
	return s
}

func openPostgresBare(t *testing.T, dsn string) *sqlstore.Store {
	t.Helper()
	s, err := sqlstore.Open(t.Context(), sqlstore.Options{Dialect: sqlstore.Postgres, DSN: dsn, MaxConns: 6})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}
