// Package sqlitetest makes SQLite databases that have the module's tables already. The migrations are applied once in a
// test binary, and copied: with the race detector they take a sixth of a second, which is more than most tests do besides.
//
//	dsn := sqlitetest.Path(t) // a file of its own
//
// Tests of migrations, and of files that are not there yet, begin without one.
package sqlitetest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"

	_ "modernc.org/sqlite" // the driver of the tests

	"github.com/authmodule/authmodule/store/sqlstore"
)

// TB is what is needed of [testing.TB].
type TB interface {
	Helper()
	TempDir() string
	Fatalf(format string, args ...any)
}

// template is the file after the migrations.
var template = sync.OnceValues(func() ([]byte, error) {
	folder, err := os.MkdirTemp("", "sqlitetest")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	ctx, path := context.Background(), filepath.Join(folder, "template.db")
	s, err := sqlstore.Open(ctx, sqlstore.Options{DSN: path})
	if err != nil {
		return nil, err
	}
	// Closing the last connection moves what is in the log into the file.
	if err := errors.Join(s.Migrate(ctx, sqlstore.MigrateAuto), s.Close()); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// Path makes a database that is empty but for its tables, in a folder that is removed when the test ends.
func Path(t TB) string {
	t.Helper()
	data, err := template()
	path := filepath.Join(t.TempDir(), "auth.db")
	if err == nil {
		err = os.WriteFile(path, data, 0o600)
	}
	if err != nil {
		t.Fatalf("sqlitetest: %v", err)
	}
	return path
}
