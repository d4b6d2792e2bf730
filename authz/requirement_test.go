package authz_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/setting"
)

// POL-01: a requirement that is empty or malformed is an error and a denial, for everybody.
func TestMiswrittenRequirementsDeny(t *testing.T) {
	t.Parallel()
	on, off := newsroom(), newsroom()
	off.Enabled = setting.Off
	testCases := []struct {
		name     string
		have     authz.Requirement
		expected error
	}{
		{"zero", authz.Requirement{}, authz.ErrNothingRequired},
		{"no permission", authz.RequirePermissions(), authz.ErrNothingRequired},
		{"no role", authz.RequireRoles(), authz.ErrNothingRequired},
		{"no scope", authz.RequireScopes(), authz.ErrNothingRequired},
		{"none of any", authz.RequireAnyPermission(), authz.ErrNothingRequired},
		{"any and pattern", authz.RequireAnyPermission("articles.read", "*.read"), authz.ErrPermissionSyntax},
		{"pattern and any", authz.RequireAnyPermission("", "articles.read"), authz.ErrPermissionSyntax},
		{"pattern", authz.RequirePermissions("articles.*"), authz.ErrPermissionSyntax},
		{"good and pattern", authz.RequirePermissions("articles.read", "*.read"), authz.ErrPermissionSyntax},
		{"a name from inside", authz.RequirePermissions("articles."), authz.ErrPermissionSyntax},
		{"another", authz.RequirePermissions(".read"), authz.ErrPermissionSyntax},
		{"a third", authz.RequirePermissions("."), authz.ErrPermissionSyntax},
		{"a role for a permission", authz.RequirePermissions("owner"), authz.ErrPermissionSyntax},
		{"scope pattern", authz.RequireScopes("*.*"), authz.ErrPermissionSyntax},
		{"role pattern", authz.RequireRoles("*"), authz.ErrRoleName},
		{"a permission for a role", authz.RequireRoles("articles.read"), authz.ErrRoleName},
		{"good and bad role", authz.RequireRoles("root", "Root"), authz.ErrRoleName},
		{"empty role", authz.RequireRoles(""), authz.ErrRoleName},
	}
	for _, tc := range testCases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			for _, cfg := range []authz.Config{on, off} {
				b := setup(t, cfg)
				for _, p := range []authn.Principal{user("owner"), user("root"), user("owner", "root")} {
					decision, err := b.service.Decide(t.Context(), &p, tc.have)
					require.ErrorIs(t, err, tc.expected)
					assert.False(t, decision.Allowed)
					assert.Equal(t, authz.ReasonError, decision.Reason)
					assert.False(t, b.service.Passes(&p, tc.have))
				}
				decision, _ := b.service.Decide(t.Context(), &authn.Principal{}, tc.have)
				assert.Equal(t, authz.ReasonAnonymous, decision.Reason, "who is nobody is told no more")
			}
		})
	}
}

// What [authn.Principal.Authenticated] calls nobody passes nothing.
func TestNobodyPasses(t *testing.T) {
	t.Parallel()
	off := newsroom()
	off.Enabled = setting.Off
	all := []string{"owner", "root"}
	nobodies := map[string]*authn.Principal{
		"nil": nil, "zero": {}, "no kind": {Subject: authn.Subject{ID: "u1"}, Roles: all},
		"no ID":                {Kind: authn.KindUser, Subject: authn.Subject{Tenant: "acme"}, Roles: all},
		"a service without ID": {Kind: authn.KindService, Roles: all},
	}
	for name, p := range nobodies {
		for _, cfg := range []authz.Config{newsroom(), off} {
			b := setup(t, cfg)
			require.NoError(t, b.service.Reload(t.Context(), ""))
			for _, r := range []authz.Requirement{authz.RequirePermissions("articles.read"), authz.RequireRoles("owner"), authz.RequireScopes("articles.read")} {
				decision, err := b.service.Decide(t.Context(), p, r)
				require.NoError(t, err, name)
				assert.False(t, decision.Allowed, name)
				assert.Equal(t, authz.ReasonAnonymous, decision.Reason, name)
				assert.False(t, b.service.Passes(p, r), name)
			}
			assert.Empty(t, b.events.take(), name)
		}
		if p != nil {
			assert.False(t, p.Authenticated(), name)
		}
	}
}

// Passes asks no store and tells no listener; what it does not know is for Decide.
func TestPassesKnowsWhatIsInMemory(t *testing.T) {
	t.Parallel()
	b := setup(t, newsroom())
	editor, other := user("editor"), userOf("acme", "editor")
	write, list := authz.RequirePermissions("articles.read", "articles.write"), authz.RequirePermissions("articles.read", "users.list")
	assert.False(t, b.service.Passes(&editor, write), "nothing was read")
	assert.True(t, b.service.Passes(&editor, authz.RequireScopes("articles.read")), "roles do not matter")
	assert.Zero(t, b.store.reads)

	decision, err := b.service.Decide(t.Context(), &editor, write)
	require.NoError(t, err)
	assert.Equal(t, authz.Decision{
		Allowed: true, Required: "articles.write", Reason: authz.ReasonGranted, Role: "editor", Path: []string{"editor"},
	}, decision, "the last one")
	assert.True(t, b.service.Passes(&editor, write))
	assert.False(t, b.service.Passes(&other, write), "of this tenant nothing was read")
	assert.False(t, b.service.Passes(&editor, list))
	assert.True(t, b.service.Passes(&editor, authz.RequireRoles("admin", "viewer")))
	assert.False(t, b.service.Passes(&editor, authz.RequireRoles("admin")))
	assert.Empty(t, b.events.take())

	decision, err = b.service.Decide(t.Context(), &editor, list)
	require.NoError(t, err)
	assert.Equal(t, "users.list", decision.Required, "the first that is missing")
	assert.Len(t, b.events.take(), 1)
}

// One requirement serves any number of services and tenants.
func TestRequirementIsShared(t *testing.T) {
	t.Parallel()
	store := newFakeStore()
	store.seed("b", authz.Role{Name: "clerk", Permissions: []string{"bills.pay"}}, authz.Role{Name: "viewer"})
	one := setupOn(t, store, roles(map[string]authz.RoleConfig{"clerk": holding("bills.list"), "viewer": holding("bills.pay")}))
	two := setup(t, roles(map[string]authz.RoleConfig{"clerk": holding("*.pay")}))
	pay := authz.RequirePermissions("bills.pay")
	for range 2 {
		for _, tc := range []struct {
			service  *authz.Service
			tenant   authn.Tenant
			role     string
			expected bool
		}{
			{one.service, "a", "clerk", false}, {one.service, "a", "viewer", true},
			{one.service, "b", "clerk", true}, {one.service, "b", "viewer", false},
			{one.service, "", "clerk", false}, {one.service, "", "viewer", true},
			{two.service, "b", "clerk", true}, {two.service, "", "clerk", true}, {two.service, "", "viewer", false},
		} {
			p := userOf(tc.tenant, tc.role)
			decision, err := tc.service.Decide(context.Background(), &p, pay)
			require.NoError(t, err)
			assert.Equal(t, tc.expected, decision.Allowed, "%s of %q", tc.role, tc.tenant)
			assert.Equal(t, tc.expected, tc.service.Passes(&p, pay), "%s of %q", tc.role, tc.tenant)
		}
	}
}

// What a requirement was made of cannot be changed afterwards.
func TestRequirementKeepsItsNames(t *testing.T) {
	t.Parallel()
	b := setup(t, newsroom())
	viewer := user("viewer")
	permissions, names := []string{"users.list"}, []string{"admin"}
	list, admin := authz.RequirePermissions(permissions...), authz.RequireRoles(names...)
	permissions[0], names[0] = "articles.read", "viewer"
	for _, r := range []authz.Requirement{list, admin} {
		decision, err := b.service.Decide(t.Context(), &viewer, r)
		require.NoError(t, err)
		assert.False(t, decision.Allowed)
	}
}

// One of several permissions suffices, and one of them must be held and in scope both.
func TestAnyPermission(t *testing.T) {
	t.Parallel()
	b := setup(t, newsroom())
	require.NoError(t, b.service.Reload(t.Context(), ""))
	scoped := func(p authn.Principal, scopes ...string) authn.Principal {
		p.Scopes = scopes
		return p
	}
	either := authz.RequireAnyPermission("users.list", "articles.write")
	for name, tc := range map[string]struct {
		have   authn.Principal
		reason string
	}{
		"neither":                    {user("viewer"), authz.ReasonMissingPermission},
		"the second":                 {user("editor"), authz.ReasonGranted},
		"the first":                  {user("owner"), authz.ReasonGranted},
		"superuser":                  {user("root"), authz.ReasonSuperuser},
		"in scope":                   {scoped(user("editor"), "articles.*"), authz.ReasonGranted},
		"out of scope":               {scoped(user("owner"), "comments.*"), authz.ReasonScope},
		"scopes of nothing":          {scoped(user("owner"), []string{}...), authz.ReasonScope},
		"held one out of scope":      {scoped(user("editor"), "users.*"), authz.ReasonMissingPermission},
		"superuser in scope":         {scoped(user("root"), "users.list"), authz.ReasonSuperuser},
		"superuser out of scope":     {scoped(user("root"), "users.read"), authz.ReasonScope},
		"scope that is no pattern":   {scoped(user("root"), "users"), authz.ReasonScope},
		"nobody":                     {authn.Principal{}, authz.ReasonAnonymous},
		"scopes that are no scope":   {scoped(user("root"), ""), authz.ReasonScope},
		"role that is not defined":   {user("ghost"), authz.ReasonMissingPermission},
		"one of several roles holds": {user("ghost", "editor"), authz.ReasonGranted},
	} {
		decision, err := b.service.Decide(t.Context(), &tc.have, either)
		require.NoError(t, err, name)
		assert.Equal(t, tc.reason, decision.Reason, name)
		assert.Equal(t, "users.list or articles.write", decision.Required, name)
		allowed := tc.reason == authz.ReasonGranted || tc.reason == authz.ReasonSuperuser
		assert.Equal(t, allowed, decision.Allowed, name)
		assert.Equal(t, allowed, b.service.Passes(&tc.have, either), name)
	}
}
