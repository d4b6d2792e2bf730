package authz_test

import (
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

// fakeStore keeps roles and assignments in maps and fails when told to.
type fakeStore struct {
	mu          sync.Mutex
	roles       map[authn.Tenant]map[string]authz.Role
	assignments map[authn.Subject][]string
	reads       int
	writes      int
	readErr     error
	// writeErr is returned after the write was done, unless refuse is set.
	writeErr error
	refuse   bool
	// onRead is called in each Roles, without the lock.
	onRead func()
}

var (
	_ authz.RoleStore       = (*fakeStore)(nil)
	_ authz.AssignmentStore = (*fakeStore)(nil)
)

func newFakeStore() *fakeStore {
	return &fakeStore{roles: map[authn.Tenant]map[string]authz.Role{}, assignments: map[authn.Subject][]string{}}
}

// set changes the fake itself.
func (f *fakeStore) set(change func(*fakeStore)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

func (f *fakeStore) seed(t authn.Tenant, roles ...authz.Role) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.roles[t] == nil {
		f.roles[t] = map[string]authz.Role{}
	}
	for _, r := range roles {
		f.roles[t][r.Name] = r
	}
}

func (f *fakeStore) Roles(ctx context.Context, t authn.Tenant) ([]authz.Role, error) {
	if f.onRead != nil {
		f.onRead()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reads++
	if err := errors.Join(ctx.Err(), f.readErr); err != nil {
		return nil, err
	}
	var roles []authz.Role
	for _, name := range slices.Sorted(maps.Keys(f.roles[t])) {
		roles = append(roles, f.roles[t][name])
	}
	return roles, nil
}

func (f *fakeStore) PutRole(_ context.Context, t authn.Tenant, r authz.Role) error {
	return f.write(func() {
		if f.roles[t] == nil {
			f.roles[t] = map[string]authz.Role{}
		}
		f.roles[t][r.Name] = r
	})
}

func (f *fakeStore) DeleteRole(_ context.Context, t authn.Tenant, name string) error {
	return f.write(func() { delete(f.roles[t], name) })
}

func (f *fakeStore) write(do func()) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.writes++
	if f.refuse {
		return f.writeErr
	}
	do()
	return f.writeErr
}

func (f *fakeStore) Assignments(_ context.Context, s authn.Subject) ([]string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Sorted(slices.Values(f.assignments[s])), f.readErr
}

func (f *fakeStore) Assign(_ context.Context, s authn.Subject, role string) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.writeErr != nil {
		return false, f.writeErr
	}
	if slices.Contains(f.assignments[s], role) {
		return false, nil
	}
	f.assignments[s] = append(f.assignments[s], role)
	return true, nil
}

func (f *fakeStore) Unassign(_ context.Context, s authn.Subject, role string) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.writeErr != nil {
		return false, f.writeErr
	}
	had := slices.Contains(f.assignments[s], role)
	f.assignments[s] = slices.DeleteFunc(f.assignments[s], func(r string) bool { return r == role })
	return had, nil
}

func (f *fakeStore) Holders(_ context.Context, t authn.Tenant, role, after string, limit int) ([]string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var ids []string
	for s, roles := range f.assignments {
		if s.Tenant == t && s.ID > after && slices.Contains(roles, role) {
			ids = append(ids, s.ID)
		}
	}
	slices.Sort(ids)
	return ids[:min(limit, len(ids))], f.readErr
}

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
		Roles: store, Assignments: store, Extra: extra,
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
