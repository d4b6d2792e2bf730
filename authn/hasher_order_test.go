package authn_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/setting"
)

// waiter is a caller of the pool: turn is closed when it has a worker, which it keeps until done is closed.
type waiter struct{ turn, done chan struct{} }

func waits(t *testing.T, ctx context.Context, h *authn.Hasher, heavy bool) waiter {
	t.Helper()
	w := waiter{turn: make(chan struct{}), done: make(chan struct{})}
	go func() {
		release, err := h.AcquireWorker(ctx, heavy)
		if !assert.NoError(t, err) {
			return
		}
		close(w.turn)
		<-w.done
		release()
	}()
	synctest.Wait()
	return w
}

func (w waiter) served() bool {
	select {
	case <-w.turn:
		return true
	default:
		return false
	}
}

// Fair: who waited longest is served first, and a newcomer does not get ahead.
func TestHasherServesInTheOrderOfArrival(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newPool(t, 1, 20)
		first := waits(t, t.Context(), h, false)
		require.True(t, first.served())
		var queue []waiter
		for range 10 {
			queue = append(queue, waits(t, t.Context(), h, false))
		}
		for i := 0; i < len(queue); i++ {
			if i == 0 {
				close(first.done)
			} else {
				close(queue[i-1].done)
			}
			if i < 10 {
				queue = append(queue, waits(t, t.Context(), h, false)) // a newcomer, at the moment when a place becomes free
			}
			synctest.Wait()
			for j, w := range queue {
				require.Equal(t, j <= i, w.served(), "turn %d, caller %d", i, j)
			}
		}
		close(queue[len(queue)-1].done)
	})
}

// Memory stays within workers times the configured cost, and one costly hash: those are computed one at a time, and hold up nobody else.
func TestHasherComputesOneCostlyHashAtATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newPool(t, 3, 20)
		first := waits(t, t.Context(), h, true)
		second, third := waits(t, t.Context(), h, true), waits(t, t.Context(), h, true)
		require.True(t, first.served())
		require.False(t, second.served() || third.served())
		light := []waiter{waits(t, t.Context(), h, false), waits(t, t.Context(), h, false), waits(t, t.Context(), h, false)}
		require.True(t, light[0].served() && light[1].served(), "who waits for a costly hash takes no worker")
		require.False(t, light[2].served())
		close(first.done)
		synctest.Wait()
		require.True(t, light[2].served() && !second.served(), "the next costly one waits in its turn")
		for _, w := range []waiter{light[0], light[1], light[2], second} {
			close(w.done)
		}
		synctest.Wait()
		require.True(t, second.served() && third.served())
		close(third.done)
	})
}

// A costly caller who gives up leaves no place taken.
func TestHasherCostlyCallersMayGiveUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newPool(t, 1, 2)
		first := waits(t, t.Context(), h, false)
		for range 5 {
			ctx, cancel := context.WithCancel(t.Context())
			results := make(chan error, 2)
			for range 2 { // one waits for the worker, one behind it
				go func() { _, err := h.AcquireWorker(ctx, true); results <- err }()
			}
			synctest.Wait()
			_, err := h.AcquireWorker(t.Context(), true)
			require.ErrorIs(t, err, authn.ErrOverloaded)
			cancel()
			require.ErrorIs(t, <-results, context.Canceled)
			require.ErrorIs(t, <-results, context.Canceled)
		}
		close(first.done)
		synctest.Wait()
		last := waits(t, t.Context(), h, true)
		require.True(t, last.served())
		close(last.done)
	})
}

// Which hashes are costly is seen by the memory that they ask for.
func TestHasherKnowsCostlyHashes(t *testing.T) {
	t.Parallel()
	costly, err := newTestHasher(t, authn.PasswordConfig{MemoryKiB: 65, Iterations: 1}).Hash(t.Context(), "password")
	require.NoError(t, err)
	synctest.Test(t, func(t *testing.T) {
		h := newTestHasher(t, authn.PasswordConfig{MemoryKiB: 64, Iterations: 1, Workers: setting.Count(2)})
		holder := waits(t, t.Context(), h, true)
		ctx, cancel := context.WithCancel(t.Context())
		result := make(chan error, 1)
		go func() { _, err := h.Check(ctx, "password", costly); result <- err }()
		synctest.Wait()
		cancel()
		require.ErrorIs(t, <-result, context.Canceled, "it would have been computed")
		match, err := h.Check(t.Context(), "decoy", h.DecoyHash())
		require.NoError(t, err)
		require.True(t, match)
		close(holder.done)
	})
}
