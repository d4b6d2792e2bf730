package sqlstore_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/store/sqlstore"
)

// migrateTo makes the database of an older program, which had this many migrations.
func migrateTo(t *testing.T, path string, versions int) {
	t.Helper()
	files, err := filepath.Glob("migrations/sqlite/*.sql")
	require.NoError(t, err)
	execRaw(t, path, `CREATE TABLE authmodule_migrations (version INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at BIGINT NOT NULL)`)
	for i, file := range files[:versions] {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		execRaw(t, path, string(text))
		_, name, _ := strings.Cut(strings.TrimSuffix(filepath.Base(file), ".sql"), "_")
		execRaw(t, path, fmt.Sprintf(`INSERT INTO authmodule_migrations VALUES (%d, '%s', '%x', 0)`, i+1, name, sha256.Sum256(text)))
	}
}

// A session from before 0003_refresh_grace lives on; its last rotation has no time, which is in no window.
func TestUpgradeKeepsSessions(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "auth.db")
	migrateTo(t, path, 2)
	at, end := t0.UnixMicro(), t0.Add(time.Hour).UnixMicro()
	execRaw(t, path, fmt.Sprintf(`INSERT INTO authmodule_sessions (tenant, id, subject_id, carrier, secret_hash, previous_hash, generation, methods,
		auth_time, created_at, last_used_at, idle_at, ends_at, ended_at, end_reason, ip, user_agent, device)
		VALUES ('', 's1', 'ada', 'token', x'62', x'61', 2, '["pwd"]', %d, %d, %d, %d, %d, 0, '', '', '', '')`, at, at, at, end, end))

	s := openBare(t, path)
	require.ErrorIs(t, s.Migrate(t.Context(), sqlstore.MigrateCheck), sqlstore.ErrMigrationsPending)
	require.NoError(t, s.Migrate(t.Context(), sqlstore.MigrateAuto))
	got, err := s.Session(t.Context(), "", "s1")
	require.NoError(t, err)
	assert.Equal(t, session.Record{
		Subject: authn.Subject{ID: "ada"}, ID: "s1", Carrier: authn.CarrierToken, SecretHash: []byte("b"), PreviousHash: []byte("a"),
		Generation: 2, Methods: []string{"pwd"}, AuthTime: t0, CreatedAt: t0, LastUsedAt: t0, IdleAt: t0.Add(time.Hour), EndsAt: t0.Add(time.Hour),
	}, got)
}
