package storetest

import (
	"cmp"
	"context"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
)

// RoleStore tests a driver of [authz.RoleStore]. The function open
// returns an empty store each time it is called.
func RoleStore(t *testing.T, open func(t *testing.T) authz.RoleStore) {
	t.Helper()
	runCases(t, open, []testCase[authz.RoleStore]{
		{"put, list by name and delete", roleLife},
		{"absent", roleAbsent},
		{"put replaces", roleReplaced},
		{"tenants are apart (V8.4.1)", roleTenants},
		{"odd and long values", roleOddValues},
		{"aliasing", roleAliasing},
		{"cancelled context", roleCancelled},
	})
}

func newRole(name string) authz.Role {
	return authz.Role{
		Name: name, Description: "may " + name,
		Permissions: []string{"articles.write", "articles.read", "*.list"}, Inherits: []string{"viewer", "author"},
	}
}

// requireRoles requires the tenant's roles, in this order.
func requireRoles(t *testing.T, ctx context.Context, s authz.RoleStore, tenant authn.Tenant, expected ...authz.Role) {
	t.Helper()
	got, err := s.Roles(ctx, tenant)
	require.NoError(t, err)
	require.Equal(t, fullRoles(expected), fullRoles(got))
}

func fullRoles(list []authz.Role) []authz.Role {
	out := []authz.Role{}
	for _, r := range list {
		r.Permissions, r.Inherits = full(r.Permissions), full(r.Inherits)
		out = append(out, r)
	}
	return out
}

func roleLife(t *testing.T, ctx context.Context, s authz.RoleStore) {
	editor, admin, empty := newRole("editor"), newRole("Admin"), authz.Role{Name: "empty"}
	for _, r := range []authz.Role{editor, empty, admin} {
		require.NoError(t, s.PutRole(ctx, "", r))
	}
	requireRoles(t, ctx, s, "", admin, editor, empty)
	require.NoError(t, s.DeleteRole(ctx, "", "editor"))
	requireRoles(t, ctx, s, "", admin, empty)
	assert.ErrorIs(t, s.DeleteRole(ctx, "", "editor"), authn.ErrNotFound)
	require.NoError(t, s.PutRole(ctx, "", editor))
	requireRoles(t, ctx, s, "", admin, editor, empty)
}

func roleAbsent(t *testing.T, ctx context.Context, s authz.RoleStore) {
	requireRoles(t, ctx, s, "")
	assert.ErrorIs(t, s.DeleteRole(ctx, "", "editor"), authn.ErrNotFound)
}

func roleReplaced(t *testing.T, ctx context.Context, s authz.RoleStore) {
	require.NoError(t, s.PutRole(ctx, "", newRole("editor")))
	next := authz.Role{Name: "editor", Permissions: []string{"articles.read"}}
	require.NoError(t, s.PutRole(ctx, "", next))
	requireRoles(t, ctx, s, "", next)
}

func roleTenants(t *testing.T, ctx context.Context, s authz.RoleStore) {
	a, b := newRole("editor"), authz.Role{Name: "editor", Description: "of b"}
	require.NoError(t, s.PutRole(ctx, "a", a))
	requireRoles(t, ctx, s, "b")
	requireRoles(t, ctx, s, "")
	assert.ErrorIs(t, s.DeleteRole(ctx, "b", "editor"), authn.ErrNotFound)
	require.NoError(t, s.PutRole(ctx, "b", b))
	requireRoles(t, ctx, s, "a", a)
	requireRoles(t, ctx, s, "b", b)
	require.NoError(t, s.DeleteRole(ctx, "b", "editor"))
	requireRoles(t, ctx, s, "a", a)
}

func roleOddValues(t *testing.T, ctx context.Context, s authz.RoleStore) {
	var all []authz.Role
	for _, odd := range append(oddStrings(), longID()) {
		r := authz.Role{
			Name: odd, Description: odd + longText(),
			Permissions: append(oddStrings(), longID()), Inherits: []string{odd, "", "<&>"},
		}
		require.NoError(t, s.PutRole(ctx, "", r))
		require.NoError(t, s.PutRole(ctx, authn.Tenant(odd), r))
		all = append(all, r)
	}
	for _, r := range all {
		requireRoles(t, ctx, s, authn.Tenant(r.Name), r)
	}
	slices.SortFunc(all, func(a, b authz.Role) int { return cmp.Compare(a.Name, b.Name) })
	requireRoles(t, ctx, s, "", all...)

	for _, odd := range oddBytes() {
		r := authz.Role{Name: odd, Description: odd, Permissions: oddBytes(), Inherits: []string{odd}}
		require.NoError(t, s.PutRole(ctx, authn.Tenant("b"+odd), r))
		requireRoles(t, ctx, s, authn.Tenant("b"+odd), r)
	}
}

func roleAliasing(t *testing.T, ctx context.Context, s authz.RoleStore) {
	passed := newRole("editor")
	require.NoError(t, s.PutRole(ctx, "", passed))
	passed.Permissions[0], passed.Inherits[0] = "*.*", "admin"
	requireRoles(t, ctx, s, "", newRole("editor"))
	got, err := s.Roles(ctx, "")
	require.NoError(t, err)
	got[0].Name, got[0].Permissions[0], got[0].Inherits[0] = "other", "*.*", "admin"
	requireRoles(t, ctx, s, "", newRole("editor"))
}

func roleCancelled(t *testing.T, ctx context.Context, s authz.RoleStore) {
	require.NoError(t, s.PutRole(ctx, "", newRole("editor")))
	snapshot := func() any {
		list, err := s.Roles(ctx, "")
		require.NoError(t, err)
		return list
	}
	requireRefusesCancelled(t, snapshot, []call{
		{"Roles", func(ctx context.Context) error { return errOf(s.Roles(ctx, "")) }},
		{"PutRole", func(ctx context.Context) error { return s.PutRole(ctx, "", newRole("admin")) }},
		{"DeleteRole", func(ctx context.Context) error { return s.DeleteRole(ctx, "", "editor") }},
	})
}
