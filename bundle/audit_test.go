package bundle_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/store/memstore"
)

// emptied is a journal's store that somebody can take all entries from.
type emptied struct {
	*memstore.Store
	on atomic.Bool
}

func (s *emptied) Entries(ctx context.Context, q audit.Query) ([]audit.Entry, error) {
	if s.on.Load() {
		return nil, nil
	}
	return s.Store.Entries(ctx, q)
}

// A running application verifies its journal as often as configured, and says when it was changed.
func TestJournalIsVerifiedByItself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &emptied{Store: memstore.New()}
		var told atomic.Int64
		var bus *audit.Bus
		app := fx.New(fx.NopLogger, authmodule.Stub(func(c *authmodule.Config) { c.Audit.Journal, c.Audit.VerifyHours = true, 3 }),
			authmodule.UseJournalStore(func() *emptied { return store }),
			authmodule.AddListener(func() audit.Listener {
				return audit.ListenerFunc(func(_ context.Context, e audit.Event) {
					if e.Type == audit.AuditTampered {
						told.Add(1)
					}
				})
			}), fx.Populate(&bus))
		require.NoError(t, app.Start(t.Context()))
		bus.Emit(t.Context(), audit.Event{Type: audit.UserRegistered, Subject: "u1"})
		time.Sleep(time.Hour)
		synctest.Wait()
		require.Zero(t, told.Load(), "it is sound")
		store.on.Store(true)
		for _, expected := range []int64{1, 2} {
			time.Sleep(3 * time.Hour)
			synctest.Wait()
			assert.Equal(t, expected, told.Load())
		}
		require.NoError(t, app.Stop(context.Background()))
	})
}
