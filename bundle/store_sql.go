package bundle

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"go.uber.org/fx"

	"github.com/authmodule/authmodule/internal/slot"
	"github.com/authmodule/authmodule/store/sqlstore"
)

// openWithin is how long a database server may take to answer when the application is built.
const openWithin = 10 * time.Second

func (s Settings) openSQL(in portOverrides) (driver, error) {
	store, err := s.sqlStore(in.Database.List)
	if err != nil {
		return nil, fmt.Errorf("authmodule: open the store (auth.store.dsn, LEX_AUTH__STORE__DSN): %w", err)
	}
	in.Lifecycle.Append(fx.Hook{
		OnStart: func(ctx context.Context) error {
			err := store.Migrate(ctx, sqlstore.MigrationPolicy(s.Store.Migrate))
			if err == nil {
				return nil
			}
			// fx stops only what has started.
			return s.loud(errors.Join(fmt.Errorf("authmodule: prepare the store (auth.store.migrate is %s, LEX_AUTH__STORE__MIGRATE): %w", s.Store.Migrate, err), store.Close()))
		},
		OnStop: func(context.Context) error { return store.Close() },
	})
	return store, nil
}

// sqlStore opens the database, unless the application has its own pool.
func (s Settings) sqlStore(own []slot.Member[*sql.DB]) (*sqlstore.Store, error) {
	dialect := sqlstore.Dialect(s.Store.Driver)
	if len(own) > 0 {
		return sqlstore.New(own[0].Value, dialect)
	}
	if s.Store.DSN == "" {
		what := "name the database file, such as auth.db"
		if dialect == sqlstore.Postgres {
			what = "give the database's address, such as postgres://user@host:5432/database"
		}
		return nil, errors.New("it is not set: " + what + ", or give the module a pool with authmodule.UseDatabase")
	}
	ctx, cancel := context.WithTimeout(context.Background(), openWithin)
	defer cancel()
	options := sqlstore.Options{Dialect: dialect, DSN: s.Store.DSN.Reveal(), Now: s.Now}
	if dialect == sqlstore.Postgres {
		options.MaxConns = s.Store.MaxConnections
	}
	return sqlstore.Open(ctx, options)
}
