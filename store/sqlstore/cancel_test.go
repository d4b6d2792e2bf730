package sqlstore_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
)

// A context that ends during a write leaves no doubt: an error means that nothing was changed (REF-08).
func TestCancelledDuringAWrite(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "auth.db"))
	const n = 200
	errs := make([]error, n)
	user := func(i int) authn.User {
		u := ada()
		u.Subject.ID, u.Email = fmt.Sprint("u", i), fmt.Sprint(i, "@example.com")
		return u
	}
	for i := range n {
		ctx, cancel := context.WithCancel(t.Context())
		var both sync.WaitGroup
		both.Go(func() {
			for range i * 300 { // cancels at many different moments
				_ = ctx.Err()
			}
			cancel()
		})
		both.Go(func() { errs[i] = s.CreateUser(ctx, user(i)) })
		both.Wait()
	}
	failed := 0
	for i, err := range errs {
		_, read := s.UserByID(t.Context(), user(i).Subject)
		if err == nil {
			assert.NoError(t, read, i)
			continue
		}
		failed++
		require.ErrorIs(t, err, context.Canceled)
		assert.True(t, errors.Is(read, authn.ErrNotFound), "%d: %v", i, err)
	}
	t.Logf("%d of %d were cancelled in time", failed, n)
}
