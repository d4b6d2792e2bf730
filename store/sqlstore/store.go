package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/mfa"
	"github.com/authmodule/authmodule/session"
)

// readers is how many connections of a Store that Open opened read at a time.
const readers = 4

// Store implements every store port on an SQL database. Make one with [Open]
// or [New], and let [Store.Migrate] create its tables.
type Store struct {
	dialect Dialect
	now     func() time.Time
	writer  *statements
	reader  *statements
	// log reads the revocation log by a connection of its own, so that no flood of other calls keeps a node from hearing of revocations.
	log *statements
	// owned are the pools that Close closes, in this order.
	owned []*sql.DB
	// outbox says that acts' events are written with them.
	outbox atomic.Bool
}

var (
	_ authn.UserStore            = (*Store)(nil)
	_ authn.PasswordHistoryStore = (*Store)(nil)
	_ authn.PasswordStore        = (*Store)(nil)
	_ authn.RevocationStore      = (*Store)(nil)
	_ authn.OneTimeStore         = (*Store)(nil)
	_ authn.APIKeyStore          = (*Store)(nil)
	_ authn.KeyStore             = (*Store)(nil)
	_ session.Store              = (*Store)(nil)
	_ session.DeviceStore        = (*Store)(nil)
	_ mfa.FactorStore            = (*Store)(nil)
	_ authz.RuleStore            = (*Store)(nil)
	_ authz.AssignmentStore      = (*Store)(nil)
	_ audit.JournalStore         = (*Store)(nil)
)

// Open opens the database. It does not create tables: see [Store.Migrate].
//
// An SQLite file is created when it is absent. One connection writes and up to
// five read, so that reading never waits for writing. On PostgreSQL, Open makes two
// connections, which shows that the server answers, and opens up to [Options.MaxConns] when they are needed.
// One of the connections that read is for the revocation log alone.
func Open(ctx context.Context, o Options) (*Store, error) {
	o = o.WithDefaults()
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if o.Dialect == Postgres {
		return openPostgres(ctx, o)
	}
	return openSQLite(ctx, o)
}

func openSQLite(ctx context.Context, o Options) (*Store, error) {
	path, err := filepath.Abs(o.DSN)
	if err != nil {
		return nil, fmt.Errorf("sqlstore: open: %w", err)
	}
	if err := createFile(path); err != nil {
		return nil, fmt.Errorf("sqlstore: create database file: %w", err)
	}
	writer, err := openPool(ctx, o.Driver, fileURI(path, writerParams), 1)
	if err != nil {
		return nil, err
	}
	reader, err := openPool(ctx, o.Driver, fileURI(path, readerParams), readers)
	if err != nil {
		return nil, errors.Join(err, writer.Close())
	}
	log, err := openPool(ctx, o.Driver, fileURI(path, readerParams), 1)
	if err != nil {
		return nil, errors.Join(err, reader.Close(), writer.Close())
	}
	return &Store{
		dialect: SQLite, now: o.Now,
		writer: newStatements(writer, SQLite), reader: newStatements(reader, SQLite), log: newStatements(log, SQLite),
		owned: []*sql.DB{log, reader, writer},
	}, nil
}

// DriverName is the store's name in health checks: sqlite or postgres.
func (s *Store) DriverName() string { return string(s.dialect) }

// New returns a store that reads and writes through the application's own
// pool, which stays open when the store is closed.
//
// A pool to PostgreSQL needs nothing but the driver of pgx. Its size, and its
// connections' isolation level and search_path, are the application's choice.
//
// Each connection to SQLite must begin transactions as immediate ones and
// wait for locks; with modernc.org/sqlite the data source name says
//
//	file:app.db?_txlock=immediate&_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)
//
// Without an immediate transaction, concurrent writes fail as busy; with a
// weaker synchronous, a power failure can undo the last writes, revocations
// among them.
func New(db *sql.DB, d Dialect) (*Store, error) {
	if db == nil {
		return nil, errors.New("sqlstore: New needs an open *sql.DB")
	}
	if err := d.validate(); err != nil {
		return nil, err
	}
	statements := newStatements(db, d)
	return &Store{dialect: d, now: time.Now, writer: statements, reader: statements, log: statements}, nil
}

// Close releases what the store has opened: the pools of [Open] and the
// prepared statements. Calls after it fail.
func (s *Store) Close() error {
	errs := []error{s.log.close(), s.reader.close(), s.writer.close()}
	for _, db := range s.owned {
		errs = append(errs, db.Close())
	}
	return errors.Join(errs...)
}
