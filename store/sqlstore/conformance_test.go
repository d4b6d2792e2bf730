package sqlstore_test

import (
	"database/sql"
	"testing"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/authmodule/authmodule/internal/sqlitetest"
	"github.com/authmodule/authmodule/store/sqlstore"
	"github.com/authmodule/authmodule/store/storetest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) storetest.Stores {
		return stores(open(t, sqlitetest.Path(t)))
	})
}

func TestConformanceOfAnApplicationsPool(t *testing.T) {
	t.Parallel()
	const params = "?_txlock=immediate&_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)"
	storetest.Run(t, func(t *testing.T) storetest.Stores {
		db, err := sql.Open("sqlite", "file:"+sqlitetest.Path(t)+params)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, db.Close()) })
		db.SetMaxOpenConns(4)
		s, err := sqlstore.New(db, sqlstore.SQLite)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, s.Close()) })
		require.NoError(t, s.Migrate(t.Context(), sqlstore.MigrateAuto))
		return stores(s)
	})
}

func stores(s *sqlstore.Store) storetest.Stores {
	return storetest.Stores{
		Users: s, Passwords: s, History: s, Revocations: s, OneTimes: s, Counters: s, APIKeys: s, Keys: s,
		Sessions: s, Devices: s, Factors: s, Rules: s, Assignments: s, Journal: s,
	}
}

// open opens the file and applies the migrations.
func open(t *testing.T, path string) *sqlstore.Store {
	t.Helper()
	s := openBare(t, path)
	require.NoError(t, s.Migrate(t.Context(), sqlstore.MigrateAuto))
	return s
}

// openBare opens the file, and closes the store when the test ends.
func openBare(t *testing.T, path string) *sqlstore.Store {
	t.Helper()
	s, err := sqlstore.Open(t.Context(), sqlstore.Options{DSN: path})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}
