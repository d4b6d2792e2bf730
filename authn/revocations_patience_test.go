package authn_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/store/memstore"
)

// hung is a log whose readings take as long as their callers wait, once it hangs.
type hung struct {
	authn.RevocationStore
	hangs bool
}

func (h *hung) Revocations(ctx context.Context, after int64, limit int) ([]authn.Revocation, int64, error) {
	if h.hangs {
		<-ctx.Done()
		return nil, 0, ctx.Err()
	}
	return h.RevocationStore.Revocations(ctx, after, limit)
}

// REL-11: with a log that hangs, the request that would read it again waits a quarter of a second while the
// view may still be used; when the view is too old, it is refused.
func TestHungLogHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &hung{RevocationStore: memstore.New()}
		view := newView(t, store, authn.RevocationBounded)
		assert.False(t, revoked(t, view, "jti"))
		store.hangs = true
		time.Sleep(2 * time.Second)
		began := time.Now()
		assert.False(t, revoked(t, view, "jti"))
		assert.Equal(t, 250*time.Millisecond, time.Since(began))
		assert.False(t, revoked(t, view, "jti"))
		assert.Equal(t, 250*time.Millisecond, time.Since(began), "others do not wait at all")
		time.Sleep(5 * time.Second)
		_, err := view.TokenRevoked(t.Context(), "", "jti")
		require.ErrorIs(t, err, authn.ErrRevocationsStale)
		require.ErrorIs(t, view.Ready(t.Context()), authn.ErrRevocationsStale)
	})
}

// REL-11: who comes while a reading hangs waits for its end, and not for another one after it.
func TestNobodyWaitsForTwoReadings(t *testing.T) {
	t.Parallel()
	for _, mode := range []authn.RevocationMode{authn.RevocationBounded, authn.RevocationStrict} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store := &hung{RevocationStore: memstore.New(), hangs: true}
				view := newView(t, store, mode)
				began := time.Now()
				var callers sync.WaitGroup
				for range 3 {
					callers.Go(func() { assert.Error(t, view.Ready(t.Context())) })
					time.Sleep(time.Second)
				}
				callers.Wait()
				assert.Equal(t, 5*time.Second, time.Since(began))
				time.Sleep(5 * time.Second) // the reading that nobody waits for
			})
		})
	}
}
