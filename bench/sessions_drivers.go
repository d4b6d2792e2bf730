package bench

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"

	"github.com/alexedwards/scs/sqlite3store"
	"github.com/alexedwards/scs/v2"
	scsmem "github.com/alexedwards/scs/v2/memstore"
	_ "modernc.org/sqlite" // both sides' driver

	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/store/memstore"
	"github.com/authmodule/authmodule/store/sqlstore"
)

// driver is a kind of store, of this module and of scs.
type driver struct {
	name, peer string
	// settings say what both sides' store was told, a sentence.
	settings string
	// least is how many times scs's operations in a second the goal asks for, latest which part of its slowest; zero asks for nothing.
	least, latest float64
	// timed is how many operations there are for each that is timed.
	timed int
	// ours and theirs make an empty store each; the second, for the same records, is what it is filled by.
	ours   func(*resources) (store, filler session.Store, err error)
	theirs func(*resources) (store, filler scs.Store, err error)
}

func drivers() []driver {
	return []driver{memoryDriver(), sqliteDriver(), postgresDriver(), redisDriver()}
}

func memoryDriver() driver {
	return driver{
		name: "memory", peer: "scs memstore", settings: "Nothing is written anywhere.", least: 2, timed: 32,
		ours: func(*resources) (_, _ session.Store, _ error) {
			store := memstore.New()
			return store, store, nil
		},
		theirs: func(*resources) (_, _ scs.Store, _ error) {
			store := scsmem.NewWithCleanupInterval(0)
			return store, store, nil
		},
	}
}

func sqliteDriver() driver {
	return driver{
		name: "SQLite", peer: "scs sqlite3store", least: 10, latest: 0.1, timed: 1,
		settings: "Both sides have modernc.org/sqlite, a write-ahead log, and synchronous=FULL.",
		ours:     sqliteOurs, theirs: sqliteTheirs,
	}
}

// sqlitePool opens a pool of connections to a file. With synchronous OFF, which is for filling it, nothing waits for the disk.
func (r *resources) sqlitePool(file, synchronous string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", "file:"+file+"?_txlock=immediate&_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous("+synchronous+")")
	if err != nil {
		return nil, err
	}
	r.closers = append(r.closers, db.Close)
	return db, nil
}

func sqliteOurs(r *resources) (store, filler session.Store, err error) {
	folder, err := r.folder()
	if err != nil {
		return nil, nil, err
	}
	file, ctx := filepath.Join(folder, "ours.db"), context.Background()
	opened, err := sqlstore.Open(ctx, sqlstore.Options{DSN: file})
	if err != nil {
		return nil, nil, err
	}
	r.closers = append(r.closers, opened.Close)
	pool, err := r.sqlitePool(file, "OFF")
	if err != nil {
		return nil, nil, err
	}
	hasty, err := sqlstore.New(pool, sqlstore.SQLite)
	return opened, hasty, errors.Join(err, opened.Migrate(ctx, sqlstore.MigrateAuto))
}

func sqliteTheirs(r *resources) (store, filler scs.Store, err error) {
	folder, err := r.folder()
	if err != nil {
		return nil, nil, err
	}
	file := filepath.Join(folder, "theirs.db")
	db, errFull := r.sqlitePool(file, "FULL")
	hasty, errOff := r.sqlitePool(file, "OFF")
	if err := errors.Join(errFull, errOff); err != nil {
		return nil, nil, err
	}
	_, err = db.ExecContext(context.Background(), "CREATE TABLE sessions (token TEXT PRIMARY KEY, data BLOB NOT NULL, expiry REAL NOT NULL);"+
		"CREATE INDEX sessions_expiry_idx ON sessions(expiry);") // as its documentation says
	return sqlite3store.NewWithCleanupInterval(db, 0), sqlite3store.NewWithCleanupInterval(hasty, 0), err
}
