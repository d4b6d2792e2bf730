package sqlstore_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/session"
)

// More rows than one statement drops are all dropped, and counted.
func TestPruneInBatches(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, d database) {
		s := d.open(t)
		const n = 2500
		entries := make([]authn.Revocation, n)
		for i := range entries {
			entries[i] = authn.Revocation{Kind: authn.RevokedToken, ID: fmt.Sprint(i), Until: t0}
		}
		last, err := s.Revoke(t.Context(), append(entries, authn.Revocation{Kind: authn.RevokedToken, ID: "kept", Until: t0.Add(time.Hour)})...)
		require.NoError(t, err)
		require.EqualValues(t, n+1, last)
		pruned, err := s.PruneRevocations(t.Context(), t0.Add(time.Second))
		require.NoError(t, err)
		assert.Equal(t, n, pruned)
		left, _, err := s.Revocations(t.Context(), 0, 10)
		require.NoError(t, err)
		require.Len(t, left, 1)
		assert.Equal(t, "kept", left[0].ID)
	})
}

// On PostgreSQL a row that somebody is changing keeps nobody from dropping the others.
func TestPruneWaitsForNobody(t *testing.T) {
	t.Parallel()
	d := postgresDatabase(t)
	s := d.open(t)
	for _, id := range []string{"busy", "idle"} {
		createSession(t, s, id)
	}
	tx, err := d.pool(t).BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = tx.ExecContext(t.Context(), `UPDATE authmodule_sessions SET idle_at = idle_at + 1000000000000, ends_at = ends_at + 1000000000000 WHERE id = 'busy'`)
	require.NoError(t, err)
	n, err := s.PruneSessions(t.Context(), t0.Add(2*time.Hour))
	require.NoError(t, err)
	assert.Equal(t, 1, n)
	require.NoError(t, tx.Commit())
	n, err = s.PruneSessions(t.Context(), t0.Add(2*time.Hour))
	require.NoError(t, err)
	assert.Zero(t, n, "it is live again")
	_, err = s.Session(t.Context(), "", "busy")
	assert.NoError(t, err)
}

// createSession opens a session of ada's that ends an hour after t0.
func createSession(t *testing.T, s session.Store, id string) session.Record {
	t.Helper()
	r := session.Record{
		Subject: authn.Subject{ID: "ada"}, ID: id, Carrier: authn.CarrierToken, SecretHash: []byte("a"), Generation: 1,
		CreatedAt: t0, LastUsedAt: t0, IdleAt: t0.Add(time.Hour), EndsAt: t0.Add(time.Hour),
	}
	_, err := s.CreateSession(t.Context(), r, session.Limit{})
	require.NoError(t, err)
	return r
}
