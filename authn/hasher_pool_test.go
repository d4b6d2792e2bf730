package authn_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/setting"
)

// arrival is a context that tells when a caller has its place in the queue:
// only then does the pool ask for Done.
type arrival struct {
	context.Context
	once    sync.Once
	arrived chan struct{}
}

func newArrival(ctx context.Context) *arrival {
	return &arrival{Context: ctx, arrived: make(chan struct{})}
}

func (a *arrival) Done() <-chan struct{} {
	a.once.Do(func() { close(a.arrived) })
	return a.Context.Done()
}

// queued starts n hashes, returns when all of them are in the queue, and returns where their results will come.
func queued(ctx context.Context, h *authn.Hasher, n int) <-chan error {
	results := make(chan error, n)
	for range n {
		a := newArrival(ctx)
		go func() {
			_, err := h.Hash(a, "correct horse battery staple")
			results <- err
		}()
		<-a.arrived
	}
	return results
}

// fillQueue puts n callers into the queue, and returns how to end them.
func fillQueue(t testing.TB, h *authn.Hasher, n int) (end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	results := queued(ctx, h, n)
	return func() {
		cancel()
		for range n {
			if err := <-results; !errors.Is(err, context.Canceled) {
				t.Errorf("a caller who waited for a busy worker ended with %v", err)
			}
		}
	}
}

func newPool(t testing.TB, workers, queue int) *authn.Hasher {
	t.Helper()
	cfg := cheap
	cfg.Workers, cfg.Queue = setting.Count(workers), setting.Count(queue)
	return newTestHasher(t, cfg)
}

func TestHasherRefusesAtOnceWhenTheQueueIsFull(t *testing.T) {
	t.Parallel()
	h := newPool(t, 2, 3)
	first, second := h.HoldWorker(), h.HoldWorker()
	hash := h.DecoyHash()
	waiting := queued(t.Context(), h, 3)
	for range 3 {
		_, err := h.Hash(t.Context(), "password")
		require.ErrorIs(t, err, authn.ErrOverloaded)
		_, err = h.Check(t.Context(), "password", hash)
		require.ErrorIs(t, err, authn.ErrOverloaded)
		require.ErrorIs(t, h.Decoy(t.Context(), "password"), authn.ErrOverloaded, "an unknown account fares no better")
	}
	first()
	second()
	for range 3 {
		require.NoError(t, <-waiting, "who waited is served")
	}
	_, err := h.Hash(t.Context(), "password")
	require.NoError(t, err, "and all places are free again")
}

// While all workers are busy nobody else computes; with one free, one computes after another.
func TestHasherRunsNoMoreThanItsWorkers(t *testing.T) {
	t.Parallel()
	const workers, callers = 3, 20
	h := newPool(t, workers, callers)
	releases := make([]func(), workers)
	for i := range releases {
		releases[i] = h.HoldWorker()
	}
	ctx, cancel := context.WithCancel(t.Context())
	waiting := queued(ctx, h, callers)
	cancel()
	for range callers {
		require.ErrorIs(t, <-waiting, context.Canceled, "one that went ahead would have no error")
	}
	releases[0]()
	waiting = queued(t.Context(), h, callers)
	for range callers {
		require.NoError(t, <-waiting)
	}
	releases[1]()
	releases[2]()
}

func TestHasherStopsWaitingWithItsContext(t *testing.T) {
	t.Parallel()
	h := newPool(t, 1, 1)
	release := h.HoldWorker()
	for range 3 { // a place that is not given back would be missed in the second round
		ctx, cancel := context.WithCancel(t.Context())
		waiting := queued(ctx, h, 1)
		cancel()
		require.ErrorIs(t, <-waiting, context.Canceled)
	}
	release()

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := h.Hash(ended, "password")
	require.ErrorIs(t, err, context.Canceled)
	_, err = h.Check(ended, "password", h.DecoyHash())
	require.ErrorIs(t, err, context.Canceled, "also with a worker free")
	require.ErrorIs(t, h.Decoy(ended, "password"), context.Canceled)
}

func TestHasherGivesPlacesBackAfterErrors(t *testing.T) {
	t.Parallel()
	h := newPool(t, 1, 1)
	for range 5 {
		_, err := h.Check(t.Context(), "password", "garbage")
		require.Error(t, err)
		match, err := h.Check(t.Context(), "password", h.DecoyHash())
		require.NoError(t, err)
		assert.False(t, match)
	}
}

func TestHasherIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	h := newPool(t, 4, 100)
	hash, err := h.Hash(t.Context(), "password")
	require.NoError(t, err)
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			match, err := h.Check(t.Context(), []setting.Secret{"password", "another"}[i%2], hash)
			assert.NoError(t, err)
			assert.Equal(t, i%2 == 0, match)
		})
	}
	wg.Wait()
}
