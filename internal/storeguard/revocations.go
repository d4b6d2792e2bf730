package storeguard

import (
	"context"
	"time"

	"github.com/authmodule/authmodule/authn"
)

type revocations struct {
	g *Guard
	s authn.RevocationStore
}

// watched is for a store that tells of new entries.
type watched struct {
	revocations
	authn.RevocationWatcher
}

var (
	_ authn.RevocationStore   = revocations{}
	_ authn.RevocationWatcher = watched{}
)

// Revocations guards the revocation log. The result tells of new entries if the store does.
func (g *Guard) Revocations(s authn.RevocationStore) authn.RevocationStore {
	guarded := revocations{g, s}
	if w, ok := s.(authn.RevocationWatcher); ok {
		return watched{guarded, w}
	}
	return guarded
}

// Revoke implements [authn.RevocationStore].
func (p revocations) Revoke(ctx context.Context, entries ...authn.Revocation) (int64, error) {
	return write(ctx, p.g, "Revoke", func(ctx context.Context) (int64, error) { return p.s.Revoke(ctx, entries...) })
}

// Revocations implements [authn.RevocationStore].
func (p revocations) Revocations(ctx context.Context, after int64, limit int) ([]authn.Revocation, int64, error) {
	type page struct {
		entries []authn.Revocation
		head    int64
	}
	got, err := read(ctx, p.g, "Revocations", func(ctx context.Context) (page, error) {
		entries, head, err := p.s.Revocations(ctx, after, limit)
		return page{entries, head}, err
	})
	return got.entries, got.head, err
}

// PruneRevocations implements [authn.RevocationStore].
func (p revocations) PruneRevocations(ctx context.Context, before time.Time) (int, error) {
	return sweep(ctx, p.g, "PruneRevocations", func(ctx context.Context) (int, error) { return p.s.PruneRevocations(ctx, before) })
}
