package sqlstore

import (
	"cmp"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// The defaults of [Options].
const (
	// DefaultDriver is the name under which modernc.org/sqlite registers itself.
	DefaultDriver = "sqlite"
	// DefaultPostgresDriver is the name under which github.com/jackc/pgx/v5/stdlib registers itself.
	DefaultPostgresDriver = "pgx"
	// DefaultMaxConns is how many connections are opened to PostgreSQL at most.
	DefaultMaxConns = 10
	// DefaultConnLifetime is how long a connection to PostgreSQL is used.
	DefaultConnLifetime = 30 * time.Minute
)

// Options are what [Open] needs to know.
type Options struct {
	// Dialect is the kind of database. Defaults to SQLite.
	Dialect Dialect
	// Driver is the registered name of the database/sql driver: that of
	// modernc.org/sqlite for SQLite, of github.com/jackc/pgx/v5/stdlib for
	// PostgreSQL. For another one, open the pool and call [New]. Defaults to "sqlite" or "pgx".
	Driver string
	// DSN says where the database is.
	//
	// For SQLite it is the path of the database file, without parameters; any character
	// is taken as it stands. The folder must exist. An absent file is created,
	// readable by its owner only.
	//
	// For PostgreSQL it is an address or a list of keywords, as libpq takes them:
	// postgres://user:password@host:5432/database?sslmode=verify-full. No error has the password.
	DSN string
	// MaxConns bounds the connections to PostgreSQL, of each process. All processes
	// together must stay below the server's max_connections. Of two or more, one reads the revocation log alone. Defaults to 10. Not for SQLite.
	MaxConns int
	// ConnLifetime is how long a connection to PostgreSQL is used before it is
	// replaced, so that load comes to new servers behind one address. Defaults to 30 minutes. Not for SQLite.
	ConnLifetime time.Duration
	// Now is the clock that stamps applied migrations. Defaults to time.Now.
	Now func() time.Time
}

// WithDefaults returns a copy in which every unset field has its default.
func (o Options) WithDefaults() Options {
	o.Dialect = cmp.Or(o.Dialect, SQLite)
	o.Driver = cmp.Or(o.Driver, o.Dialect.driver())
	if o.Dialect == Postgres {
		o.MaxConns = cmp.Or(o.MaxConns, DefaultMaxConns)
		o.ConnLifetime = cmp.Or(o.ConnLifetime, DefaultConnLifetime)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Validate says what is wrong with the options, without touching the database.
func (o Options) Validate() error {
	if err := o.Dialect.validate(); err != nil {
		return err
	}
	if want := o.Dialect.driver(); o.Driver != want {
		return fmt.Errorf("sqlstore: driver %q is not supported: use %q, or open the pool yourself and call New", o.Driver, want)
	}
	if !slices.Contains(sql.Drivers(), o.Driver) {
		return fmt.Errorf("sqlstore: no database/sql driver %q is registered: add  import _ %q  to the application", o.Driver, o.Dialect.imports())
	}
	if o.Dialect == Postgres {
		return o.validPostgres()
	}
	if o.MaxConns != 0 || o.ConnLifetime != 0 {
		return errors.New("sqlstore: MaxConns and ConnLifetime are for PostgreSQL: SQLite has one connection that writes")
	}
	return validPath(o.DSN)
}

// driver is the name of the dialect's driver, and imports is the package that registers it.
func (d Dialect) driver() string {
	if d == Postgres {
		return DefaultPostgresDriver
	}
	return DefaultDriver
}

func (d Dialect) imports() string {
	if d == Postgres {
		return "github.com/jackc/pgx/v5/stdlib"
	}
	return "modernc.org/sqlite"
}

func (o Options) validPostgres() error {
	switch {
	case o.MaxConns < 1:
		return errors.New("sqlstore: MaxConns is negative: give it 1 or more, or 0 for the default")
	case o.ConnLifetime < 0:
		return errors.New("sqlstore: ConnLifetime is negative: give it a duration, or 0 for the default")
	case o.DSN == "":
		return errors.New("sqlstore: DSN is empty: give the database's address, such as postgres://user@host:5432/database")
	}
	if !isPostgresAddress(o.DSN) && !strings.Contains(o.DSN, "=") {
		return errors.New("sqlstore: DSN is no address of PostgreSQL: give one such as postgres://user@host:5432/database")
	}
	return nil
}

func isPostgresAddress(dsn string) bool {
	if !strings.HasPrefix(dsn, "postgres://") && !strings.HasPrefix(dsn, "postgresql://") {
		return false
	}
	_, err := url.Parse(dsn)
	return err == nil
}

func validPath(dsn string) error {
	switch {
	case dsn == "":
		return errors.New("sqlstore: DSN is empty: name the database file, such as auth.db")
	case strings.Contains(dsn, ":memory:"):
		return errors.New("sqlstore: an SQLite database in memory is not supported: use the memory driver (memstore)")
	case strings.HasPrefix(dsn, "file:"):
		return errors.New("sqlstore: DSN is a file: address: give the plain path, such as auth.db")
	case strings.ContainsRune(dsn, 0):
		return errors.New("sqlstore: DSN contains a zero byte")
	}
	return nil
}
