package bench

import (
	"context"
	"fmt"

	"github.com/alexedwards/scs/goredisstore"
	"github.com/alexedwards/scs/pgxstore"
	"github.com/alexedwards/scs/v2"
	"github.com/jackc/pgx/v5/pgxpool"
	_ "github.com/jackc/pgx/v5/stdlib" // our driver of PostgreSQL
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/authmodule/authmodule/internal/pgtest"
	"github.com/authmodule/authmodule/internal/redistest"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/store/redisstore"
	"github.com/authmodule/authmodule/store/sqlstore"
)

// poolSize is how many connections to PostgreSQL both sides have.
const poolSize = sqlstore.DefaultMaxConns

func postgresDriver() driver {
	return driver{
		name: "PostgreSQL", peer: "scs pgxstore", least: 3, timed: 1,
		settings: fmt.Sprintf("Both sides have one server with its own settings of what is on the disk when (fsync and synchronous_commit are on), and %d connections.", poolSize),
		ours:     postgresOurs, theirs: postgresTheirs,
	}
}

func redisDriver() driver {
	return driver{
		name: "Redis", peer: "scs goredisstore", least: 2.5, timed: 1,
		settings: "Both sides have one server that keeps everything in memory. Ours has rueidis, theirs go-redis.",
		ours:     redisOurs, theirs: redisTheirs,
	}
}

// schema is the address of an empty schema on the case's server.
func (r *resources) schema() (dsn string, err error) {
	err = r.asTest(func(t *standIn) {
		if r.postgres == nil {
			r.postgres = pgtest.Start(t, pgtest.Durable)
		}
		dsn = r.postgres.Schema(t)
	})
	return dsn, err
}

func postgresOurs(r *resources) (store, filler session.Store, err error) {
	dsn, err := r.schema()
	if err != nil {
		return nil, nil, err
	}
	ctx := context.Background()
	opened, err := sqlstore.Open(ctx, sqlstore.Options{Dialect: sqlstore.Postgres, DSN: dsn, MaxConns: poolSize})
	if err != nil {
		return nil, nil, err
	}
	r.closers = append(r.closers, opened.Close)
	return opened, opened, opened.Migrate(ctx, sqlstore.MigrateAuto)
}

func postgresTheirs(r *resources) (store, filler scs.Store, err error) {
	dsn, err := r.schema()
	if err != nil {
		return nil, nil, err
	}
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, fmt.Sprintf("%s&pool_max_conns=%d", dsn, poolSize))
	if err != nil {
		return nil, nil, err
	}
	r.closers = append(r.closers, func() error { pool.Close(); return nil })
	_, err = pool.Exec(ctx, "CREATE TABLE sessions (token TEXT PRIMARY KEY, data BYTEA NOT NULL, expiry TIMESTAMPTZ NOT NULL);"+
		"CREATE INDEX sessions_expiry_idx ON sessions (expiry);") // as its documentation says
	opened := pgxstore.NewWithCleanupInterval(pool, 0)
	return opened, opened, err
}

func (r *resources) redisServer() (*redistest.Server, error) {
	if r.redis != nil {
		return r.redis, nil
	}
	err := r.asTest(func(t *standIn) { r.redis = redistest.Start(t, redistest.Options{}) })
	return r.redis, err
}

func redisOurs(r *resources) (store, filler session.Store, err error) {
	server, err := r.redisServer()
	if err != nil {
		return nil, nil, err
	}
	r.prefixes++
	opened, err := redisstore.Open(context.Background(), redisstore.Options{Addrs: []string{server.Addr()}, Prefix: fmt.Sprintf("ours%d", r.prefixes)})
	if err != nil {
		return nil, nil, err
	}
	r.closers = append(r.closers, opened.Close)
	return opened, opened, nil
}

func redisTheirs(r *resources) (store, filler scs.Store, err error) {
	server, err := r.redisServer()
	if err != nil {
		return nil, nil, err
	}
	client := redis.NewClient(&redis.Options{
		Addr: server.Addr(), DisableIdentity: true, MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	r.closers = append(r.closers, client.Close)
	opened := goredisstore.New(client)
	return opened, opened, nil
}
