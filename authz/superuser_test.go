package authz_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authz"
)

// A default role that is a superuser's would make everybody one.
func TestDefaultRoleMayNotBeASuperuser(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name     string
		cfg      authz.Config
		expected error
	}{
		{"the same", authz.Config{SuperuserRole: "viewer"}, authz.ErrSuperuserDefault},
		{"inherited", authz.Config{SuperuserRole: "root", Roles: map[string]authz.RoleConfig{
			"viewer": {Inherits: []string{"editor"}}, "editor": {Inherits: []string{"root"}},
		}}, authz.ErrSuperuserDefault},
		{"apart", authz.Config{SuperuserRole: "root", Roles: map[string]authz.RoleConfig{"root": {Inherits: []string{"viewer"}}}}, nil},
		{"none", authz.Config{}, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			assert.ErrorIs(t, authz.ValidateRoles(c.cfg, nil), c.expected)
		})
	}
}

// Nor may it become one at run time, by whatever role is defined.
func TestDefaultRoleMayNotBecomeASuperuser(t *testing.T) {
	t.Parallel()
	b := setup(t, authz.Config{SuperuserRole: "root", Roles: map[string]authz.RoleConfig{"viewer": inheriting("reader"), "reader": {}}})
	define := func(name string, parents ...string) error {
		return b.service.DefineRole(t.Context(), operator, "acme", authz.Role{Name: name, Inherits: parents})
	}
	require.ErrorIs(t, define("viewer", "root"), authz.ErrSuperuserDefault)
	require.ErrorIs(t, define("reader", "root"), authz.ErrSuperuserDefault)
	require.NoError(t, define("chief", "root"))
	require.ErrorIs(t, define("reader", "chief"), authz.ErrSuperuserDefault)
	assert.False(t, b.service.Can(t.Context(), userOf("acme", "viewer"), "bills.pay", none))
	assert.True(t, b.service.Can(t.Context(), userOf("acme", "chief"), "bills.pay", none))

	b.store.seed("other", authz.Role{Name: "viewer", Inherits: []string{"root"}})
	_, err := b.service.Authorize(t.Context(), userOf("other", "viewer"), "bills.pay", none)
	require.ErrorIs(t, err, authz.ErrStoredRules, "whoever stored it")
}
