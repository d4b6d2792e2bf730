package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// MigrationPolicy says what [Store.Migrate] may do.
type MigrationPolicy string

// The migration policies.
const (
	// MigrateAuto applies what is missing.
	MigrateAuto MigrationPolicy = "auto"
	// MigrateCheck changes nothing and returns [ErrMigrationsPending] when something is missing.
	MigrateCheck MigrationPolicy = "check"
	// MigrateOff does not look.
	MigrateOff MigrationPolicy = "off"
)

// What [Store.Migrate] finds wrong. Test with errors.Is.
var (
	// ErrMigrationsPending: the database lacks migrations, which the text names.
	ErrMigrationsPending = errors.New("sqlstore: migrations are pending")
	// ErrMigrationChanged: an applied migration is not the one that this program has.
	ErrMigrationChanged = errors.New("sqlstore: an applied migration differs from this program's")
	// ErrDatabaseNewer: a newer program has migrated the database.
	ErrDatabaseNewer = errors.New("sqlstore: the database is newer than this program")
)

const (
	createMigrations = `CREATE TABLE IF NOT EXISTS authmodule_migrations (
		version    INTEGER NOT NULL PRIMARY KEY,
		name       TEXT    NOT NULL,
		checksum   TEXT    NOT NULL,
		applied_at BIGINT  NOT NULL)`

	appliedMigrations = `SELECT version, name, checksum FROM authmodule_migrations ORDER BY version`

	insertMigration = `INSERT INTO authmodule_migrations (version, name, checksum, applied_at) VALUES (?, ?, ?, ?)`
)

// Migrate brings the database to this program's schema, as far as the policy
// allows. Each migration is one transaction that holds SQLite's write lock, or an advisory lock of PostgreSQL, so of
// several processes that start at once one applies it and the others wait. It
// never goes back to an older schema, and a database that is up to date is
// only read.
func (s *Store) Migrate(ctx context.Context, policy MigrationPolicy) error {
	switch policy {
	case MigrateOff:
		return nil
	case MigrateAuto, MigrateCheck:
	default:
		return fmt.Errorf("sqlstore: migrate: unknown policy %q: use auto, check or off", policy)
	}
	known, err := s.dialect.migrations()
	if err != nil {
		return fail(ctx, "migrate", err)
	}
	missing, err := s.pending(ctx, s.reader, known)
	if err != nil {
		return fail(ctx, "migrate", err)
	}
	if policy == MigrateCheck {
		return pendingError(missing)
	}
	for _, m := range missing {
		if err := s.apply(ctx, known, m); err != nil {
			return err
		}
	}
	return nil
}

// apply applies m unless another process has done so meanwhile.
func (s *Store) apply(ctx context.Context, known []migration, m migration) error {
	return s.write(ctx, "migrate "+m.String(), func(t txn) error {
		if err := t.lock(ctx, "migrations"); err != nil {
			return err
		}
		if _, err := t.ExecContext(ctx, createMigrations); err != nil {
			return err
		}
		missing, err := s.pending(ctx, t, known)
		if err != nil || len(missing) == 0 || missing[0].version > m.version {
			return err
		}
		if _, err := t.ExecContext(ctx, m.sql); err != nil {
			return err
		}
		_, err = t.exec(ctx, insertMigration, m.version, m.name, m.checksum, micros(s.now()))
		return err
	})
}

// pending are the known migrations that the database lacks, in order.
func (s *Store) pending(ctx context.Context, r runner, known []migration) ([]migration, error) {
	done, err := s.applied(ctx, r)
	if err != nil {
		return nil, err
	}
	for i, m := range done {
		switch {
		case i >= len(known):
			return nil, fmt.Errorf("%w: it has %s: run the newer version", ErrDatabaseNewer, m)
		case m.version != known[i].version || m.checksum != known[i].checksum:
			return nil, fmt.Errorf("%w: the database has %s with checksum %.12s, the program has %s with %.12s",
				ErrMigrationChanged, m, m.checksum, known[i], known[i].checksum)
		}
	}
	return known[len(done):], nil
}

// applied are the migrations that the database has, in order.
func (s *Store) applied(ctx context.Context, r runner) ([]migration, error) {
	found, err := oneOf(ctx, r, scanInt, s.dialect.tableExists(), "authmodule_migrations")
	if err != nil || found == 0 {
		return nil, err
	}
	return allOf(ctx, r, scanMigration, appliedMigrations)
}

func scanMigration(row scanner) (m migration, err error) {
	err = row.Scan(&m.version, &m.name, &m.checksum)
	return m, err
}

func pendingError(missing []migration) error {
	if len(missing) == 0 {
		return nil
	}
	var names []string
	for _, m := range missing {
		names = append(names, m.String())
	}
	return fmt.Errorf("%w: %s: migrate with the policy auto", ErrMigrationsPending, strings.Join(names, ", "))
}
