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
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/store/sqlstore"
)

// migrateTo makes the database of an older program, which had this many migrations.
func migrateTo(t *testing.T, d database, versions int) {
	t.Helper()
	files, err := filepath.Glob("migrations/" + string(d.dialect) + "/*.sql")
	require.NoError(t, err)
	d.exec(t, `CREATE TABLE authmodule_migrations (version INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at BIGINT NOT NULL)`)
	for i, file := range files[:versions] {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		d.exec(t, string(text))
		_, name, _ := strings.Cut(strings.TrimSuffix(filepath.Base(file), ".sql"), "_")
		d.exec(t, fmt.Sprintf(`INSERT INTO authmodule_migrations VALUES (%d, '%s', '%x', 0)`, i+1, name, sha256.Sum256(text)))
	}
}

// A session from before 0003_refresh_grace lives on; its last rotation has no time, which is in no window.
func TestUpgradeKeepsSessions(t *testing.T) {
	t.Parallel()
	d := sqliteDatabase(t)
	migrateTo(t, d, 2)
	at, end := t0.UnixMicro(), t0.Add(time.Hour).UnixMicro()
	d.exec(t, fmt.Sprintf(`INSERT INTO authmodule_sessions (tenant, id, subject_id, carrier, secret_hash, previous_hash, generation, methods,
		auth_time, created_at, last_used_at, idle_at, ends_at, ended_at, end_reason, ip, user_agent, device)
		VALUES ('', 's1', 'ada', 'token', x'62', x'61', 2, '["pwd"]', %d, %d, %d, %d, %d, 0, '', '', '', '')`, at, at, at, end, end))

	s := d.openBare(t)
	require.ErrorIs(t, s.Migrate(t.Context(), sqlstore.MigrateCheck), sqlstore.ErrMigrationsPending)
	require.NoError(t, s.Migrate(t.Context(), sqlstore.MigrateAuto))
	got, err := s.Session(t.Context(), "", "s1")
	require.NoError(t, err)
	assert.Equal(t, session.Record{
		Subject: authn.Subject{ID: "ada"}, ID: "s1", Carrier: authn.CarrierToken, SecretHash: []byte("b"), PreviousHash: []byte("a"),
		Generation: 2, Methods: []string{"pwd"}, AuthTime: t0, CreatedAt: t0, LastUsedAt: t0, IdleAt: t0.Add(time.Hour), EndsAt: t0.Add(time.Hour),
	}, got)
}

// A session from before the migration step_up lives on: its second factor, if it had one, was proved at login, and nobody else acts in it.
func TestUpgradeKeepsWhenASecondFactorWasProved(t *testing.T) {
	t.Parallel()
	before := map[sqlstore.Dialect]int{sqlstore.SQLite: 10, sqlstore.Postgres: 4}
	none := map[sqlstore.Dialect]string{sqlstore.SQLite: `x''`, sqlstore.Postgres: `''`}
	onBoth(t, func(t *testing.T, d database) {
		migrateTo(t, d, before[d.dialect])
		at, end := t0.UnixMicro(), t0.Add(time.Hour).UnixMicro()
		for id, methods := range map[string]string{"one": `["pwd"]`, "two": `["pwd","otp","mfa"]`, "odd": `["mfax","xmfa"]`} {
			d.exec(t, fmt.Sprintf(`INSERT INTO authmodule_sessions (tenant, id, subject_id, carrier, secret_hash, previous_hash, generation, methods,
				auth_time, created_at, last_used_at, rotated_at, idle_at, ends_at, ended_at, end_reason, ip, user_agent, device, epoch, confirmation, device_id, remember)
				VALUES ('', '%s', 'ada', 'token', %s, %s, 1, '%s', %d, %d, %d, 0, %d, %d, 0, '', '', '', '', 0, '', '', 0)`, id, none[d.dialect], none[d.dialect], methods, at, at, at, end, end))
		}
		s := d.open(t)
		for id, expected := range map[string]time.Time{"one": {}, "two": t0, "odd": {}} {
			got, err := s.Session(t.Context(), "", id)
			require.NoError(t, err)
			assert.True(t, expected.Equal(got.MFATime), id)
			assert.Empty(t, got.Actor)
		}
	})
}

// Roles and assignments from before the migration rules stay what they were: of nobody's but by hand, and for ever.
// What a node of the older program still writes meanwhile is read as such.
func TestUpgradeKeepsRolesAndAssignments(t *testing.T) {
	t.Parallel()
	before := map[sqlstore.Dialect]int{sqlstore.SQLite: 7, sqlstore.Postgres: 1}
	onBoth(t, func(t *testing.T, d database) {
		migrateTo(t, d, before[d.dialect])
		d.exec(t, `INSERT INTO authmodule_roles (tenant, name, description, permissions, inherits)
			VALUES ('', 'editor', 'may edit', '["articles.edit"]', '["viewer"]'), ('acme', 'a', '', '[]', '[]'), ('acme', 'b', '', '[]', '[]')`)
		const assign = `INSERT INTO authmodule_assignments (tenant, subject_id, role) VALUES `
		d.exec(t, assign+`('', 'ada', 'editor'), ('', 'ada', 'admin'), ('acme', 'ada', 'a')`)

		s := d.open(t)
		d.requireMigrations(t)
		rules, err := s.Rules(t.Context(), "")
		require.NoError(t, err)
		editor := authz.Role{Name: "editor", Description: "may edit", Permissions: []string{"articles.edit"}, Inherits: []string{"viewer"}}
		assert.Equal(t, authz.Rules{Version: 1, Roles: []authz.Role{editor}}, rules)
		rules, err = s.Rules(t.Context(), "acme")
		require.NoError(t, err)
		assert.Equal(t, authz.Rules{Version: 1, Roles: []authz.Role{{Name: "a"}, {Name: "b"}}}, rules)
		assert.ErrorIs(t, s.ChangeRules(t.Context(), "acme", 0, authz.RuleChange{}), authn.ErrConflict)
		require.NoError(t, s.ChangeRules(t.Context(), "acme", 1, authz.RuleChange{DeleteRoles: []string{"a", "b"}}))

		d.exec(t, assign+`('', 'bob', 'editor') ON CONFLICT DO NOTHING`)
		n, err := s.PruneAssignments(t.Context(), t0.AddDate(100, 0, 0))
		require.NoError(t, err)
		assert.Zero(t, n)
		list, err := s.Assignments(t.Context(), authn.Subject{ID: "ada"})
		require.NoError(t, err)
		assert.Equal(t, []authz.Assignment{{Role: "admin"}, {Role: "editor"}}, list)
		ids, err := s.Holders(t.Context(), "", "editor", t0, "", 10)
		require.NoError(t, err)
		assert.Equal(t, []string{"ada", "bob"}, ids)
	})
}
