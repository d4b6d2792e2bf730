package sqlstore_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/store/sqlstore"
)

// REL-04: calls that have all connections, and wait, keep no node from reading the revocation log.
func TestFloodDoesNotHoldUpTheLog(t *testing.T) {
	t.Parallel()
	dsn := sqlstore.PostgresDSN(t)
	s, db := openPostgres(t, dsn+"&application_name=flood"), pool(t, dsn)
	_, err := s.Session(t.Context(), "", "absent") // so that it is prepared
	require.ErrorIs(t, err, authn.ErrNotFound)
	tx, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = tx.ExecContext(t.Context(), "LOCK TABLE authmodule_sessions IN ACCESS EXCLUSIVE MODE")
	require.NoError(t, err)

	var flood sync.WaitGroup
	ctx, stop := context.WithCancel(t.Context())
	for i := range 50 {
		flood.Go(func() { _, _ = s.Session(ctx, "", fmt.Sprint(i)) })
	}
	const waiting = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'flood' AND wait_event_type = 'Lock'"
	require.Eventually(t, func() bool {
		var n int
		err := db.QueryRowContext(t.Context(), waiting).Scan(&n)
		return err == nil && n >= 5
	}, 30*time.Second, time.Millisecond)
	for range 20 {
		soon, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		_, _, err = s.Revocations(soon, 0, 10)
		cancel()
		require.NoError(t, err)
	}
	stop()
	flood.Wait()
	require.NoError(t, tx.Rollback())
}
