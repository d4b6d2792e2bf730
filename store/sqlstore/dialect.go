package sqlstore

import "fmt"

// Dialect names the kind of SQL that a database speaks.
type Dialect string

// SQLite is SQLite 3.37 or newer, with any database/sql driver.
const SQLite Dialect = "sqlite"

// tableExists asks whether the database has the table.
func (d Dialect) tableExists() string {
	return `SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?`
}

// folder holds the migrations.
func (d Dialect) folder() string { return "migrations/" + string(d) }

func (d Dialect) validate() error {
	if d != SQLite {
		return fmt.Errorf("sqlstore: dialect %q is not supported: use sqlstore.SQLite", d)
	}
	return nil
}
