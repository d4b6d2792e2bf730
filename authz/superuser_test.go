package authz_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

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
