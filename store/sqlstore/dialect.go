package sqlstore

import (
	"database/sql"
	"fmt"
	"strconv"
	"strings"
)

// Dialect names the kind of SQL that a database speaks.
type Dialect string

// The dialects.
const (
	// SQLite is SQLite 3.37 or newer, with any database/sql driver.
	SQLite Dialect = "sqlite"
	// Postgres is PostgreSQL 13 or newer, with the database/sql driver of
	// github.com/jackc/pgx/v5/stdlib. All tables are in the first schema of the
	// connection's search_path.
	Postgres Dialect = "postgres"
)

// tableExists asks whether the database has the table.
func (d Dialect) tableExists() string {
	if d == Postgres {
		return `SELECT count(*) FROM pg_catalog.pg_tables WHERE schemaname = current_schema() AND tablename = ?`
	}
	return `SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?`
}

// folder holds the migrations.
func (d Dialect) folder() string { return "migrations/" + string(d) }

func (d Dialect) validate() error {
	if d != SQLite && d != Postgres {
		return fmt.Errorf("sqlstore: dialect %q is not supported: use sqlstore.SQLite or sqlstore.Postgres", d)
	}
	return nil
}

// text is the query in the dialect. Queries are written for SQLite: with ? for
// each argument, no other question mark, and max of two values alone.
func (d Dialect) text(query string) string {
	if d != Postgres {
		return strings.NewReplacer(forUpdate, "").Replace(query)
	}
	query = strings.ReplaceAll(query, "max(", "greatest(")
	var out strings.Builder
	for n := 1; ; n++ {
		before, after, found := strings.Cut(query, "?")
		out.WriteString(before)
		if !found {
			return out.String()
		}
		out.WriteString("$" + strconv.Itoa(n))
		query = after
	}
}

// forUpdate ends a query that selects what the transaction then changes. In
// SQLite the transaction is the only writer.
const forUpdate = ` FOR UPDATE`

// prepares reports whether the store prepares statements by itself; pgx keeps
// those of each connection.
func (d Dialect) prepares() bool { return d != Postgres }

// transaction is how a write begins. On PostgreSQL what a write must exclude is
// locked by name or row, and READ COMMITTED lets each statement see what was
// committed before it got its lock. Whatever the connection's default is, such a write is never refused
// for another one's sake, deadlocks apart.
func (d Dialect) transaction() *sql.TxOptions {
	if d == Postgres {
		return &sql.TxOptions{Isolation: sql.LevelReadCommitted}
	}
	return nil
}

// alone reports whether a single statement is a transaction of its own.
// SQLite's driver may report a cancelled context for a lone statement that has
// taken effect, but not for a commit.
func (d Dialect) alone() bool { return d == Postgres }
