package sqlstore_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/store/sqlstore"
)

// A context that ends during a write leaves no doubt in SQLite: an error means that nothing was changed (REF-08).
// PostgreSQL may have changed what it was asked to, and nothing else; a write that succeeded did.
func TestCancelledDuringAWrite(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, d database) {
		s := d.open(t)
		const n = 200
		errs := make([]error, n)
		for i := range n {
			ctx, cancel := context.WithCancel(t.Context())
			var both sync.WaitGroup
			both.Go(func() {
				for range i * 300 { // cancels at many different moments
					_ = ctx.Err()
				}
				cancel()
			})
			both.Go(func() { errs[i] = s.CreateUser(ctx, numbered(i)) })
			both.Wait()
		}
		failed, unsure := 0, 0
		for i, err := range errs {
			_, read := s.UserByID(t.Context(), numbered(i).Subject)
			if err == nil {
				assert.NoError(t, read, i)
				continue
			}
			failed++
			require.ErrorIs(t, err, context.Canceled)
			if d.dialect == sqlstore.Postgres && read == nil {
				unsure++
				continue
			}
			assert.ErrorIs(t, read, authn.ErrNotFound, fmt.Sprint(i))
		}
		t.Logf("%d of %d were cancelled in time, and %d too late", failed, n, unsure)
	})
}
