package authz_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
)

var ada = authn.Subject{Tenant: "acme", ID: "ada"}

// Item 9 of the original: rbac.default_role was never read.
func TestRolesOf(t *testing.T) {
	t.Parallel()
	b := setup(t, authz.Config{DefaultRole: "guest", Roles: map[string]authz.RoleConfig{"editor": {}, "chief": {}, "guest": {}}})
	ctx := t.Context()
	expect := func(s authn.Subject, expected ...string) {
		t.Helper()
		have, _, err := b.service.RolesOf(ctx, s)
		require.NoError(t, err)
		assert.Equal(t, expected, have)
	}
	expect(ada, "guest")
	assert.Equal(t, "guest", b.service.DefaultRole())
	require.NoError(t, b.service.Assign(ctx, operator, ada, "editor"))
	require.NoError(t, b.service.Assign(ctx, operator, ada, "chief"))
	expect(ada, "chief", "editor")
	expect(authn.Subject{Tenant: "other", ID: "ada"}, "guest")
	require.NoError(t, b.service.Unassign(ctx, operator, ada, "editor"))
	require.NoError(t, b.service.Unassign(ctx, operator, ada, "chief"))
	expect(ada, "guest")

	b.store.set(func(f *fakeStore) { f.readErr = errStore })
	have, _, err := b.service.RolesOf(ctx, ada)
	require.ErrorIs(t, err, errStore, "not the default role")
	assert.Nil(t, have)
}

func TestAssign(t *testing.T) {
	t.Parallel()
	b := setup(t, newsroom())
	ctx := t.Context()
	require.NoError(t, b.service.Assign(ctx, operator, ada, "editor"))
	assert.Equal(t, []audit.Event{{
		Type: audit.RoleAssigned, Time: testNow, Tenant: "acme", Subject: "ada", Actor: "op", Detail: map[string]string{"role": "editor"},
	}}, b.events.take())
	require.NoError(t, b.service.Assign(ctx, operator, ada, "editor"))
	assert.Empty(t, b.events.take(), "assigned already")

	require.NoError(t, b.service.Unassign(ctx, authn.Principal{Kind: authn.KindUser, Subject: ada}, ada, "editor"))
	assert.Equal(t, []audit.Event{{
		Type: audit.RoleUnassigned, Time: testNow, Tenant: "acme", Subject: "ada", Detail: map[string]string{"role": "editor"},
	}}, b.events.take(), "the account itself is not named as the actor")
	require.NoError(t, b.service.Unassign(ctx, operator, ada, "editor"))
	assert.Empty(t, b.events.take(), "not assigned")
}

func TestAssignRefuses(t *testing.T) {
	t.Parallel()
	b := setup(t, newsroom())
	ctx := t.Context()
	require.NoError(t, b.service.DefineRole(ctx, operator, "other", authz.Role{Name: "clerk"}))
	b.events.take()
	for _, unknown := range []string{"ghost", "", "Admin", "clerk"} {
		require.ErrorIs(t, b.service.Assign(ctx, operator, ada, unknown), authz.ErrUnknownRole, unknown)
	}
	nobody := authn.Subject{Tenant: "acme"}
	require.ErrorIs(t, b.service.Assign(ctx, operator, nobody, "editor"), authz.ErrNoSubject)
	require.ErrorIs(t, b.service.Unassign(ctx, operator, nobody, "editor"), authz.ErrNoSubject)
	_, _, err := b.service.RolesOf(ctx, nobody)
	require.ErrorIs(t, err, authz.ErrNoSubject)

	b.store.set(func(f *fakeStore) { f.writeErr = errStore })
	require.ErrorIs(t, b.service.Assign(ctx, operator, ada, "editor"), errStore)
	require.ErrorIs(t, b.service.Unassign(ctx, operator, ada, "editor"), errStore)
	b.store.set(func(f *fakeStore) { f.readErr = errStore })
	require.ErrorIs(t, b.service.Assign(ctx, operator, authn.Subject{Tenant: "new", ID: "x"}, "editor"), errStore)
	assert.Empty(t, b.events.take())
	assert.Empty(t, b.store.assignments)
}

// Roles that exist because a key names them can be assigned.
func TestImplicitRolesCanBeAssigned(t *testing.T) {
	t.Parallel()
	b := setup(t, authz.Config{SuperuserRole: "root"})
	for _, role := range []string{"viewer", "admin", "root"} {
		require.NoError(t, b.service.Assign(t.Context(), operator, ada, role))
	}
	assert.True(t, b.service.Can(t.Context(), userOf("acme", "root"), "a.b", none))
	assert.False(t, b.service.Can(t.Context(), userOf("acme", "admin", "viewer"), "a.b", none))
}

// TEN-02: a role is taken from everybody when it is deleted, so that one of the same name that comes later is given to nobody.
func TestTEN02DeletedRoleIsTakenFromEverybody(t *testing.T) {
	t.Parallel()
	b := setup(t, newsroom())
	ctx := t.Context()
	clerk := authz.Role{Name: "clerk", Permissions: []string{"bills.pay"}}
	require.NoError(t, b.service.DefineRole(ctx, operator, "acme", clerk))
	require.NoError(t, b.service.DefineRole(ctx, operator, "other", clerk))
	elsewhere := authn.Subject{Tenant: "other", ID: ada.ID}
	require.NoError(t, b.service.Assign(ctx, operator, elsewhere, "clerk"))
	const many = authz.MaxHolders + 1
	for i := range many {
		require.NoError(t, b.service.Assign(ctx, operator, authn.Subject{Tenant: "acme", ID: fmt.Sprintf("u%04d", i)}, "clerk"))
	}
	b.events.take()
	require.NoError(t, b.service.DeleteRole(ctx, operator, "acme", "clerk"))
	events := b.events.take()
	require.Len(t, events, many+1)
	assert.Equal(t, audit.RoleUnassigned, events[0].Type)
	assert.Equal(t, "op", events[0].Actor)
	assert.Equal(t, audit.RoleDeleted, events[many].Type)

	require.NoError(t, b.service.DefineRole(ctx, operator, "acme", clerk))
	holders, err := b.service.Holders(ctx, "acme", "clerk", "", 0)
	require.NoError(t, err)
	assert.Empty(t, holders)
	assigned, _, err := b.service.RolesOf(ctx, elsewhere)
	require.NoError(t, err)
	assert.Equal(t, []string{"clerk"}, assigned, "the other tenant has its own")
}

// TEN-02: what was given while the role was deleted is taken back, whichever of the two came first.
func TestTEN02RoleGivenWhileItIsDeleted(t *testing.T) {
	t.Parallel()
	for range 50 {
		b := setup(t, newsroom())
		ctx := context.Background()
		require.NoError(t, b.service.DefineRole(ctx, operator, "acme", authz.Role{Name: "clerk"}))
		start(4, func(i int) {
			if i == 0 {
				assert.NoError(t, b.service.DeleteRole(ctx, operator, "acme", "clerk"))
				return
			}
			if err := b.service.Assign(ctx, operator, authn.Subject{Tenant: "acme", ID: fmt.Sprint(i)}, "clerk"); err != nil {
				assert.ErrorIs(t, err, authz.ErrUnknownRole)
			}
		})
		holders, err := b.service.Holders(ctx, "acme", "clerk", "", 0)
		require.NoError(t, err)
		require.Empty(t, holders)
	}
}

// TEN-02: another node that has not heard of the deletion yet gives the role to nobody either.
func TestTEN02RoleGivenByANodeThatHasNotHeard(t *testing.T) {
	t.Parallel()
	store := newFakeStore()
	store.seed("acme", authz.Role{Name: "clerk"})
	here, there := setupOn(t, store, newsroom()), setupOn(t, store, newsroom())
	_, err := there.service.Roles(t.Context(), "acme")
	require.NoError(t, err)
	require.NoError(t, here.service.DeleteRole(t.Context(), operator, "acme", "clerk"))
	err = there.service.Assign(t.Context(), operator, ada, "clerk")
	require.ErrorIs(t, err, authz.ErrUnknownRole)
	require.ErrorContains(t, err, "deleted meanwhile")
	assert.Empty(t, store.assignments[ada])
}

// A deletion that is cut off in the middle leaves the role, so that it can be called again.
func TestTEN02DeletionThatIsCutOff(t *testing.T) {
	t.Parallel()
	b := setup(t, newsroom())
	ctx := t.Context()
	require.NoError(t, b.service.DefineRole(ctx, operator, "acme", authz.Role{Name: "clerk"}))
	require.NoError(t, b.service.Assign(ctx, operator, ada, "clerk"))
	b.store.set(func(f *fakeStore) { f.writeErr = errStore })
	require.ErrorIs(t, b.service.DeleteRole(ctx, operator, "acme", "clerk"), errStore)
	b.store.set(func(f *fakeStore) { f.writeErr = nil })
	require.NoError(t, b.service.DeleteRole(ctx, operator, "acme", "clerk"))
	assert.Empty(t, b.store.assignments[ada])
}

// A role that cannot be deleted is taken from nobody, and where a configured one applies again, everybody keeps it.
func TestHoldersKeepWhatStays(t *testing.T) {
	t.Parallel()
	b := setup(t, newsroom())
	ctx := t.Context()
	require.NoError(t, b.service.DefineRole(ctx, operator, "acme", authz.Role{Name: "clerk"}))
	require.NoError(t, b.service.DefineRole(ctx, operator, "acme", authz.Role{Name: "boss", Inherits: []string{"clerk"}}))
	require.NoError(t, b.service.DefineRole(ctx, operator, "acme", authz.Role{Name: "editor"}))
	require.NoError(t, b.service.Assign(ctx, operator, ada, "clerk"))
	require.NoError(t, b.service.Assign(ctx, operator, ada, "editor"))
	require.ErrorIs(t, b.service.DeleteRole(ctx, operator, "acme", "clerk"), authz.ErrRoleInUse)
	require.NoError(t, b.service.DeleteRole(ctx, operator, "acme", "editor"))
	assigned, _, err := b.service.RolesOf(ctx, ada)
	require.NoError(t, err)
	assert.Equal(t, []string{"clerk", "editor"}, assigned)
}

func TestHolders(t *testing.T) {
	t.Parallel()
	b := setup(t, newsroom())
	ctx := t.Context()
	for _, id := range []string{"c", "a", "b"} {
		require.NoError(t, b.service.Assign(ctx, operator, authn.Subject{Tenant: "acme", ID: id}, "editor"))
	}
	require.NoError(t, b.service.Assign(ctx, operator, authn.Subject{Tenant: "acme", ID: "d"}, "admin"))
	testCases := []struct {
		tenant   authn.Tenant
		after    string
		limit    int
		expected []string
	}{
		{"acme", "", 0, []string{"a", "b", "c"}},
		{"acme", "", -1, []string{"a", "b", "c"}},
		{"acme", "", 2, []string{"a", "b"}},
		{"acme", "b", 1 << 30, []string{"c"}},
		{"acme", "c", 2, nil},
		{"other", "", 2, nil},
	}
	for _, tc := range testCases {
		holders, err := b.service.Holders(ctx, tc.tenant, "editor", tc.after, tc.limit)
		require.NoError(t, err)
		assert.ElementsMatch(t, tc.expected, holders)
	}
	b.store.set(func(f *fakeStore) { f.readErr = errStore })
	_, err := b.service.Holders(ctx, "acme", "editor", "", 1)
	require.ErrorIs(t, err, errStore)
}
