package sqlstore_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/internal/pgtest"
)

// On PostgreSQL what a new list keeps is taken away before the list is there or after, and not while it is being made.
func TestReplaceHoldsWhatItKeeps(t *testing.T) {
	t.Parallel()
	d := database{"postgres", "pgx", pgtest.Start(t, pgtest.Fast).Schema(t)}
	s := d.open(t)
	who, list := ada().Subject, []authz.Assignment{{Role: "kept", Source: "corp"}, {Role: "new", Source: "corp"}}
	_, err := s.ReplaceAssignments(t.Context(), who, "corp", list[:1])
	require.NoError(t, err)

	pool := d.pool(t)
	held, err := pool.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = held.ExecContext(t.Context(), `INSERT INTO authmodule_assignments (tenant, subject_id, role, source) VALUES ($1, $2, 'new', 'corp')`, string(who.Tenant), who.ID)
	require.NoError(t, err)
	requireWaiting := func(statement string) {
		waiting := fmt.Sprintf(`SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%s authmodule_assignments%%'`, statement)
		require.Eventually(t, func() bool {
			n := 0
			return pool.QueryRowContext(t.Context(), waiting).Scan(&n) == nil && n == 1
		}, 20*time.Second, 10*time.Millisecond, statement)
	}
	replaced, taken := make(chan error, 1), make(chan error, 1)
	go func() { replaced <- errOf(s.ReplaceAssignments(t.Context(), who, "corp", list)) }()
	requireWaiting("INSERT INTO")
	go func() { taken <- errOf(s.Unassign(t.Context(), who, "kept")) }()
	requireWaiting("DELETE FROM")
	require.NoError(t, held.Rollback())
	require.NoError(t, <-replaced)
	require.NoError(t, <-taken)
	got, err := s.Assignments(t.Context(), who)
	require.NoError(t, err)
	assert.Equal(t, list[1:], got)
}
