package pgtest_test

import (
	"context"
	"database/sql"
	"os"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/internal/pgtest"
)

var (
	_ pgtest.TB = testing.TB(nil)

	postgres pgtest.Shared
)

func TestMain(m *testing.M) {
	code := m.Run()
	postgres.Stop()
	os.Exit(code)
}

func open(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", dsn)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func exec(t *testing.T, db *sql.DB, query string) {
	t.Helper()
	_, err := db.ExecContext(t.Context(), query)
	require.NoError(t, err)
}

func count(ctx context.Context, db *sql.DB) (n int, err error) {
	err = db.QueryRowContext(ctx, "SELECT count(*) FROM notes").Scan(&n)
	return n, err
}

func TestSchemasAreApart(t *testing.T) {
	t.Parallel()
	a, b := open(t, postgres.Schema(t)), open(t, postgres.Schema(t))
	exec(t, a, "CREATE TABLE notes (id int)")
	exec(t, b, "CREATE TABLE notes (id int)")
	exec(t, a, "INSERT INTO notes VALUES (1)")
	n, err := count(t.Context(), b)
	require.NoError(t, err)
	assert.Zero(t, n)
}

func TestKilledServerComesBackWithItsData(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t, pgtest.Durable)
	db := open(t, server.Schema(t))
	exec(t, db, "CREATE TABLE notes (id int)")
	for i := range 3 {
		exec(t, db, "INSERT INTO notes VALUES (1)")
		server.Kill()
		_, err := count(t.Context(), db)
		require.Error(t, err)
		require.NoError(t, server.Restart())
		require.Eventually(t, func() bool {
			n, err := count(t.Context(), db)
			return err == nil && n == i+1
		}, 10*time.Second, 10*time.Millisecond)
	}
}

func TestPausedServerAnswersAfterwards(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t, pgtest.Fast)
	db := open(t, server.Schema(t))
	exec(t, db, "CREATE TABLE notes (id int)")
	server.Pause()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := count(ctx, db)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	server.Resume()
	require.Eventually(t, func() bool {
		_, err := count(t.Context(), db)
		return err == nil
	}, 10*time.Second, 10*time.Millisecond)
}
