package memstore

import (
	"context"
	"sync"
	"time"

	"github.com/authmodule/authmodule/authn"
)

type tokenKey struct {
	tenant authn.Tenant
	id     string
}

type revocations struct {
	mu     sync.RWMutex
	until  map[tokenKey]time.Time
	expiry expiry[tokenKey]
}

func newRevocations() revocations {
	return revocations{until: map[tokenKey]time.Time{}}
}

func (r *revocations) end(k tokenKey) (time.Time, bool) {
	at, found := r.until[k]
	return at, found
}

// RevokeToken implements [authn.RevocationStore].
func (s *Store) RevokeToken(ctx context.Context, t authn.Tenant, id string, until time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r := &s.revocations
	r.mu.Lock()
	defer r.mu.Unlock()
	k := tokenKey{t, id}
	old, found := r.until[k]
	if !found {
		r.expiry.add(stamp(until), k)
	}
	r.until[k] = later(old, stamp(until))
	return nil
}

// TokenRevoked implements [authn.RevocationStore]. The last moment counts as revoked.
func (s *Store) TokenRevoked(ctx context.Context, t authn.Tenant, id string, now time.Time) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	s.revocations.mu.RLock()
	defer s.revocations.mu.RUnlock()
	until, found := s.revocations.until[tokenKey{t, id}]
	return found && !stamp(now).After(until), nil
}

// PruneRevocations implements [authn.RevocationStore].
func (s *Store) PruneRevocations(ctx context.Context, before time.Time) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	r := &s.revocations
	r.mu.Lock()
	defer r.mu.Unlock()
	drop := func(k tokenKey) { delete(r.until, k) }
	return r.expiry.prune(stamp(before), r.end, drop), nil
}
