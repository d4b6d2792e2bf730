package authz

import (
	"context"
	"time"

	"github.com/authmodule/authmodule/authn"
)

// RereadEvery is how often rules in memory are to be compared with the stored ones: see [Service.Reread].
const RereadEvery = time.Minute

// Reread compares the rules that are in memory with the store, tenant by tenant, and forgets those that changed or
// cannot be read, so that the next decision reads them. Changes are told to all nodes when they are made; this is for one that
// nobody could tell of, such as a write that a store finished long after its caller had given up. Call it each
// [RereadEvery]; no decision waits for it, but for those of a tenant whose rules are not in memory.
func (s *Service) Reread(ctx context.Context) {
	s.snapshots.each(func(t authn.Tenant, k *kept) {
		if err := s.snapshots.reread(ctx, t, k); err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "rules could not be read again; decisions read them themselves", "tenant", string(t), "error", err)
		}
	})
}

func (s *snapshots) reread(ctx context.Context, t authn.Tenant, k *kept) error {
	if k.rules.Load() == nil || ctx.Err() != nil {
		return nil
	}
	unlock, err := s.locks.lock(ctx, t)
	if err != nil {
		return err
	}
	defer unlock()
	used := k.rules.Load()
	if used == nil {
		return nil
	}
	stored, err := s.stored(ctx, t)
	if err != nil || stored.Version != used.version {
		k.drop()
	}
	return err
}
