// Package nodriver_test is a program that uses sqlstore and has forgotten the driver.
package nodriver_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/authmodule/authmodule/store/sqlstore"
)

func TestOpenNamesTheMissingImport(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "auth.db")
	_, err := sqlstore.Open(t.Context(), sqlstore.Options{Driver: "sqlite", DSN: path})
	assert.EqualError(t, err, `sqlstore: no database/sql driver "sqlite" is registered: add  import _ "modernc.org/sqlite"  to the application`)
	assert.NoFileExists(t, path)
	_, err = sqlstore.Open(t.Context(), sqlstore.Options{Dialect: sqlstore.Postgres, DSN: "postgres://ada:secret@127.0.0.1/auth"})
	assert.EqualError(t, err, `sqlstore: no database/sql driver "pgx" is registered: add  import _ "github.com/jackc/pgx/v5/stdlib"  to the application`)
}
