package bench

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"slices"

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
	// ours and theirs make an empty store each.
	ours   func(*resources) (session.Store, error)
	theirs func(*resources) (scs.Store, error)
}

func drivers() []driver {
	return []driver{
		{
			name: "memory", peer: "scs memstore", settings: "Nothing is written anywhere.", least: 2, timed: 32,
			ours:   func(*resources) (session.Store, error) { return memstore.New(), nil },
			theirs: func(*resources) (scs.Store, error) { return scsmem.NewWithCleanupInterval(0), nil },
		},
		{
			name: "SQLite", peer: "scs sqlite3store", least: 10, latest: 0.1, timed: 1,
			settings: "Both sides have modernc.org/sqlite, a write-ahead log, and synchronous=FULL.",
			ours:     sqliteOurs, theirs: sqliteTheirs,
		},
	}
}

func sqliteOurs(r *resources) (session.Store, error) {
	folder, err := r.folder()
	if err != nil {
		return nil, err
	}
	store, err := sqlstore.Open(context.Background(), sqlstore.Options{DSN: filepath.Join(folder, "ours.db")})
	if err != nil {
		return nil, err
	}
	r.closers = append(r.closers, store.Close)
	return store, store.Migrate(context.Background(), sqlstore.MigrateAuto)
}

func sqliteTheirs(r *resources) (scs.Store, error) {
	folder, err := r.folder()
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(folder, "theirs.db")+
		"?_txlock=immediate&_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	if err != nil {
		return nil, err
	}
	r.closers = append(r.closers, db.Close)
	_, err = db.ExecContext(context.Background(), "CREATE TABLE sessions (token TEXT PRIMARY KEY, data BLOB NOT NULL, expiry REAL NOT NULL);"+
		"CREATE INDEX sessions_expiry_idx ON sessions(expiry);") // as its documentation says
	return sqlite3store.NewWithCleanupInterval(db, 0), err
}

// resources are what a case has opened, closed in the opposite order.
type resources struct{ closers []func() error }

func (r *resources) folder() (string, error) {
	dir, err := os.MkdirTemp("", "authmodule-bench-*")
	r.closers = append(r.closers, func() error { return os.RemoveAll(dir) })
	return dir, err
}

func (r *resources) close() error {
	var errs []error
	for _, c := range slices.Backward(r.closers) {
		errs = append(errs, c())
	}
	r.closers = nil
	return errors.Join(errs...)
}
