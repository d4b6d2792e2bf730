// Package sqlstore keeps everything in an SQL database: SQLite or PostgreSQL.
//
//	import _ "modernc.org/sqlite" // the application brings the driver
//
//	store, err := sqlstore.Open(ctx, sqlstore.Options{DSN: "auth.db"})
//	err = store.Migrate(ctx, sqlstore.MigrateAuto)
//	defer store.Close()
//
// On PostgreSQL:
//
//	import _ "github.com/jackc/pgx/v5/stdlib"
//
//	store, err := sqlstore.Open(ctx, sqlstore.Options{Dialect: sqlstore.Postgres, DSN: "postgres://app@db:5432/app"})
//
// All tables begin with authmodule_, so the database may be the application's own.
//
// # SQLite
//
// A write that was acknowledged survives a crash of the process, and of the
// machine as far as its disk keeps what it has confirmed: [Open] runs SQLite
// with a write-ahead log and synchronous=FULL. Every write is one immediate
// transaction. When a write returns an error, the context's or the database's,
// nothing was changed; the one exception is a disk that fails while the
// transaction commits. A Prune method that fails has kept what its earlier batches did.
//
// The database belongs on a local disk: SQLite's locks and its log do not work
// over network file systems.
//
// # PostgreSQL
//
// A write that was acknowledged survives a crash as far as the server's
// synchronous_commit promises, which by default is to be on its disk. Each method is right whatever the
// connections' isolation level is: a single statement is a transaction of its own, which is made again at READ COMMITTED
// when the server refused it; several are one transaction at READ COMMITTED that has locked what it counts.
// What the server gives up for another transaction's sake (40001, 40P01) is tried ten times, with random pauses, within the context.
//
// When a write returns an error before it reached the server, nothing was changed. When the
// context ends or the connection breaks while the server is at it, the error
// leaves it open whether the write took effect, wholly or not at all. To ask again is safe: what
// happens once does not happen twice, and says [authn.ErrConflict], [authn.ErrNotFound] or [authn.ErrEmailTaken] then.
//
// Texts are kept as they are given. What PostgreSQL cannot hold, zero bytes and bytes that are
// not UTF-8, is escaped in the tables: after U+0001 come hexadecimal digits.
package sqlstore
