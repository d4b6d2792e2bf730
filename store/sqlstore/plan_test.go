package sqlstore

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"
)

// No query reads a whole table, however many records there are. White-box:
// the queries cannot be seen from outside.
func TestEveryQueryUsesAnIndex(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), Options{DSN: filepath.Join(t.TempDir(), "auth.db")})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	require.NoError(t, s.Migrate(t.Context(), MigrateAuto))
	for _, query := range []string{
		userByID, userByEmail, usersAfter, updateUser, emailOwner, userVersion,
		passwordHash, setPasswordHash, deletePasswordHash,
		takePosition, lastPosition, insertRevocation, revocationsAfter, pruneRevocations,
		putOneTime, consumeOneTime, pruneOneTime,
		sessionByID, countLive, liveSessions, oldestLive, endSession, endSessions, touchSession, rotateSession, pruneSessions,
		insertAPIKey, countAPIKeys, apiKeyByID, apiKeysOf, rotateAPIKey, touchAPIKey, deleteAPIKey, pruneAPIKeys,
		signingKeys, raiseSigningKeys, deleteSigningKeys, insertSigningKey,
		rolesOfTenant, putRole, deleteRole,
		assignmentsOf, assign, unassign, holders,
	} {
		args := make([]any, strings.Count(query, "?"))
		rows, err := s.writer.db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, args...)
		plan, err := collect(rows, err, func(row scanner) (line string, err error) {
			var skip any
			err = row.Scan(&skip, &skip, &skip, &line)
			return line, err
		})
		require.NoError(t, err, query)
		for _, line := range plan {
			assert.False(t, strings.HasPrefix(line, "SCAN"), "%s\n%s", query, strings.Join(plan, "\n"))
			assert.NotContains(t, line, "TEMP B-TREE", query)
		}
	}
}
