package authz_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
)

// An owner needs no grant, and passes nothing that a role takes away or a scope does not cover. Of several permissions of which one is
// enough, one that is left is enough, in whatever order they are named.
func TestOwnerOfOneOfSeveral(t *testing.T) {
	t.Parallel()
	b := setup(t, roles(map[string]authz.RoleConfig{"barred": holding("!notes.edit"), "frozen": holding("!notes.**"), "viewer": {}}))
	edit, either, turned := authz.RequirePermissions("notes.edit"), authz.RequireAnyPermission("notes.edit", "notes.move"), authz.RequireAnyPermission("notes.move", "notes.edit")
	scoped := func(role, scope string) authn.Principal {
		p := user(role)
		p.Scopes = []string{scope}
		return p
	}
	for name, tc := range map[string]struct {
		p          authn.Principal
		edit, some bool
	}{
		"owner":               {user("viewer"), true, true},
		"one is taken away":   {user("barred"), false, true},
		"both are taken away": {user("frozen"), false, false},
		"another owner":       {authn.Principal{Kind: authn.KindUser, Subject: authn.Subject{Tenant: "acme", ID: "u1"}}, false, false},
		"scope":               {scoped("viewer", "notes.edit"), true, true},
		"scope of the other":  {scoped("viewer", "notes.move"), false, true},
		"scope of neither":    {scoped("viewer", "bills.*"), false, false},
		"taken from scope":    {scoped("barred", "notes.edit"), false, false},
		"left by scope":       {scoped("barred", "notes.*"), false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for r, expected := range map[*authz.Requirement]bool{&edit: tc.edit, &either: tc.some, &turned: tc.some} {
				d, err := b.service.DecideOwned(t.Context(), &tc.p, authn.Subject{ID: "u1"}, *r)
				require.NoError(t, err)
				require.Equal(t, expected, d.Allowed, r.String())
			}
		})
	}
	malformed := authz.RequireAnyPermission("notes.edit", "notes.*")
	p := user("viewer")
	_, err := b.service.DecideOwned(t.Context(), &p, p.Subject, malformed)
	require.ErrorIs(t, err, authz.ErrPermissionSyntax)
}

// POL-01: what a policy forbids is forbidden to owners.
func TestOwnerIsForbidden(t *testing.T) {
	t.Parallel()
	b := setup(t, press())
	read := authz.RequirePermissions("articles.read")
	for role, reason := range map[string]string{"banned": authz.ReasonOwner, "intern": authz.ReasonForbidden, "trainee": authz.ReasonForbidden} {
		p := user(role)
		d, err := b.service.DecideOwned(t.Context(), &p, p.Subject, read)
		require.NoError(t, err)
		require.Equal(t, reason, d.Reason, role)
	}
}
