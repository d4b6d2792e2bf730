package authz_test

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
)

var errStore = errors.New("store: cannot answer")

// fakeStore keeps rules and assignments in maps and fails when told to.
type fakeStore struct {
	mu          sync.Mutex
	rules       map[authn.Tenant]authz.Rules
	assignments map[authn.Subject][]authz.Assignment
	reads       int
	writes      int
	readErr     error
	// writeErr is returned after the write was done, unless refuse is set.
	writeErr error
	refuse   bool
	// onRead is called in each Rules, without the lock.
	onRead func()
	// onWrite is called in each ChangeRules, without the lock.
	onWrite func()
}

var (
	_ authz.RuleStore       = (*fakeStore)(nil)
	_ authz.AssignmentStore = (*fakeStore)(nil)
)

func newFakeStore() *fakeStore {
	return &fakeStore{rules: map[authn.Tenant]authz.Rules{}, assignments: map[authn.Subject][]authz.Assignment{}}
}

// set changes the fake itself.
func (f *fakeStore) set(change func(*fakeStore)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

func (f *fakeStore) seed(t authn.Tenant, roles ...authz.Role) {
	f.apply(t, authz.RuleChange{PutRoles: roles})
}

// apply changes the tenant's rules behind the back of every service.
func (f *fakeStore) apply(t authn.Tenant, c authz.RuleChange) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.change(t, c)
}

func (f *fakeStore) change(t authn.Tenant, c authz.RuleChange) {
	roles, policies := map[string]authz.Role{}, map[string]authz.PolicyText{}
	for _, r := range f.rules[t].Roles {
		roles[r.Name] = r
	}
	for _, p := range f.rules[t].Policies {
		policies[p.Name] = p
	}
	for _, name := range c.DeleteRoles {
		delete(roles, name)
	}
	for _, name := range c.DeletePolicies {
		delete(policies, name)
	}
	for _, r := range c.PutRoles {
		roles[r.Name] = r
	}
	for _, p := range c.PutPolicies {
		policies[p.Name] = p
	}
	next := authz.Rules{Version: f.rules[t].Version + 1}
	for _, name := range slices.Sorted(maps.Keys(roles)) {
		next.Roles = append(next.Roles, roles[name])
	}
	for _, name := range slices.Sorted(maps.Keys(policies)) {
		next.Policies = append(next.Policies, policies[name])
	}
	f.rules[t] = next
}

func (f *fakeStore) Rules(ctx context.Context, t authn.Tenant) (authz.Rules, error) {
	if f.onRead != nil {
		f.onRead()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reads++
	if err := errors.Join(ctx.Err(), f.readErr); err != nil {
		return authz.Rules{}, err
	}
	rules := f.rules[t]
	rules.Roles, rules.Policies = slices.Clone(rules.Roles), slices.Clone(rules.Policies)
	return rules, nil
}

func (f *fakeStore) ChangeRules(_ context.Context, t authn.Tenant, version int64, c authz.RuleChange) error {
	if f.onWrite != nil {
		f.onWrite()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.writes++
	if f.refuse {
		return f.writeErr
	}
	if f.rules[t].Version != version {
		return authn.ErrConflict
	}
	f.change(t, c)
	return f.writeErr
}

func (f *fakeStore) Assignments(_ context.Context, s authn.Subject) ([]authz.Assignment, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.assignments[s]), f.readErr
}

func (f *fakeStore) Assign(_ context.Context, s authn.Subject, a authz.Assignment) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.writeErr != nil {
		return false, f.writeErr
	}
	if slices.Contains(f.assignments[s], a) {
		return false, nil
	}
	f.assignments[s] = slices.DeleteFunc(f.assignments[s], func(old authz.Assignment) bool { return old.Role == a.Role && old.Source == a.Source })
	f.put(s, a)
	return true, nil
}

func (f *fakeStore) put(s authn.Subject, list ...authz.Assignment) {
	f.assignments[s] = append(f.assignments[s], list...)
	slices.SortFunc(f.assignments[s], func(a, b authz.Assignment) int {
		return cmp.Or(cmp.Compare(a.Role, b.Role), cmp.Compare(a.Source, b.Source))
	})
}

func (f *fakeStore) Unassign(_ context.Context, s authn.Subject, role string) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.writeErr != nil {
		return false, f.writeErr
	}
	before := len(f.assignments[s])
	f.assignments[s] = slices.DeleteFunc(f.assignments[s], func(a authz.Assignment) bool { return a.Role == role })
	return len(f.assignments[s]) < before, nil
}

func (f *fakeStore) ReplaceAssignments(_ context.Context, s authn.Subject, source string, list []authz.Assignment) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.writeErr != nil {
		return false, f.writeErr
	}
	f.assignments[s] = slices.DeleteFunc(f.assignments[s], func(a authz.Assignment) bool { return a.Source == source })
	f.put(s, list...)
	return true, nil
}

func (f *fakeStore) Holders(_ context.Context, t authn.Tenant, role string, at time.Time, after string, limit int) ([]string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var ids []string
	for s, list := range f.assignments {
		if s.Tenant == t && s.ID > after && slices.ContainsFunc(list, func(a authz.Assignment) bool {
			return a.Role == role && (a.Until.IsZero() || at.Before(a.Until))
		}) {
			ids = append(ids, s.ID)
		}
	}
	slices.Sort(ids)
	return ids[:min(limit, len(ids))], f.readErr
}

func (f *fakeStore) PruneAssignments(context.Context, time.Time) (int, error) { return 0, nil }

// recorder keeps events.
type recorder struct {
	mu     sync.Mutex
	events []audit.Event
}

func (r *recorder) On(_ context.Context, e audit.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
}

// take returns the events since the last call.
func (r *recorder) take() []audit.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	events := r.events
	r.events = nil
	return events
}

// every decides about permissions as a guard does.
func every(ctx context.Context, s *authz.Service, p authn.Principal, permissions ...string) (authz.Decision, error) {
	return s.Decide(ctx, &p, authz.RequirePermissions(permissions...))
}

// none is the absence of a resource.
var none authz.Resource

var testNow = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

type bundle struct {
	service *authz.Service
	store   *fakeStore
	events  *recorder
}

func setup(t testing.TB, cfg authz.Config, extra ...authz.Role) bundle {
	t.Helper()
	return setupOn(t, newFakeStore(), cfg, extra...)
}

func setupOn(t testing.TB, store *fakeStore, cfg authz.Config, extra ...authz.Role) bundle {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	events := &recorder{}
	bus := audit.NewBus(quiet, func() time.Time { return testNow })
	bus.Subscribe(events)
	service, err := authz.New(cfg, authz.Deps{
		Rules: store, Assignments: store, Extra: extra,
		Events: bus, Log: quiet, Now: func() time.Time { return testNow },
	})
	require.NoError(t, err)
	return bundle{service: service, store: store, events: events}
}

func user(roles ...string) authn.Principal {
	return authn.Principal{Kind: authn.KindUser, Subject: authn.Subject{ID: "u1"}, SessionID: "s1", Roles: roles}
}

func userOf(t authn.Tenant, roles ...string) authn.Principal {
	p := user(roles...)
	p.Subject.Tenant = t
	return p
}

func holding(permissions ...string) authz.RoleConfig {
	return authz.RoleConfig{Permissions: permissions}
}

func inheriting(parents ...string) authz.RoleConfig { return authz.RoleConfig{Inherits: parents} }

func roles(m map[string]authz.RoleConfig) authz.Config { return authz.Config{Roles: m} }
