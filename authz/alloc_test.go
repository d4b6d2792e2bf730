package authz_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
)

// P10: a grant costs no allocation once its path was asked for. Not parallel, as it counts.
func TestGrantDoesNotAllocate(t *testing.T) {
	store := newFakeStore()
	store.seed("acme", authz.Role{Name: "clerk", Inherits: []string{"viewer"}})
	b := setupOn(t, store, newsroom())
	scoped := user("editor")
	scoped.Scopes = []string{"users.list", "articles.*"}
	for _, tc := range []struct {
		name       string
		have       authn.Principal
		permission string
	}{
		{"exact", user("viewer"), "articles.read"},
		{"every action", user("editor"), "comments.delete"},
		{"every resource", user("auditor"), "invoices.read"},
		{"everything", user("owner"), "invoices.pay"},
		{"inherited", user("admin"), "articles.read"},
		{"the last of several roles", user("ghost", "viewer", "auditor"), "users.read"},
		{"superuser", user("root"), "any.thing"},
		{"inherited superuser", user("sre"), "any.thing"},
		{"stored role of a tenant", userOf("acme", "ghost", "clerk"), "articles.read"},
		{"configured role of a tenant", userOf("acme", "admin"), "articles.read"},
		{"in scope", scoped, "articles.write"},
	} {
		one, all := authz.RequirePermissions(tc.permission), authz.RequirePermissions(tc.permission, tc.permission)
		role, scope := authz.RequireRoles("nobody", tc.have.Roles[len(tc.have.Roles)-1]), authz.RequireScopes(tc.permission)
		require.True(t, b.service.Can(t.Context(), tc.have, tc.permission, none))
		ctx := t.Context()
		for name, decide := range map[string]func(){
			"Authorize":           func() { _, _ = b.service.Authorize(ctx, tc.have, tc.permission, none) },
			"Decide":              func() { _, _ = b.service.Decide(ctx, &tc.have, one) },
			"Decide about two":    func() { _, _ = b.service.Decide(ctx, &tc.have, all) },
			"Decide about scopes": func() { _, _ = b.service.Decide(ctx, &tc.have, scope) },
			"Passes":              func() { b.service.Passes(&tc.have, one) },
			"Passes by role":      func() { b.service.Passes(&tc.have, role) },
		} {
			assert.Zero(t, testing.AllocsPerRun(100, decide), "%s: %s", tc.name, name)
		}
	}
}

// A denial that nobody listens to costs its ID alone.
func TestDenialAllocatesItsID(t *testing.T) {
	store := newFakeStore()
	service, err := authz.New(newsroom(), authz.Deps{Rules: store, Assignments: store})
	require.NoError(t, err)
	viewer, list, ctx := user("viewer"), authz.RequirePermissions("users.list"), t.Context()
	assert.LessOrEqual(t, testing.AllocsPerRun(100, func() { _, _ = service.Decide(ctx, &viewer, list) }), 2.0)
	assert.Zero(t, testing.AllocsPerRun(100, func() { service.Passes(&viewer, list) }))
}
