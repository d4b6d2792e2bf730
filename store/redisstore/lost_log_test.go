package redisstore_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/internal/redistest"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/store/redisstore"
)

// lostLog is a store with a view of its log, and what loses the log but not the sessions:
// the node of a cluster that has the log comes back empty, the others keep what they have.
type lostLog struct {
	*redisstore.Store
	view   *authn.Revocations
	server *redistest.Server
	prefix string
}

func newLostLog(t *testing.T) lostLog {
	t.Helper()
	l := lostLog{server: shared.Server(t), prefix: shared.Prefix()}
	l.Store = l.another(t)
	view, err := authn.NewRevocations(authn.RevocationConfig{}, authn.RevocationDeps{Store: l.Store})
	require.NoError(t, err)
	t.Cleanup(view.Close)
	l.view = view
	return l
}

// another is the store of another node.
func (l lostLog) another(t *testing.T) *redisstore.Store {
	t.Helper()
	return open(t, redisstore.Options{Prefix: l.prefix}, l.server.Addr())
}

func (l lostLog) lose(t *testing.T) {
	t.Helper()
	for _, part := range []string{"stream", "ends", "server", "birth"} {
		l.server.MustCLI(t, "del", l.prefix+":{log}:"+part)
	}
}

func (l lostLog) position(t *testing.T) int64 {
	t.Helper()
	at, err := l.view.Position(t.Context())
	require.NoError(t, err)
	return at
}

// REL-10: a session that outlived the log is ended with all of its tenant by the log that takes its place.
func TestSessionsOutliveTheLogAndStillEnd(t *testing.T) {
	t.Parallel()
	l := newLostLog(t)
	for range 10 {
		revoke(t, l.Store, "x")
	}
	m, err := session.New(session.Config{}, session.Deps{Store: l.Store, Revocations: l.view})
	require.NoError(t, err)
	_, cookie, err := m.Open(t.Context(), authn.Opening{
		Proof: authn.Proof{Subject: ada, Time: time.Now()}, Carrier: authn.CarrierCookie, Epoch: l.position(t),
	})
	require.NoError(t, err)
	_, err = m.Resume(t.Context(), cookie, authn.Client{})
	require.NoError(t, err)
	l.lose(t)
	require.NoError(t, l.view.EndSessions(t.Context(), authn.Subject{Tenant: ada.Tenant}, nil))
	l.position(t)
	_, err = m.Resume(t.Context(), cookie, authn.Client{})
	require.ErrorIs(t, err, authn.ErrSessionEnded)
}

// Without an entry yet, a log that was lost has nothing to say of the sessions that are left: they are refused.
func TestSessionsOfALostLogAreRefused(t *testing.T) {
	t.Parallel()
	l := newLostLog(t)
	revoke(t, l.Store, "x")
	at := l.position(t)
	ended, err := l.view.EndedSince(t.Context(), ada, at)
	require.NoError(t, err)
	require.False(t, ended)
	l.lose(t)
	l.position(t)
	ended, err = l.view.EndedSince(t.Context(), ada, at)
	require.NoError(t, err)
	require.True(t, ended)
}

// A health probe reads the log from its beginning: no follower misses an entry of a new log for it.
func TestProbeHidesNoLostLog(t *testing.T) {
	t.Parallel()
	l := newLostLog(t)
	other := l.another(t)
	revoke(t, l.Store, "a")
	revoke(t, l.Store, "b")
	requireRevoked(t, l.view, "b", true)
	l.view.Close() // nobody tells it
	l.lose(t)
	for _, id := range []string{"c", "d", "e"} {
		revoke(t, other, id)
	}
	_, _, err := l.Revocations(t.Context(), 0, 1) // as /readyz does
	require.NoError(t, err)
	l.position(t)
	for _, id := range []string{"a", "b", "c", "d", "e"} {
		requireRevoked(t, l.view, id, true)
	}
}

// A new log begins after all positions of the old one, and below what Lua counts exactly.
func TestNewLogBeginsLater(t *testing.T) {
	t.Parallel()
	l := newLostLog(t)
	last := revoke(t, l.Store, "x")
	for range 3 {
		l.lose(t)
		next := revoke(t, l.Store, "x")
		assert.Greater(t, next, last)
		assert.Less(t, next, int64(1)<<53)
		last = next
	}
}

// A server that was demoted and promoted again keeps its run ID; it may have lost entries all the same.
func TestPositionsAfterFailoverAndBack(t *testing.T) {
	t.Parallel()
	a, b := redistest.Start(t, redistest.Options{}), redistest.Start(t, redistest.Options{})
	replicate := func(from, to *redistest.Server) {
		to.MustCLI(t, "replicaof", "127.0.0.1", strings.TrimPrefix(from.Addr(), "127.0.0.1:"))
		require.Eventually(t, func() bool {
			info, err := to.CLI("info", "replication")
			return err == nil && strings.Contains(info, "master_link_status:up") && strings.Contains(info, "master_sync_in_progress:0")
		}, 20*time.Second, 10*time.Millisecond)
	}
	s := open(t, redisstore.Options{}, a.Addr())
	revoke(t, s, "1")
	replicate(a, b)
	b.MustCLI(t, "replicaof", "no", "one")
	lost := revoke(t, s, "2") // b does not have it
	replicate(b, a)
	a.MustCLI(t, "replicaof", "no", "one")
	assert.Greater(t, revokeAgain(t, s, "3"), lost)
}
