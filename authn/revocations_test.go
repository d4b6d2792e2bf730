package authn_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/store/memstore"
)

// polled is a store that tells nobody of new entries, as a database does, and fails when told to.
type polled struct {
	authn.RevocationStore
	reads  atomic.Int64
	broken atomic.Pointer[error]
}

func newPolled() *polled { return &polled{RevocationStore: memstore.New()} }

func (p *polled) Revocations(ctx context.Context, after int64, limit int) ([]authn.Revocation, int64, error) {
	p.reads.Add(1)
	if err := p.broken.Load(); err != nil {
		return nil, 0, *err
	}
	return p.RevocationStore.Revocations(ctx, after, limit)
}

func (p *polled) fail(err error) { p.broken.Store(&err) }
func (p *polled) heal()          { p.broken.Store(nil) }

func newView(t testing.TB, store authn.RevocationStore, mode authn.RevocationMode) *authn.Revocations {
	t.Helper()
	view, err := authn.NewRevocations(authn.RevocationConfig{Mode: mode}, authn.RevocationDeps{Store: store})
	require.NoError(t, err)
	t.Cleanup(view.Close)
	return view
}

func revoked(t testing.TB, view *authn.Revocations, id string) bool {
	t.Helper()
	is, err := view.TokenRevoked(context.Background(), "", id)
	require.NoError(t, err)
	return is
}

// REL-04: what one node revokes counts there at once, and on another within a second: with a job that follows the log and without.
func TestRevocationReachesOtherNodes(t *testing.T) {
	t.Parallel()
	for _, following := range []bool{true, false} {
		t.Run(fmt.Sprintf("following %t", following), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store := newPolled()
				here, there := newView(t, store, ""), newView(t, store, "")
				if following {
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					go func() { _ = there.Run(ctx) }()
				}
				for i := range 20 {
					id := fmt.Sprint("jti", i)
					require.False(t, revoked(t, here, id))
					require.False(t, revoked(t, there, id))
					time.Sleep(time.Duration(i) * 37 * time.Millisecond)
					require.NoError(t, here.RevokeToken(t.Context(), "", id, time.Now().Add(time.Hour)))
					require.True(t, revoked(t, here, id), "at once where it was revoked")
					time.Sleep(time.Second)
					require.True(t, revoked(t, there, id))
					require.False(t, revoked(t, there, "another"))
				}
			})
		})
	}
}

// A store that tells of new entries makes them count everywhere at once.
func TestRevocationIsPushed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New()
		here, there := newView(t, store, ""), newView(t, store, "")
		require.False(t, revoked(t, there, "jti"))
		require.NoError(t, here.RevokeToken(t.Context(), "", "jti", time.Now().Add(time.Hour)))
		require.True(t, revoked(t, there, "jti"))
	})
}

// REL-04: in strict mode there is no moment at which another node does not know.
func TestStrictModeAsksTheStoreEachTime(t *testing.T) {
	t.Parallel()
	store := newPolled()
	here, there := newView(t, store, ""), newView(t, store, authn.RevocationStrict)
	for i := range 50 {
		id := fmt.Sprint("jti", i)
		before := store.reads.Load()
		require.False(t, revoked(t, there, id))
		require.Greater(t, store.reads.Load(), before)
		require.NoError(t, here.RevokeToken(t.Context(), "", id, time.Now().Add(time.Hour)))
		require.True(t, revoked(t, there, id))
	}
	store.fail(errors.New("the disk is gone"))
	_, err := there.TokenRevoked(t.Context(), "", "jti1")
	require.ErrorContains(t, err, "the disk is gone", "strict mode fails with the store, at once")
}

// REL-11: a store that does not answer is bridged for five seconds, and nothing is accepted after that until it is back.
func TestStaleViewFailsClosed(t *testing.T) {
	t.Parallel()
	for _, following := range []bool{true, false} {
		t.Run(fmt.Sprintf("following %t", following), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store := newPolled()
				view := newView(t, store, "")
				if following {
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					go func() { _ = view.Run(ctx) }()
				}
				require.False(t, revoked(t, view, "jti"))
				store.fail(errors.New("the disk is gone"))
				time.Sleep(4 * time.Second)
				require.False(t, revoked(t, view, "jti"), "within the bound")
				time.Sleep(1500 * time.Millisecond)
				is, err := view.TokenRevoked(t.Context(), "", "jti")
				require.ErrorIs(t, err, authn.ErrRevocationsStale)
				require.ErrorContains(t, err, "the disk is gone")
				require.True(t, is, "whoever drops the error refuses all the same")
				_, err = view.EndedSince(t.Context(), authn.Subject{ID: "ada"}, 0)
				require.ErrorIs(t, err, authn.ErrRevocationsStale)
				store.heal()
				time.Sleep(time.Second)
				require.False(t, revoked(t, view, "jti"))
			})
		})
	}
}

// A new node whose store does not answer accepts nothing.
func TestViewThatWasNeverReadFailsClosed(t *testing.T) {
	t.Parallel()
	store := newPolled()
	store.fail(errors.New("the disk is gone"))
	_, err := newView(t, store, "").TokenRevoked(t.Context(), "", "jti")
	require.ErrorIs(t, err, authn.ErrRevocationsStale)
}

// A store that hangs holds one request up, not all of them.
func TestHangingStoreHoldsUpOneRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &hanging{RevocationStore: memstore.New(), hangs: make(chan struct{})}
		view := newView(t, store, "")
		close(store.hangs)
		require.False(t, revoked(t, view, "jti"))
		store.hangs = make(chan struct{})
		time.Sleep(time.Second)
		go func() { _, _ = view.TokenRevoked(context.Background(), "", "jti") }()
		synctest.Wait()
		start := time.Now()
		for range 100 {
			require.False(t, revoked(t, view, "jti"))
		}
		assert.Zero(t, time.Since(start), "they went on with what is known")
		close(store.hangs)
		synctest.Wait()
	})
}

type hanging struct {
	authn.RevocationStore
	hangs chan struct{}
}

func (h *hanging) Revocations(ctx context.Context, after int64, limit int) ([]authn.Revocation, int64, error) {
	select {
	case <-h.hangs:
		return h.RevocationStore.Revocations(ctx, after, limit)
	case <-ctx.Done():
		return nil, 0, ctx.Err()
	}
}

// A caller who leaves takes nobody along, and a panic of the store is an error of all.
func TestReadingIsShared(t *testing.T) {
	t.Parallel()
	view := newView(t, panicking{memstore.New()}, authn.RevocationStrict)
	_, err := view.TokenRevoked(t.Context(), "", "jti")
	require.ErrorContains(t, err, "panic")
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = newView(t, memstore.New(), authn.RevocationStrict).TokenRevoked(gone, "", "jti")
	require.ErrorIs(t, err, context.Canceled)
}

type panicking struct{ authn.RevocationStore }

func (panicking) Revocations(context.Context, int64, int) ([]authn.Revocation, int64, error) {
	panic("canary")
}

// REL-10: when a store comes back without its latest entries, what a node knows to be dead stays dead, and new entries are seen.
func TestLogThatBeginsAnew(t *testing.T) {
	t.Parallel()
	store := &replaced{RevocationStore: memstore.New()}
	view := newView(t, store, authn.RevocationStrict)
	until := time.Now().Add(time.Hour)
	for i := range 10 {
		require.NoError(t, view.RevokeToken(t.Context(), "", fmt.Sprint("old", i), until))
	}
	require.True(t, revoked(t, view, "old9"))
	store.RevocationStore = memstore.New()
	require.NoError(t, newView(t, store, "").RevokeToken(t.Context(), "", "new", until))
	assert.True(t, revoked(t, view, "new"))
	assert.True(t, revoked(t, view, "old9"))
}

type replaced struct{ authn.RevocationStore }

// REF-10, REF-11: ending all sessions ends those that were opened before and no others, of one account or of a tenant.
func TestSessionsEndedSince(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	view, other := newView(t, store, ""), newView(t, store, "")
	ada, bob, eve := authn.Subject{Tenant: "a", ID: "ada"}, authn.Subject{Tenant: "a", ID: "bob"}, authn.Subject{Tenant: "b", ID: "ada"}
	position := func() int64 {
		at, err := view.Position(t.Context())
		require.NoError(t, err)
		return at
	}
	ended := func(s authn.Subject, at int64) bool {
		mine, err := view.EndedSince(t.Context(), s, at)
		require.NoError(t, err)
		others, err := other.EndedSince(t.Context(), s, at)
		require.NoError(t, err)
		require.Equal(t, mine, others)
		return mine
	}
	before := position()
	require.NoError(t, view.EndSessions(t.Context(), ada, nil))
	after := position()
	assert.True(t, ended(ada, before))
	assert.False(t, ended(ada, after))
	assert.False(t, ended(bob, before))
	assert.False(t, ended(eve, before), "the same ID in another tenant")
	require.NoError(t, other.EndSessions(t.Context(), authn.Subject{Tenant: "a"}, nil))
	assert.True(t, ended(bob, after))
	assert.True(t, ended(ada, after))
	assert.False(t, ended(eve, after))
	assert.False(t, ended(bob, position()))
}

// P15, and issue 3's bound: a revoked ID takes at most 64 bytes of a node, and leaves when its token would have expired.
func TestRevokedIDsTakeLittleAndLeave(t *testing.T) {
	if testing.Short() {
		t.Skip("-short is given")
	}
	const n = 1_000_000
	clock := &tokenClock{now: tokenEpoch}
	store := &many{n: n, until: tokenEpoch.Add(30 * time.Minute)}
	view, err := authn.NewRevocations(authn.RevocationConfig{}, authn.RevocationDeps{Store: store, Now: clock.Now})
	require.NoError(t, err)
	before := heapInUse()
	require.True(t, revoked(t, view, store.id(n-1)))
	perID := float64(heapInUse()-before) / n
	t.Logf("%.1f bytes for each of %d IDs", perID, n)
	assert.LessOrEqual(t, perID, 64.0)
	for i := 0; i < n; i += 9973 {
		require.True(t, revoked(t, view, store.id(i)))
	}
	require.False(t, revoked(t, view, "another"))

	clock.Set(tokenEpoch.Add(32 * time.Minute))
	require.False(t, revoked(t, view, store.id(1)), "the token has expired, and the entry with it")
	left := float64(heapInUse()-before) / n
	t.Logf("%.1f bytes are left", left)
	assert.Less(t, left, 8.0)
	runtime.KeepAlive(view)
}

func heapInUse() int64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

// many is a log of n tokens that takes no memory itself.
type many struct {
	authn.RevocationStore
	n     int
	until time.Time
}

func (m *many) id(i int) string { return fmt.Sprintf("%022d", i) }

func (m *many) Revocations(_ context.Context, after int64, limit int) ([]authn.Revocation, int64, error) {
	list := make([]authn.Revocation, 0, limit)
	for i := int(after); i < m.n && len(list) < limit; i++ {
		list = append(list, authn.Revocation{Position: int64(i) + 1, Kind: authn.RevokedToken, ID: m.id(i), Until: m.until})
	}
	return list, int64(m.n), nil
}

// A node that was told of new entries lets nobody in by what it knew before, while it reads them.
func TestToldOfEntriesWaitsForThem(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shared := memstore.New()
		store := &hangingWatched{hanging: hanging{RevocationStore: shared, hangs: make(chan struct{})}, Store: shared}
		view := newView(t, store, "")
		close(store.hangs)
		require.False(t, revoked(t, view, "jti"))
		store.hangs = make(chan struct{})
		_, err := shared.Revoke(t.Context(), authn.Revocation{Kind: authn.RevokedToken, ID: "jti", Until: time.Now().Add(time.Hour)})
		require.NoError(t, err)
		answers := make(chan bool, 3)
		for range cap(answers) {
			go func() { answers <- revoked(t, view, "jti") }()
		}
		synctest.Wait()
		require.Empty(t, answers, "all wait for the entry")
		close(store.hangs)
		for range cap(answers) {
			require.True(t, <-answers)
		}
	})
}

type hangingWatched struct {
	hanging
	*memstore.Store
}

func (h *hangingWatched) Revoke(ctx context.Context, entries ...authn.Revocation) (int64, error) {
	return h.Store.Revoke(ctx, entries...)
}

func (h *hangingWatched) Revocations(ctx context.Context, after int64, limit int) ([]authn.Revocation, int64, error) {
	return h.hanging.Revocations(ctx, after, limit)
}

func (h *hangingWatched) PruneRevocations(ctx context.Context, before time.Time) (int, error) {
	return h.Store.PruneRevocations(ctx, before)
}
