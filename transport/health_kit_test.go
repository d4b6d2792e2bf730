package transport_test

import (
	"context"
	"sync/atomic"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/store/memstore"
)

// old is a revocation log that cannot be read any more.
type old struct {
	authn.RevocationStore
	failing atomic.Bool
}

func newOld() *old { return &old{RevocationStore: memstore.New()} }

func (o *old) fail() { o.failing.Store(true) }

// Revocations implements [authn.RevocationStore].
func (o *old) Revocations(ctx context.Context, after int64, limit int) ([]authn.Revocation, int64, error) {
	if o.failing.Load() {
		return nil, 0, errDown
	}
	return o.RevocationStore.Revocations(ctx, after, limit)
}
