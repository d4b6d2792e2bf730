package authz

import (
	"context"
	"fmt"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"github.com/authmodule/authmodule/authn"
)

// snapshots keeps what each tenant's rules were compiled to, once they were read and are valid. A
// tenant without rules of its own shares those of configuration and code; a failed
// read leaves nothing behind.
//
// Reading and changing a tenant's rules is done under the tenant's lock, so
// that an older reading never replaces a newer one. Decisions take no lock.
type snapshots struct {
	store RuleStore
	// compile makes a tenant's rules of what is stored.
	compile func(Rules) (*ruleset, error)
	locks   tenantLocks
	// single is the empty tenant, the only one of many applications; byTenant has the others.
	single   kept
	byTenant sync.Map // authn.Tenant to *kept
}

// kept is what is in use for one tenant.
type kept struct {
	// mu makes looking at the turn and keeping one step: what was dropped is never seen again, however shortly.
	mu sync.Mutex
	// turn counts what was dropped: what was read before is not kept after.
	turn  atomic.Uint64
	rules atomic.Pointer[ruleset]
}

func newSnapshots(store RuleStore, compile func(Rules) (*ruleset, error)) *snapshots {
	return &snapshots{store: store, compile: compile, locks: newTenantLocks()}
}

func (s *snapshots) kept(t authn.Tenant) *kept {
	if t == "" {
		return &s.single
	}
	if k, known := s.byTenant.Load(t); known {
		return k.(*kept)
	}
	k, _ := s.byTenant.LoadOrStore(t, &kept{})
	return k.(*kept)
}

// of returns the tenant's rules, reading what is stored on first use.
func (s *snapshots) of(ctx context.Context, t authn.Tenant) (*ruleset, error) {
	k := s.kept(t)
	if rules := k.rules.Load(); rules != nil {
		return rules, nil
	}
	unlock, err := s.locks.lock(ctx, t)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if rules := k.rules.Load(); rules != nil {
		return rules, nil
	}
	return s.load(ctx, t)
}

// loaded returns nil for a tenant whose rules are not in memory.
func (s *snapshots) loaded(t authn.Tenant) *ruleset {
	if t == "" {
		return s.single.rules.Load()
	}
	if k, known := s.byTenant.Load(t); known {
		return k.(*kept).rules.Load()
	}
	return nil
}

// load reads the stored rules and keeps what they are compiled to. The caller has the tenant's lock.
func (s *snapshots) load(ctx context.Context, t authn.Tenant) (*ruleset, error) {
	k := s.kept(t)
	turn := k.turn.Load()
	stored, err := s.stored(ctx, t)
	if err != nil {
		return nil, err
	}
	rules, err := s.compile(stored)
	if err != nil {
		// Not wrapped: its classes are for who defines a role or asks for one, and this caller did neither.
		return nil, fmt.Errorf("%w: tenant %s: %v", ErrStoredRules, quote(string(t)), err)
	}
	k.keep(rules, turn)
	return rules, nil
}

// keep has the rules used, if nothing was dropped since the turn. What is not kept decides for its caller and is remembered by nobody.
func (k *kept) keep(rules *ruleset, turn uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.turn.Load() != turn {
		rules.verdicts.End()
		return
	}
	k.replace(rules)
}

// drop makes the next use read the store. It waits for no reading.
func (k *kept) drop() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.turn.Add(1)
	k.replace(nil)
}

func (k *kept) replace(rules *ruleset) {
	if old := k.rules.Swap(rules); old != nil {
		old.verdicts.End()
	}
}

// again is when what was read while a change was announced is read once more: the program
// that announced it may have ended before it could tell that it was made.
const again = 10 * time.Second

// changed is told of a change to the rules of one tenant.
func (s *snapshots) changed(t authn.Tenant) {
	k := s.kept(t)
	k.drop()
	time.AfterFunc(again, k.drop)
}

// forget drops the rules of all tenants.
func (s *snapshots) forget() {
	s.each(func(_ authn.Tenant, k *kept) { k.drop() })
}

func (s *snapshots) each(do func(authn.Tenant, *kept)) {
	do("", &s.single)
	s.byTenant.Range(func(t, k any) bool {
		do(t.(authn.Tenant), k.(*kept))
		return true
	})
}

func (s *snapshots) stored(ctx context.Context, t authn.Tenant) (Rules, error) {
	rules, err := s.store.Rules(ctx, t)
	if err != nil {
		return Rules{}, fmt.Errorf("authz: read rules: %w", err)
	}
	return rules, nil
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
		return nil, fmt.Errorf("authz: wait for rules: %w", ctx.Err())
	}
}
