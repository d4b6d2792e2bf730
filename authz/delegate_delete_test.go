package authz_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
)

// Deleting a role takes it from everybody, which a caller may do only where it may take it from each of them.
func TestDelegateDeletesWhatItMayTake(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		stored      authz.Role
		defaultRole string
		actor       []string
		refused     error
	}{
		"within what he holds":            {authz.Role{Name: "extra", Permissions: []string{"articles.read"}}, "guest", []string{"lead"}, nil},
		"his own role":                    {authz.Role{Name: "extra", Permissions: []string{"articles.read"}}, "guest", []string{"lead", "extra"}, authz.ErrBeyond},
		"one that takes away":             {authz.Role{Name: "extra", Permissions: []string{"!articles.delete"}}, "guest", []string{"lead"}, authz.ErrBeyond},
		"what would leave them with more": {authz.Role{Name: "extra", Permissions: []string{"articles.read"}}, "billing", []string{"lead"}, authz.ErrBeyond},
		"without limits":                  {authz.Role{Name: "extra", Permissions: []string{"!articles.delete"}}, "billing", []string{"admin"}, nil},
	} {
		cfg := offices()
		cfg.DefaultRole = tc.defaultRole
		b := setup(t, cfg)
		require.NoError(t, b.service.DefineRole(t.Context(), operator, "", tc.stored))
		holder := authn.Subject{ID: "holder"}
		require.NoError(t, b.service.Assign(t.Context(), operator, holder, "extra"))
		err := b.service.OnBehalfOf(user(tc.actor...)).DeleteRole(t.Context(), "extra")
		require.ErrorIs(t, err, tc.refused, name)
		left, err := b.service.Assignments(t.Context(), holder)
		require.NoError(t, err)
		assert.Equal(t, tc.refused == nil, len(left) == 0, "%s: nothing is taken by a refused call", name)
	}
}
