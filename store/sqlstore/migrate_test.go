package sqlstore_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/store/sqlstore"
)

// migrations is how many files there are.
const migrations = 7

// execRaw changes the file behind the store's back.
func execRaw(t *testing.T, path, query string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	defer db.Close()
	_, err = db.ExecContext(t.Context(), query)
	require.NoError(t, err)
}

func countMigrations(t *testing.T, path string) (n int) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	defer db.Close()
	require.NoError(t, db.QueryRowContext(t.Context(), `SELECT count(*) FROM authmodule_migrations`).Scan(&n))
	return n
}

func TestMigrateTwice(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "auth.db")
	s := open(t, path)
	require.NoError(t, s.CreateUser(t.Context(), ada()))
	require.NoError(t, s.Migrate(t.Context(), sqlstore.MigrateAuto))
	_, err := s.UserByID(t.Context(), ada().Subject)
	assert.NoError(t, err)
	assert.Equal(t, migrations, countMigrations(t, path))
}

func TestMigrateStampsWithTheGivenClock(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "auth.db")
	s, err := sqlstore.Open(t.Context(), sqlstore.Options{DSN: path, Now: func() time.Time { return t0 }})
	require.NoError(t, err)
	require.NoError(t, s.Migrate(t.Context(), sqlstore.MigrateAuto))
	require.NoError(t, s.Close())
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	defer db.Close()
	var at int64
	require.NoError(t, db.QueryRowContext(t.Context(), `SELECT applied_at FROM authmodule_migrations`).Scan(&at))
	assert.Equal(t, t0.UnixMicro(), at)
}

func TestMigratePolicies(t *testing.T) {
	t.Parallel()
	s := openBare(t, filepath.Join(t.TempDir(), "auth.db"))
	assert.ErrorContains(t, s.Migrate(t.Context(), "yes"), `unknown policy "yes"`)
	assert.ErrorContains(t, s.Migrate(t.Context(), ""), `unknown policy ""`)
	assert.NoError(t, s.Migrate(t.Context(), sqlstore.MigrateOff))
	err := s.Migrate(t.Context(), sqlstore.MigrateCheck)
	assert.ErrorIs(t, err, sqlstore.ErrMigrationsPending)
	assert.ErrorContains(t, err, "0001_init")
	assert.Error(t, s.CreateUser(t.Context(), ada()), "check and off change nothing")
	require.NoError(t, s.Migrate(t.Context(), sqlstore.MigrateAuto))
	assert.NoError(t, s.Migrate(t.Context(), sqlstore.MigrateCheck))
	assert.NoError(t, s.CreateUser(t.Context(), ada()))
}

func TestMigrateRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, have string
		expected   error
		text       string
	}{
		{
			"changed checksum", `UPDATE authmodule_migrations SET checksum = 'abc' WHERE version = 1`,
			sqlstore.ErrMigrationChanged, "0001_init",
		},
		{
			"newer database", `INSERT INTO authmodule_migrations VALUES (9999, 'passkeys', 'abc', 0)`,
			sqlstore.ErrDatabaseNewer, "9999_passkeys",
		},
		{
			"other numbering", `UPDATE authmodule_migrations SET version = version + 100`,
			sqlstore.ErrMigrationChanged, "0101_init",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "auth.db")
			require.NoError(t, open(t, path).Close())
			execRaw(t, path, c.have)
			s := openBare(t, path)
			for _, policy := range []sqlstore.MigrationPolicy{sqlstore.MigrateAuto, sqlstore.MigrateCheck} {
				err := s.Migrate(t.Context(), policy)
				assert.ErrorIs(t, err, c.expected)
				assert.ErrorContains(t, err, c.text)
			}
			assert.NoError(t, s.Migrate(t.Context(), sqlstore.MigrateOff))
		})
	}
}

// A migration that fails leaves nothing behind.
func TestMigrateIsAllOrNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "auth.db")
	execRaw(t, path, `CREATE TABLE authmodule_assignments (other TEXT)`) // the last table of 0001_init
	s := openBare(t, path)
	assert.ErrorContains(t, s.Migrate(t.Context(), sqlstore.MigrateAuto), "0001_init")
	assert.ErrorIs(t, s.Migrate(t.Context(), sqlstore.MigrateCheck), sqlstore.ErrMigrationsPending)
	execRaw(t, path, `DROP TABLE authmodule_assignments`)
	require.NoError(t, s.Migrate(t.Context(), sqlstore.MigrateAuto))
	assert.NoError(t, s.CreateUser(t.Context(), ada()))
}

func TestMigrateInACancelledContext(t *testing.T) {
	t.Parallel()
	s := openBare(t, filepath.Join(t.TempDir(), "auth.db"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	assert.ErrorIs(t, s.Migrate(ctx, sqlstore.MigrateAuto), context.Canceled)
	assert.ErrorIs(t, s.Migrate(t.Context(), sqlstore.MigrateCheck), sqlstore.ErrMigrationsPending)
}

// Several stores open one absent file and migrate it at once.
func TestMigrateRace(t *testing.T) {
	t.Parallel()
	for range 10 {
		path := filepath.Join(t.TempDir(), "auth.db")
		const n = 6
		start := make(chan struct{})
		errs := make([]error, n)
		var all sync.WaitGroup
		for i := range n {
			all.Go(func() {
				<-start
				s, err := sqlstore.Open(t.Context(), sqlstore.Options{DSN: path})
				if err == nil {
					err = s.Migrate(t.Context(), sqlstore.MigrateAuto)
					defer s.Close()
				}
				errs[i] = err
			})
		}
		close(start)
		all.Wait()
		for _, err := range errs {
			require.NoError(t, err)
		}
		require.Equal(t, migrations, countMigrations(t, path))
	}
}
