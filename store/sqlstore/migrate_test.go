package sqlstore_test

import (
	"context"
	"database/sql"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/store/sqlstore"
)

// execRaw changes the file behind the store's back.
func execRaw(t *testing.T, path, query string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	defer db.Close()
	_, err = db.ExecContext(t.Context(), query)
	require.NoError(t, err)
}

func TestMigrateTwice(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, d database) {
		s := d.open(t)
		require.NoError(t, s.CreateUser(t.Context(), ada()))
		require.NoError(t, s.Migrate(t.Context(), sqlstore.MigrateAuto))
		_, err := s.UserByID(t.Context(), ada().Subject)
		assert.NoError(t, err)
		d.requireMigrations(t)
	})
}

func TestMigrateStampsWithTheGivenClock(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, d database) {
		o := d.options()
		o.Now = func() time.Time { return t0 }
		s, err := sqlstore.Open(t.Context(), o)
		require.NoError(t, err)
		require.NoError(t, s.Migrate(t.Context(), sqlstore.MigrateAuto))
		require.NoError(t, s.Close())
		assert.Equal(t, t0.UnixMicro(), d.number(t, `SELECT max(applied_at) FROM authmodule_migrations`))
	})
}

func TestMigratePolicies(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, d database) {
		s := d.openBare(t)
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
	})
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
			onBoth(t, func(t *testing.T, d database) {
				d.open(t)
				d.exec(t, c.have)
				s := d.openBare(t)
				for _, policy := range []sqlstore.MigrationPolicy{sqlstore.MigrateAuto, sqlstore.MigrateCheck} {
					err := s.Migrate(t.Context(), policy)
					assert.ErrorIs(t, err, c.expected)
					assert.ErrorContains(t, err, c.text)
				}
				assert.NoError(t, s.Migrate(t.Context(), sqlstore.MigrateOff))
			})
		})
	}
}

// A migration that fails leaves nothing behind.
func TestMigrateIsAllOrNothing(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, d database) {
		d.exec(t, `CREATE TABLE authmodule_assignments (other TEXT)`) // a late table of 0001_init
		s := d.openBare(t)
		assert.ErrorContains(t, s.Migrate(t.Context(), sqlstore.MigrateAuto), "0001_init")
		assert.ErrorIs(t, s.Migrate(t.Context(), sqlstore.MigrateCheck), sqlstore.ErrMigrationsPending)
		d.exec(t, `DROP TABLE authmodule_assignments`)
		require.NoError(t, s.Migrate(t.Context(), sqlstore.MigrateAuto))
		assert.NoError(t, s.CreateUser(t.Context(), ada()))
	})
}

func TestMigrateInACancelledContext(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, d database) {
		s := d.openBare(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		assert.ErrorIs(t, s.Migrate(ctx, sqlstore.MigrateAuto), context.Canceled)
		assert.ErrorIs(t, s.Migrate(t.Context(), sqlstore.MigrateCheck), sqlstore.ErrMigrationsPending)
	})
}

// Several stores open one empty database, in SQLite an absent file, and migrate it at once.
func TestMigrateRace(t *testing.T) {
	t.Parallel()
	for range 5 {
		onBoth(t, migrateRace)
	}
}

func migrateRace(t *testing.T, d database) {
	const n = 6
	start := make(chan struct{})
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			<-start
			s, err := sqlstore.Open(t.Context(), d.options())
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
	d.requireMigrations(t)
}
