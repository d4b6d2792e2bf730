package sqlstore

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// DefaultDriver is the default of [Options.Driver], the name under which
// modernc.org/sqlite registers itself.
const DefaultDriver = "sqlite"

// Options are what [Open] needs to know.
type Options struct {
	// Driver is the registered name of the database/sql driver. It must be
	// modernc.org/sqlite; for another one, open the pool and call [New].
	// Defaults to "sqlite".
	Driver string
	// DSN is the path of the database file, without parameters; any character
	// is taken as it stands. The folder must exist. An absent file is created,
	// readable by its owner only.
	DSN string
	// Now is the clock that stamps applied migrations. Defaults to time.Now.
	Now func() time.Time
}

// WithDefaults returns a copy in which every unset field has its default.
func (o Options) WithDefaults() Options {
	if o.Driver == "" {
		o.Driver = DefaultDriver
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Validate says what is wrong with the options, without touching the file.
func (o Options) Validate() error {
	if o.Driver != DefaultDriver {
		return fmt.Errorf("sqlstore: driver %q is not supported: use %q, or open the pool yourself and call New", o.Driver, DefaultDriver)
	}
	if !slices.Contains(sql.Drivers(), o.Driver) {
		return fmt.Errorf("sqlstore: no database/sql driver %q is registered: add  import _ \"modernc.org/sqlite\"  to the application", o.Driver)
	}
	return validDSN(o.DSN)
}

func validDSN(dsn string) error {
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
