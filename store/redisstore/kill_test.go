package redisstore_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/internal/redistest"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/store/redisstore"
)

// acknowledged is what one writer was told is done before the server was killed.
type acknowledged struct {
	opened, ended []session.Record
	// done counts rounds, for who waits.
	done    atomic.Int64
	revoked []int64
	// put are records that nobody tried to consume, consumed those that somebody did.
	put, consumed []authn.OneTime
}

// write writes until the server does not answer any more.
func (a *acknowledged) write(t *testing.T, s *redisstore.Store, name string) {
	ctx := t.Context()
	for i := 0; ; i++ {
		a.done.Store(int64(i))
		r := newRecord(t, authn.Subject{ID: fmt.Sprint(name, i)})
		if _, err := s.CreateSession(ctx, r, session.Limit{}); err != nil {
			return
		}
		if i%2 == 0 {
			a.opened = append(a.opened, r)
		} else if ended, err := s.EndSessions(ctx, r.Subject, session.Selection{}, at, authn.EndLogout); err == nil && len(ended) == 1 {
			a.ended = append(a.ended, r)
		} else {
			return
		}
		last, err := s.Revoke(ctx, authn.Revocation{Kind: authn.RevokedSession, ID: r.ID, Until: at})
		if err != nil {
			return
		}
		a.revoked = append(a.revoked, last)
		one := authn.OneTime{Purpose: "p", ID: r.ID, SecretHash: []byte("h"), Expires: at.Add(time.Hour)}
		if s.PutOneTime(ctx, one) != nil {
			return
		}
		if i%2 == 0 {
			a.put = append(a.put, one)
		} else if _, err := s.ConsumeOneTime(ctx, "", one.Purpose, one.ID, one.SecretHash, at); err == nil {
			a.consumed = append(a.consumed, one)
		} else {
			return
		}
	}
}

// REL-06, in short: with appendfsync always, what was acknowledged before kill -9 is there
// afterwards, and what was used once is not used again.
func TestKilledServerLosesNothing(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{Durable: true})
	s := open(t, redisstore.Options{}, server.Addr())
	revoked := map[int64]bool{}
	var total int
	for round := range 3 {
		all := make([]acknowledged, 8)
		var writers sync.WaitGroup
		for i := range all {
			writers.Go(func() { all[i].write(t, s, fmt.Sprint(round, "-", i, "-")) })
		}
		require.Eventually(t, func() bool { return all[0].done.Load() > int64(10*(round+1)) }, 20*time.Second, time.Millisecond)
		server.Kill()
		writers.Wait()
		server.Restart(t)
		again := open(t, redisstore.Options{Prefix: prefixes(t, server)}, server.Addr())
		for i := range all {
			total += len(all[i].opened) + len(all[i].ended)
			all[i].requireKept(t, again, revoked)
		}
		s = again
	}
	assert.Positive(t, total)
	t.Logf("%d sessions", total)
}

// prefixes finds the prefix of the keys on a server.
func prefixes(t *testing.T, server *redistest.Server) string {
	t.Helper()
	key := server.MustCLI(t, "--raw", "keys", "*:{log}:birth")
	return key[:len(key)-len(":{log}:birth")]
}

func (a *acknowledged) requireKept(t *testing.T, s *redisstore.Store, revoked map[int64]bool) {
	t.Helper()
	for _, r := range a.opened {
		got, err := s.Session(t.Context(), "", r.ID)
		require.NoError(t, err)
		require.True(t, got.Live(at))
	}
	for _, r := range a.ended {
		got, err := s.Session(t.Context(), "", r.ID)
		require.NoError(t, err)
		require.False(t, got.Live(at))
	}
	for _, position := range a.revoked {
		require.False(t, revoked[position], "a position was given out twice")
		revoked[position] = true
		entries, _, err := s.Revocations(t.Context(), position-1, 1)
		require.NoError(t, err)
		require.Equal(t, position, entries[0].Position)
	}
	for _, one := range a.put {
		_, err := s.ConsumeOneTime(t.Context(), "", one.Purpose, one.ID, one.SecretHash, at)
		require.NoError(t, err)
	}
	for _, one := range a.consumed {
		_, err := s.ConsumeOneTime(t.Context(), "", one.Purpose, one.ID, one.SecretHash, at)
		require.ErrorIs(t, err, authn.ErrNotFound)
	}
}
