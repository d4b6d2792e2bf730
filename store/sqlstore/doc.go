// Package sqlstore keeps everything in an SQL database, SQLite at present.
//
//	import _ "modernc.org/sqlite" // the application brings the driver
//
//	store, err := sqlstore.Open(ctx, sqlstore.Options{DSN: "auth.db"})
//	err = store.Migrate(ctx, sqlstore.MigrateAuto)
//	defer store.Close()
//
// A write that was acknowledged survives a crash of the process, and of the
// machine as far as its disk keeps what it has confirmed: [Open] runs SQLite
// with a write-ahead log and synchronous=FULL. Every write is one immediate
// transaction. When a write returns an error, the context's or the database's,
// nothing was changed; the one exception is a disk that fails while the
// transaction commits.
//
// The database belongs on a local disk: SQLite's locks and its log do not work
// over network file systems. All tables begin with authmodule_, so the
// database may be the application's own.
package sqlstore
