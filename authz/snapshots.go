package authz

import (
	"context"
	"fmt"
	"hash/maphash"
	"sync"
	"sync/atomic"

	"github.com/authmodule/authmodule/authn"
)

// snapshots keeps the snapshot of each tenant whose stored roles were read and are valid. A
// tenant without stored roles costs one entry that points to base; a failed
// read leaves nothing behind.
//
// Reading and changing a tenant's roles is done under the tenant's lock, so
// that an older reading never replaces a newer one. Decisions take no lock.
type snapshots struct {
	base      *snapshot
	superuser string
	store     RoleStore
	locks     tenantLocks
	// single is the snapshot of the empty tenant, the only one of many applications; byTenant has those of the others.
	single   atomic.Pointer[snapshot]
	byTenant sync.Map // authn.Tenant to *snapshot
}

func newSnapshots(base *snapshot, superuser string, store RoleStore) *snapshots {
	return &snapshots{base: base, superuser: superuser, store: store, locks: newTenantLocks()}
}

// of returns the tenant's snapshot, reading its stored roles on first use.
func (s *snapshots) of(ctx context.Context, t authn.Tenant) (*snapshot, error) {
	if snap := s.loaded(t); snap != nil {
		return snap, nil
	}
	unlock, err := s.locks.lock(ctx, t)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if snap := s.loaded(t); snap != nil {
		return snap, nil
	}
	return s.load(ctx, t)
}

func (s *snapshots) loaded(t authn.Tenant) *snapshot {
	if t == "" {
		return s.single.Load()
	}
	kept, _ := s.byTenant.Load(t)
	snap, _ := kept.(*snapshot)
	return snap
}

// load reads the stored roles and keeps their snapshot. The caller has the tenant's lock.
func (s *snapshots) load(ctx context.Context, t authn.Tenant) (*snapshot, error) {
	stored, err := s.stored(ctx, t)
	if err != nil {
		return nil, err
	}
	snap, err := s.compile(stored)
	if err != nil {
		// Not wrapped: its classes are for who defines a role or asks for one, and this caller did neither.
		return nil, fmt.Errorf("%w: tenant %s: %v", ErrStoredRoles, quote(string(t)), err)
	}
	s.keep(t, snap)
	return snap, nil
}

// keep replaces the tenant's snapshot. The caller has the tenant's lock.
func (s *snapshots) keep(t authn.Tenant, snap *snapshot) {
	if t == "" {
		s.single.Store(snap)
		return
	}
	s.byTenant.Store(t, snap)
}

func (s *snapshots) stored(ctx context.Context, t authn.Tenant) ([]Role, error) {
	roles, err := s.store.Roles(ctx, t)
	if err != nil {
		return nil, fmt.Errorf("authz: read roles: %w", err)
	}
	return roles, nil
}

func (s *snapshots) compile(stored []Role) (*snapshot, error) {
	set, err := define(stored, 0)
	if err != nil {
		return nil, err
	}
	return s.base.over(set, s.superuser)
}

// forget makes the next use read the store.
func (s *snapshots) forget(t authn.Tenant) {
	if t == "" {
		s.single.Store(nil)
		return
	}
	s.byTenant.Delete(t)
}

// tenantLocks serialises work on one tenant. Tenants may share a lock, which
// keeps the number of locks fixed.
type tenantLocks struct {
	seed  maphash.Seed
	locks [64]chan struct{}
}

func newTenantLocks() tenantLocks {
	l := tenantLocks{seed: maphash.MakeSeed()}
	for i := range l.locks {
		l.locks[i] = make(chan struct{}, 1)
	}
	return l
}

// lock waits no longer than ctx, so that callers do not queue up behind a store that hangs.
func (l *tenantLocks) lock(ctx context.Context, t authn.Tenant) (unlock func(), err error) {
	held := l.locks[maphash.String(l.seed, string(t))%uint64(len(l.locks))]
	select {
	case held <- struct{}{}:
		return func() { <-held }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("authz: wait for roles: %w", ctx.Err())
	}
}
