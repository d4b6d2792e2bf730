package authz_test

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
)

var operator = authn.Principal{Kind: authn.KindUser, Subject: authn.Subject{ID: "op"}}

func names(roles []authz.Role) []string {
	var out []string
	for _, r := range roles {
		out = append(out, r.Name)
	}
	return out
}

func TestRolesListsEverySourceOnce(t *testing.T) {
	t.Parallel()
	store := newFakeStore()
	store.seed("acme", authz.Role{Name: "editor", Description: "stored"}, authz.Role{Name: "zoo"})
	b := setupOn(t, store, authz.Config{SuperuserRole: "root", Roles: map[string]authz.RoleConfig{
		"editor": {Description: "configured"}, "chief": inheriting("editor"),
	}}, authz.Role{Name: "coded"})
	all, err := b.service.Roles(t.Context(), "acme")
	require.NoError(t, err)
	assert.Equal(t, []string{"admin", "chief", "coded", "editor", "root", "viewer", "zoo"}, names(all))
	assert.Equal(t, "stored", all[3].Description)
	all, err = b.service.Roles(t.Context(), "")
	require.NoError(t, err)
	assert.Equal(t, []string{"admin", "chief", "coded", "editor", "root", "viewer"}, names(all))
	assert.Equal(t, "configured", all[3].Description)
}

func TestDefineRole(t *testing.T) {
	t.Parallel()
	b := setup(t, newsroom())
	ctx := t.Context()
	clerk := authz.Role{Name: "clerk", Permissions: []string{"bills.pay"}, Inherits: []string{"viewer"}}
	require.False(t, b.service.Can(ctx, userOf("acme", "clerk"), "bills.pay", none))
	b.events.take()

	require.NoError(t, b.service.DefineRole(ctx, operator, "acme", clerk))
	assert.Equal(t, []audit.Event{{
		Type: audit.RoleDefined, Time: testNow, Tenant: "acme", Actor: "op", Detail: map[string]string{"role": "clerk"},
	}}, b.events.take())
	assert.True(t, b.service.Can(ctx, userOf("acme", "clerk"), "bills.pay", none), "at once")
	assert.True(t, b.service.Can(ctx, userOf("acme", "clerk"), "articles.read", none), "inherited")
	assert.False(t, b.service.Can(ctx, userOf("other", "clerk"), "bills.pay", none))
	b.events.take()

	require.NoError(t, b.service.DefineRole(ctx, operator, "acme", clerk))
	assert.Empty(t, b.events.take(), "the same again is no change")
	assert.Equal(t, 1, b.store.writes)

	clerk.Permissions[0] = "*.*"
	assert.False(t, b.service.Can(ctx, userOf("acme", "clerk"), "users.list", none), "the caller's slice is not ours")
	require.NoError(t, b.service.DefineRole(ctx, operator, "acme", authz.Role{Name: "clerk"}))
	assert.False(t, b.service.Can(ctx, userOf("acme", "clerk"), "bills.pay", none), "replaced, not merged")
}

// A stored definition of a parent reaches the heirs in configuration, in its tenant only.
func TestStoredRoleReachesConfiguredHeirs(t *testing.T) {
	t.Parallel()
	b := setup(t, newsroom())
	ctx := t.Context()
	require.NoError(t, b.service.DefineRole(ctx, operator, "acme", authz.Role{Name: "viewer", Permissions: []string{"drafts.read"}}))
	d, err := b.service.Authorize(ctx, userOf("acme", "admin"), "drafts.read", none)
	require.NoError(t, err)
	assert.Equal(t, []string{"admin", "editor", "viewer"}, d.Path)
	assert.False(t, b.service.Can(ctx, userOf("acme", "admin"), "articles.read", none), "the configured one is replaced")
	assert.True(t, b.service.Can(ctx, userOf("other", "admin"), "articles.read", none))

	require.NoError(t, b.service.DefineRole(ctx, operator, "acme", authz.Role{Name: "editor", Inherits: []string{"root"}}))
	d, err = b.service.Authorize(ctx, userOf("acme", "admin"), "any.thing", none)
	require.NoError(t, err)
	assert.Equal(t, authz.ReasonSuperuser, d.Reason)
	assert.False(t, b.service.Can(ctx, userOf("other", "admin"), "any.thing", none))
}

func TestDefineRoleRefusesWhatWouldBreakTheSet(t *testing.T) {
	t.Parallel()
	testCases := []struct {
		name     string
		have     authz.Role
		expected error
		text     string
	}{
		{"name", authz.Role{Name: "Clerk"}, authz.ErrRoleName, `"Clerk"`},
		{"no name", authz.Role{}, authz.ErrRoleName, `""`},
		{"pattern", authz.Role{Name: "clerk", Permissions: []string{"user*"}}, authz.ErrPermissionSyntax, `role "clerk" holds "user*"`},
		{"parent", authz.Role{Name: "clerk", Inherits: []string{"ghost"}}, authz.ErrUnknownRole, `role "clerk" inherits "ghost"`},
		{"self", authz.Role{Name: "clerk", Inherits: []string{"clerk"}}, authz.ErrRoleCycle, "clerk -> clerk"},
		{"circle through configuration", authz.Role{Name: "viewer", Inherits: []string{"admin"}}, authz.ErrRoleCycle,
			"admin -> editor -> viewer -> admin"},
		{"circle through the store", authz.Role{Name: "base", Inherits: []string{"heir"}}, authz.ErrRoleCycle, "base -> heir -> base"},
	}
	for _, tc := range testCases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			store := newFakeStore()
			store.seed("", authz.Role{Name: "base"}, authz.Role{Name: "heir", Permissions: []string{"a.b"}, Inherits: []string{"base"}})
			b := setupOn(t, store, newsroom())
			err := b.service.DefineRole(t.Context(), operator, "", tc.have)
			require.ErrorIs(t, err, tc.expected)
			require.ErrorContains(t, err, tc.text)
			assert.Zero(t, store.writes)
			assert.Empty(t, b.events.take())
			assert.True(t, b.service.Can(t.Context(), user("heir"), "a.b", none), "what was there goes on")
		})
	}
}

// A tenant whose stored roles became invalid can be put right.
func TestDefineRoleRepairs(t *testing.T) {
	t.Parallel()
	store := newFakeStore()
	store.seed("", authz.Role{Name: "clerk", Inherits: []string{"ghost"}})
	b := setupOn(t, store, newsroom())
	require.False(t, b.service.Can(t.Context(), user("viewer"), "articles.read", none))
	require.NoError(t, b.service.DefineRole(t.Context(), operator, "", authz.Role{Name: "clerk"}))
	assert.True(t, b.service.Can(t.Context(), user("viewer"), "articles.read", none))
}

func TestDeleteRole(t *testing.T) {
	t.Parallel()
	store := newFakeStore()
	store.seed("",
		authz.Role{Name: "base", Permissions: []string{"a.b"}},
		authz.Role{Name: "heir", Inherits: []string{"base"}},
		authz.Role{Name: "chief", Inherits: []string{"base"}},
		authz.Role{Name: "viewer", Permissions: []string{"a.c"}},
		authz.Role{Name: "admin"})
	b := setupOn(t, store, roles(map[string]authz.RoleConfig{
		"viewer": holding("articles.read"), "editor": inheriting("viewer"),
	}))
	ctx := t.Context()

	err := b.service.DeleteRole(ctx, operator, "", "base")
	require.ErrorIs(t, err, authz.ErrRoleInUse)
	require.ErrorContains(t, err, `"base" is inherited by chief, heir`)
	require.ErrorIs(t, b.service.DeleteRole(ctx, operator, "", "ghost"), authz.ErrUnknownRole)
	require.ErrorIs(t, b.service.DeleteRole(ctx, operator, "", "editor"), authz.ErrRoleFixed)
	require.ErrorIs(t, b.service.DeleteRole(ctx, operator, "other", "base"), authz.ErrUnknownRole)
	assert.Zero(t, store.writes)
	assert.Empty(t, b.events.take())
	require.True(t, b.service.Can(ctx, user("heir"), "a.b", none))

	require.NoError(t, b.service.DeleteRole(ctx, operator, "", "heir"))
	assert.Equal(t, []audit.Event{{
		Type: audit.RoleDeleted, Time: testNow, Actor: "op", Detail: map[string]string{"role": "heir"},
	}}, b.events.take())
	assert.False(t, b.service.Can(ctx, user("heir"), "a.b", none), "at once")
	require.ErrorIs(t, b.service.DeleteRole(ctx, operator, "", "base"), authz.ErrRoleInUse, "chief is left")
	require.NoError(t, b.service.DeleteRole(ctx, operator, "", "chief"))
	require.NoError(t, b.service.DeleteRole(ctx, operator, "", "base"))

	require.False(t, b.service.Can(ctx, user("editor"), "articles.read", none))
	require.NoError(t, b.service.DeleteRole(ctx, operator, "", "viewer"), "the configured one stays for its heirs")
	assert.True(t, b.service.Can(ctx, user("editor"), "articles.read", none), "and applies again")
	require.NoError(t, b.service.DeleteRole(ctx, operator, "", "admin"), "an implicit role stays")
	all, err := b.service.Roles(ctx, "")
	require.NoError(t, err)
	assert.Equal(t, []string{"admin", "editor", "viewer"}, names(all))
}

// Removing a stored role must not bring back one that closes a circle.
func TestDeleteRoleRefusesToUncoverACircle(t *testing.T) {
	t.Parallel()
	store := newFakeStore()
	store.seed("", authz.Role{Name: "editor"}, authz.Role{Name: "viewer", Inherits: []string{"editor"}})
	b := setupOn(t, store, roles(map[string]authz.RoleConfig{"editor": inheriting("viewer")}))
	require.ErrorIs(t, b.service.DeleteRole(t.Context(), operator, "", "editor"), authz.ErrRoleCycle)
	assert.Zero(t, store.writes)
}

// Another process deleted it between the reading and the deleting: the change is planned anew.
func TestDeleteRoleThatIsGoneMeanwhile(t *testing.T) {
	t.Parallel()
	store := newFakeStore()
	store.seed("", authz.Role{Name: "clerk"})
	store.onWrite = func() { store.apply("", authz.RuleChange{DeleteRoles: []string{"clerk"}}) }
	b := setupOn(t, store, newsroom())
	require.ErrorIs(t, b.service.DeleteRole(t.Context(), operator, "", "clerk"), authz.ErrUnknownRole)
	assert.Empty(t, b.events.take())
}

// What another process stores meanwhile is neither lost nor left unchecked.
func TestDefineRoleOnTopOfAnotherChange(t *testing.T) {
	t.Parallel()
	store := newFakeStore()
	b := setupOn(t, store, authz.Config{})
	ctx, once := t.Context(), sync.Once{}
	store.onWrite = func() {
		once.Do(func() { store.seed("", authz.Role{Name: "a", Inherits: []string{"viewer"}}) })
	}
	require.NoError(t, b.service.DefineRole(ctx, operator, "", authz.Role{Name: "b", Inherits: []string{"viewer"}}))
	all, err := b.service.Roles(ctx, "")
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "admin", "b", "viewer"}, names(all))

	store.onWrite = func() {
		store.apply("", authz.RuleChange{PutRoles: []authz.Role{{Name: "a", Inherits: []string{"b"}}}})
		store.onWrite = nil
	}
	err = b.service.DefineRole(ctx, operator, "", authz.Role{Name: "b", Inherits: []string{"a"}})
	require.ErrorIs(t, err, authz.ErrRoleCycle, "each alone is valid, and both together are not")
}

// A store in which every change meets another one is given up on.
func TestEndlessConflict(t *testing.T) {
	t.Parallel()
	store := newFakeStore()
	store.onWrite = func() { store.apply("", authz.RuleChange{}) }
	b := setupOn(t, store, authz.Config{})
	require.ErrorIs(t, b.service.DefineRole(t.Context(), operator, "", authz.Role{Name: "b"}), authn.ErrConflict)
	assert.Less(t, store.writes, 100)
}

// POL-01: what cannot be read cannot be changed.
func TestChangeNeedsTheStore(t *testing.T) {
	t.Parallel()
	store := newFakeStore()
	store.readErr = errStore
	b := setupOn(t, store, newsroom())
	require.ErrorIs(t, b.service.DefineRole(t.Context(), operator, "", authz.Role{Name: "clerk"}), errStore)
	require.ErrorIs(t, b.service.DeleteRole(t.Context(), operator, "", "clerk"), errStore)
	assert.Zero(t, store.writes)
}

func TestReload(t *testing.T) {
	t.Parallel()
	b := setup(t, newsroom())
	ctx := t.Context()
	require.False(t, b.service.Can(ctx, user("clerk"), "bills.pay", none))
	b.store.seed("", authz.Role{Name: "clerk", Permissions: []string{"bills.pay"}})
	require.False(t, b.service.Can(ctx, user("clerk"), "bills.pay", none), "the store is not watched")
	require.NoError(t, b.service.Reload(ctx, ""))
	require.True(t, b.service.Can(ctx, user("clerk"), "bills.pay", none))

	b.store.set(func(f *fakeStore) { f.readErr = errStore })
	require.ErrorIs(t, b.service.Reload(ctx, ""), errStore)
	assert.True(t, b.service.Can(ctx, user("clerk"), "bills.pay", none), "what was read before stays")
}

// A change that finds nothing to do still takes up what another process stored.
func TestDefineRoleTakesUpWhatIsStoredAlready(t *testing.T) {
	t.Parallel()
	b := setup(t, newsroom())
	clerk := authz.Role{Name: "clerk", Permissions: []string{"bills.pay"}}
	require.False(t, b.service.Can(t.Context(), user("clerk"), "bills.pay", none))
	b.store.seed("", clerk)
	b.events.take()
	require.NoError(t, b.service.DefineRole(t.Context(), operator, "", clerk))
	assert.True(t, b.service.Can(t.Context(), user("clerk"), "bills.pay", none))
	assert.Empty(t, b.events.take())
}

// A write that reports an error may have been stored; no decision uses the roles from before it.
func TestFailedWriteIsReadBack(t *testing.T) {
	t.Parallel()
	for _, stored := range []bool{true, false} {
		b := setup(t, newsroom())
		ctx := t.Context()
		require.True(t, b.service.Can(ctx, user("viewer"), "articles.read", none))
		b.store.set(func(f *fakeStore) { f.writeErr, f.refuse = errStore, !stored })
		require.ErrorIs(t, b.service.DefineRole(ctx, operator, "", authz.Role{Name: "viewer"}), errStore)
		assert.Empty(t, b.events.take(), "not known to have changed")
		assert.Equal(t, !stored, b.service.Can(ctx, user("viewer"), "articles.read", none))
		b.store.set(func(f *fakeStore) { f.rules[""] = authz.Rules{Version: 9, Roles: []authz.Role{{Name: "tmp"}}} })
		require.ErrorIs(t, b.service.DeleteRole(ctx, operator, "", "tmp"), errStore)
	}
}

// The store fails right after the write: the change is made, and nothing is
// decided by the roles from before.
func TestStoreFailingAfterTheWriteFailsClosed(t *testing.T) {
	t.Parallel()
	b := setup(t, newsroom())
	ctx := t.Context()
	require.True(t, b.service.Can(ctx, user("viewer"), "articles.read", none))
	reads := 0
	b.store.onRead = func() {
		reads++
		b.store.set(func(f *fakeStore) {
			f.readErr = nil
			if reads > 1 {
				f.readErr = errStore
			}
		})
	}
	require.NoError(t, b.service.DefineRole(ctx, operator, "", authz.Role{Name: "viewer"}))
	assert.Len(t, b.events.take(), 1)
	decision, err := b.service.Authorize(ctx, user("viewer"), "articles.read", none)
	require.ErrorIs(t, err, errStore)
	assert.False(t, decision.Allowed)
}

// A listener may use the service: events are told after the lock is released.
func TestListenerMayCallBack(t *testing.T) {
	t.Parallel()
	store := newFakeStore()
	bus := audit.NewBus(nil, nil)
	service, err := authz.New(newsroom(), authz.Deps{Rules: store, Assignments: store, Events: bus})
	require.NoError(t, err)
	bus.Subscribe(audit.ListenerFunc(func(_ context.Context, e audit.Event) {
		if e.Detail["role"] == "first" {
			assert.NoError(t, service.DefineRole(t.Context(), operator, "", authz.Role{Name: "second"}))
		}
	}))
	require.NoError(t, service.DefineRole(t.Context(), operator, "", authz.Role{Name: "first"}))
	assert.Len(t, store.rules[""].Roles, 2)
}

// A deletion that was cut off after the role was gone is finished by the next call: a late holder does not keep the name.
func TestDeleteRoleAgainAfterItWasCutOff(t *testing.T) {
	t.Parallel()
	for name, deletion := range map[string]func(*authz.Service) error{
		"service":  func(s *authz.Service) error { return s.DeleteRole(t.Context(), operator, "", "clerk") },
		"delegate": func(s *authz.Service) error { return s.OnBehalfOf(user("boss")).DeleteRole(t.Context(), "clerk") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, late := setup(t, roles(map[string]authz.RoleConfig{"boss": holding("**")})), authn.Subject{ID: "late"}
			ctx, clerk := t.Context(), authz.Role{Name: "clerk", Permissions: []string{"desk.use"}}
			require.NoError(t, b.service.DefineRole(ctx, operator, "", clerk))
			b.store.onWrite = func() {
				_, _ = b.store.Assign(ctx, late, authz.Assignment{Role: "clerk"}) // by another node, which looked before
				b.store.set(func(f *fakeStore) { f.readErr = errStore })
			}
			require.ErrorIs(t, deletion(b.service), errStore)
			b.store.onWrite = nil
			b.store.set(func(f *fakeStore) { f.readErr = nil })
			require.ErrorIs(t, deletion(b.service), authz.ErrUnknownRole)
			require.NoError(t, b.service.DefineRole(ctx, operator, "", clerk))
			got, _, err := b.service.RolesOf(ctx, late)
			require.NoError(t, err)
			assert.NotContains(t, got, "clerk")
		})
	}
}
