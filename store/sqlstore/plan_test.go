package sqlstore

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/session"
)

// everyQuery are the queries of both dialects. White-box: the queries cannot be seen from outside.
func everyQuery(d Dialect) []string {
	queries := []string{
		userByID, userByEmail, usersAfter, updateUser, emailOwner, userVersion,
		passwordHash, setPasswordHash, deletePasswordHash, pushFormerHash, formerHashes, dropFormerHashes, deleteFormerHashes,
		takePosition, lastPosition, insertRevocation, revocationsAfter,
		putOneTime, consumeOneTime,
		sessionByID, countLive, liveSessions, oldestLive, endSession, endSessions, touchSession, rotateSession, sessionToProve, proveSession, tenantSessions,
		insertDevice, seeDevice, devicesOf, renameDevice, dropDevices,
		insertFactor, factorsOf, dropFactors, updateFactor, factorVersion, deleteFactor,
		insertAPIKey, countAPIKeys, apiKeyByID, apiKeysOf, rotateAPIKey, touchAPIKey, deleteAPIKey,
		signingKeys, raiseSigningKeys, deleteSigningKeys, insertSigningKey,
		rulesOfTenant, firstRules, nextRules, putRole, deleteRole, putPolicy, deletePolicy,
		deleteWaiting, chainHead, deleteEntries,
		assignmentsOf, assignmentsFrom, lockAssignmentsFrom, assign, unassign, unassignFrom, holders,
	}
	for _, rows := range []dead{deadSessions, deadDevices, deadFactors, deadOneTimes, deadAPIKeys, deadRevocations, deadAssignments} {
		queries = append(queries, rows.query(d))
	}
	tenant := "acme"
	for _, q := range []audit.Query{{}, {Tenant: &tenant}, {Tenant: &tenant, Subject: "ada", Type: audit.UserRegistered, From: time.Unix(1, 0), To: time.Unix(2, 0)}} {
		query, _ := entriesQuery(q)
		queries = append(queries, query)
	}
	if d == Postgres {
		queries = append(queries, touchSessions, appendRevocations)
	}
	return queries
}

func migrated(t *testing.T, o Options) *Store {
	t.Helper()
	s, err := Open(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	require.NoError(t, s.Migrate(t.Context(), MigrateAuto))
	return s
}

// lastColumn reads and closes rows of that many columns.
func lastColumn(t *testing.T, rows *sql.Rows, columns int) []string {
	t.Helper()
	defer rows.Close()
	var lines []string
	for rows.Next() {
		var skip any
		var line string
		into := []any{&skip, &skip, &skip, &line}
		require.NoError(t, rows.Scan(into[4-columns:]...))
		lines = append(lines, line)
	}
	require.NoError(t, rows.Err())
	return lines
}

// No query reads a whole table, however many records there are.
func TestEveryQueryUsesAnIndex(t *testing.T) {
	t.Parallel()
	s := migrated(t, Options{DSN: filepath.Join(t.TempDir(), "auth.db")})
	for _, query := range everyQuery(SQLite) {
		text := SQLite.text(query)
		rows, err := s.writer.db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+text, make([]any, strings.Count(text, "?"))...)
		require.NoError(t, err, query)
		plan := lastColumn(t, rows, 4)
		for _, line := range plan {
			assert.False(t, strings.HasPrefix(line, "SCAN"), "%s\n%s", query, strings.Join(plan, "\n"))
			few := strings.Contains(query, "authmodule_devices") || strings.Contains(query, "authmodule_factors") || strings.Contains(query, "authmodule_password_history")
			if !few { // of a subject
				assert.NotContains(t, line, "TEMP B-TREE", query)
			}
		}
	}
}

// On PostgreSQL the planner may read a whole table that is small. Where it is told
// not to, a plan that still does has no index to use. The ring of signing keys has no more than a few rows.
func TestEveryQueryUsesAnIndexOnPostgreSQL(t *testing.T) {
	t.Parallel()
	s := migrated(t, Options{Dialect: Postgres, DSN: postgres.Schema(t)})
	conn, err := s.writer.db.Conn(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })
	run := func(command string) {
		_, err := conn.ExecContext(t.Context(), command)
		require.NoError(t, err, command)
	}
	run("SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan")
	for i, query := range everyQuery(Postgres) {
		text := Postgres.text(query)
		run(fmt.Sprintf("PREPARE q%d AS %s", i, text))
		arguments := strings.TrimSuffix(strings.Repeat("NULL,", strings.Count(query, "?")), ",")
		if arguments != "" {
			arguments = "(" + arguments + ")"
		}
		rows, err := conn.QueryContext(t.Context(), fmt.Sprintf("EXPLAIN EXECUTE q%d%s", i, arguments))
		require.NoError(t, err, text)
		plan := lastColumn(t, rows, 1)
		for _, line := range plan {
			assert.NotContains(t, line, "Seq Scan on authmodule", "%s\n%s", text, strings.Join(plan, "\n"))
		}
	}
}

// A server that was filled a moment ago has no statistics yet; it must not look for one session among all of the tenant's.
func TestOneSessionIsFoundByItsKeyWithoutStatistics(t *testing.T) {
	t.Parallel()
	s := migrated(t, Options{Dialect: Postgres, DSN: postgres.Schema(t)})
	now := time.Now()
	for i := range 500 {
		id := strconv.Itoa(i)
		r := session.Record{Subject: authn.Subject{ID: id}, ID: id, CreatedAt: now, IdleAt: now.Add(time.Hour), EndsAt: now.Add(time.Hour)}
		_, err := s.CreateSession(t.Context(), r, session.Limit{})
		require.NoError(t, err)
	}
	conn, err := s.writer.db.Conn(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })
	_, err = conn.ExecContext(t.Context(), "SET plan_cache_mode = force_generic_plan")
	require.NoError(t, err)
	for i, query := range []string{sessionByID, endSession, touchSession, rotateSession} {
		_, err := conn.ExecContext(t.Context(), fmt.Sprintf("PREPARE one%d AS %s", i, Postgres.text(query)))
		require.NoError(t, err, query)
		arguments := strings.TrimSuffix(strings.Repeat("NULL,", strings.Count(query, "?")), ",")
		rows, err := conn.QueryContext(t.Context(), fmt.Sprintf("EXPLAIN EXECUTE one%d(%s)", i, arguments))
		require.NoError(t, err, query)
		assert.Contains(t, strings.Join(lastColumn(t, rows, 1), "\n"), "authmodule_sessions_pkey", query)
	}
}
