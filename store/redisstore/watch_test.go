package redisstore_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/internal/redistest"
	"github.com/authmodule/authmodule/store/redisstore"
)

func revoke(t testing.TB, s *redisstore.Store, id string) int64 {
	t.Helper()
	last, err := s.Revoke(t.Context(), authn.Revocation{Kind: authn.RevokedToken, ID: id, Until: at})
	require.NoError(t, err)
	return last
}

// revokeAgain tries until it succeeds: each connection that the server's end broke fails once.
func revokeAgain(t testing.TB, s *redisstore.Store, id string) (last int64) {
	t.Helper()
	require.Eventually(t, func() bool {
		var err error
		last, err = s.Revoke(t.Context(), authn.Revocation{Kind: authn.RevokedToken, ID: id, Until: at})
		return err == nil
	}, 20*time.Second, 10*time.Millisecond)
	return last
}

// heard waits until the watcher is told.
func heard(t testing.TB, told chan struct{}) {
	t.Helper()
	select {
	case <-told:
	case <-time.After(20 * time.Second):
		t.Fatal("nobody was told")
	}
}

func watch(s *redisstore.Store) (chan struct{}, func()) {
	told := make(chan struct{}, 1)
	return told, s.WatchRevocations(func() {
		select {
		case told <- struct{}{}:
		default:
		}
	})
}

// REL-04: what one node revokes is pushed to the others, over a cluster as well; and a server that was killed and comes back tells again.
func TestWatchersAreTold(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, open func(testing.TB) *redisstore.Store) {
		s := open(t)
		told, stop := watch(s)
		defer stop()
		heard(t, told) // that it listens
		for i := range 50 {
			revoke(t, s, fmt.Sprint(i))
			heard(t, told)
		}
	})
}

func TestWatchersOutliveTheServer(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{Durable: true})
	s := open(t, redisstore.Options{}, server.Addr())
	told, stop := watch(s)
	defer stop()
	heard(t, told)
	for range 2 {
		revokeAgain(t, s, "before")
		heard(t, told)
		server.Kill()
		server.Restart(t)
		heard(t, told) // that it listens again: what was missed is read now
		revokeAgain(t, s, "after")
		heard(t, told)
	}
}

// After a restart positions leave a gap, so that none that a node has seen is used again even when the server lost its last entries.
func TestPositionsAfterALoss(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{Durable: true})
	s := open(t, redisstore.Options{}, server.Addr())
	first := revoke(t, s, "1")
	second := revoke(t, s, "2")
	require.Equal(t, first+1, second)
	// What a server without a disk in step would have lost: the second entry.
	key := server.MustCLI(t, "--raw", "keys", "*:{log}:stream")
	server.MustCLI(t, "xdel", key, fmt.Sprint(second, "-0"))
	server.MustCLI(t, "xsetid", key, fmt.Sprint(first, "-0"))
	server.Kill()
	server.Restart(t)
	require.Eventually(t, func() bool {
		_, head, err := s.Revocations(t.Context(), second, 10)
		return err == nil && head == first // below what was seen: whoever follows begins anew
	}, 20*time.Second, 10*time.Millisecond)
	third := revokeAgain(t, s, "3")
	assert.Greater(t, third, second+1000)
	var entries []authn.Revocation
	var head int64
	require.Eventually(t, func() bool { // each connection fails once
		var err error
		entries, head, err = s.Revocations(t.Context(), second, 10)
		return err == nil
	}, 20*time.Second, 10*time.Millisecond)
	require.Len(t, entries, 1)
	assert.Equal(t, "3", entries[0].ID)
	assert.Equal(t, third, head)
	assert.Equal(t, third+1, revokeAgain(t, s, "4"), "without another restart there is no other gap")
}

// A log that was emptied and has grown past what a node had read does not look like the old one.
func TestAnotherLog(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{})
	s := open(t, redisstore.Options{Prefix: "log"}, server.Addr())
	view, err := authn.NewRevocations(authn.RevocationConfig{Mode: authn.RevocationStrict}, authn.RevocationDeps{Store: s})
	require.NoError(t, err)
	defer view.Close()
	revoke(t, s, "old")
	requireRevoked(t, view, "old", true)
	server.MustCLI(t, "flushall")
	other := open(t, redisstore.Options{Prefix: "log"}, server.Addr())
	for _, id := range []string{"new1", "new2", "new3"} {
		revoke(t, other, id)
	}
	for _, id := range []string{"new1", "new2", "new3", "old"} {
		requireRevoked(t, view, id, true)
	}
	requireRevoked(t, view, "never", false)
}

func requireRevoked(t testing.TB, view *authn.Revocations, id string, expected bool) {
	t.Helper()
	is, err := view.TokenRevoked(t.Context(), "", id)
	require.NoError(t, err)
	require.Equal(t, expected, is, id)
}

// Nothing is left after Close, with the server there, paused or gone. It is not parallel: it counts goroutines.
func TestCloseLeavesNothing(t *testing.T) {
	for name, before := range map[string]func(*redistest.Server){
		"there": func(*redistest.Server) {}, "paused": (*redistest.Server).Pause, "gone": (*redistest.Server).Kill,
	} {
		t.Run(name, func(t *testing.T) {
			server := redistest.Start(t, redistest.Options{})
			running := goleak.IgnoreCurrent()
			s, err := redisstore.Open(t.Context(), redisstore.Options{Addrs: []string{server.Addr()}, Log: slog.New(slog.DiscardHandler)})
			require.NoError(t, err)
			told, stop := watch(s)
			heard(t, told)
			_, unstopped := watch(s)
			defer unstopped()
			revoke(t, s, "1")
			before(server)
			stop()
			if name != "there" {
				ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
				defer cancel()
				_, err = s.Revoke(ctx, authn.Revocation{})
				require.Error(t, err)
			}
			require.NoError(t, s.Close())
			require.NoError(t, s.Close(), "once more")
			_, err = s.Session(t.Context(), "", "x")
			require.ErrorContains(t, err, "redisstore: read a session: ")
			goleak.VerifyNone(t, running, goleak.IgnoreAnyFunction("github.com/authmodule/authmodule/internal/redistest.(*Server).run.func1"))
		})
	}
}
