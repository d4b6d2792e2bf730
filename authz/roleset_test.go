package authz_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
)

func TestValidateRoles(t *testing.T) {
	t.Parallel()
	testCases := []struct {
		name     string
		have     authz.Config
		extra    []authz.Role
		expected []error
		texts    []string
	}{
		{name: "the zero value"},
		{name: "inheritance, also of roles defined nowhere but named by a key", have: authz.Config{
			SuperuserRole: "root",
			Roles:         map[string]authz.RoleConfig{"a": inheriting("b", "viewer", "admin", "root"), "b": holding("x.y")},
		}},
		{name: "configuration inherits from code and code from configuration",
			have:  roles(map[string]authz.RoleConfig{"a": inheriting("b"), "c": holding("x.y")}),
			extra: []authz.Role{{Name: "b", Inherits: []string{"c"}}}},
		{name: "a diamond is no circle", have: roles(map[string]authz.RoleConfig{
			"top": inheriting("left", "right"), "left": inheriting("base"), "right": inheriting("base"), "base": {}})},
		{name: "unknown parent",
			have:     roles(map[string]authz.RoleConfig{"editor": inheriting("ghost")}),
			expected: []error{authz.ErrUnknownRole},
			texts:    []string{`role "editor" inherits "ghost", which is defined nowhere`}},
		{name: "self",
			have:     roles(map[string]authz.RoleConfig{"a": inheriting("a")}),
			expected: []error{authz.ErrRoleCycle}, texts: []string{`role "a": a -> a`}},
		{name: "a circle of two",
			have:     roles(map[string]authz.RoleConfig{"a": inheriting("b"), "b": inheriting("a")}),
			expected: []error{authz.ErrRoleCycle}, texts: []string{`role "a": a -> b -> a`}},
		{name: "a circle with a way to it that is not part of it",
			have: roles(map[string]authz.RoleConfig{
				"a": inheriting("m"), "m": inheriting("n"), "n": inheriting("o"), "o": inheriting("m")}),
			expected: []error{authz.ErrRoleCycle}, texts: []string{`role "m": m -> n -> o -> m`}},
		{name: "a circle through code",
			have:     roles(map[string]authz.RoleConfig{"a": inheriting("b")}),
			extra:    []authz.Role{{Name: "b", Inherits: []string{"a"}}},
			expected: []error{authz.ErrRoleCycle}, texts: []string{"a -> b -> a"}},
		{name: "malformed pattern",
			have:     roles(map[string]authz.RoleConfig{"editor": holding("user*", "articles.read", "ab*bc")}),
			expected: []error{authz.ErrPermissionSyntax},
			texts:    []string{`role "editor" holds "user*"`, `role "editor" holds "ab*bc"`}},
		{name: "malformed pattern in code, even in a role that configuration replaces",
			have:     roles(map[string]authz.RoleConfig{"editor": {}}),
			extra:    []authz.Role{{Name: "editor", Permissions: []string{"*"}}},
			expected: []error{authz.ErrPermissionSyntax}, texts: []string{`role "editor" holds "*"`}},
		{name: "bad names",
			have: authz.Config{DefaultRole: "the viewer", AdminRole: "Admin", SuperuserRole: "*",
				Roles: map[string]authz.RoleConfig{"": {}, "a b": {}}},
			expected: []error{authz.ErrRoleName},
			texts: []string{`default_role is "the viewer"`, `admin_role is "Admin"`, `superuser_role is "*"`,
				`malformed role name: "" is not`, `malformed role name: "a b" is not`}},
		{name: "a name that is too long",
			extra:    []authz.Role{{Name: strings.Repeat("a", 65)}, {Name: strings.Repeat("b", 64)}},
			expected: []error{authz.ErrRoleName}, texts: []string{strings.Repeat("a", 65)}},
		{name: "one name twice in code",
			extra:    []authz.Role{{Name: "a"}, {Name: "a"}},
			expected: []error{authz.ErrRoleTwice}, texts: []string{`role "a"`}},
		{name: "everything at once",
			have: roles(map[string]authz.RoleConfig{
				"Bad": {}, "a": inheriting("b", "ghost"), "b": inheriting("a"), "c": holding("nothing"), "z": inheriting("z")}),
			expected: []error{authz.ErrRoleName, authz.ErrUnknownRole, authz.ErrRoleCycle, authz.ErrPermissionSyntax},
			texts:    []string{`"Bad"`, `"ghost"`, "a -> b -> a", "z -> z", `role "c" holds "nothing"`}},
	}
	for _, tc := range testCases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			err := authz.ValidateRoles(tc.have, tc.extra)
			store := newFakeStore()
			service, newErr := authz.New(tc.have, authz.Deps{Rules: store, Assignments: store, Extra: tc.extra})
			if tc.expected == nil {
				require.NoError(t, err)
				require.NoError(t, newErr)
				assert.Zero(t, store.reads, "New asks no store")
				return
			}
			require.Nil(t, service)
			require.EqualError(t, newErr, err.Error(), "New reports the same")
			for _, sentinel := range tc.expected {
				require.ErrorIs(t, err, sentinel)
			}
			for _, text := range tc.texts {
				assert.ErrorContains(t, err, text)
			}
		})
	}
}

func TestNewNamesEachMissingDependency(t *testing.T) {
	t.Parallel()
	_, err := authz.New(authz.Config{Roles: map[string]authz.RoleConfig{"a": inheriting("ghost")}}, authz.Deps{})
	require.ErrorContains(t, err, "Deps.Rules is required")
	require.ErrorContains(t, err, "Deps.Assignments is required")
	require.ErrorIs(t, err, authz.ErrUnknownRole)
}

// The store takes the place of configuration, and configuration of code.
func TestSourcesTakeEachOthersPlace(t *testing.T) {
	t.Parallel()
	store := newFakeStore()
	store.seed("acme", authz.Role{Name: "two", Permissions: []string{"store.two"}})
	b := setupOn(t, store,
		roles(map[string]authz.RoleConfig{"one": holding("config.one"), "two": holding("config.two")}),
		authz.Role{Name: "zero", Permissions: []string{"code.zero"}},
		authz.Role{Name: "one", Permissions: []string{"code.one"}},
		authz.Role{Name: "two", Permissions: []string{"code.two"}})
	testCases := []struct {
		tenant         authn.Tenant
		role, expected string
	}{
		{"acme", "zero", "code.zero"}, {"acme", "one", "config.one"}, {"acme", "two", "store.two"},
		{"", "zero", "code.zero"}, {"", "one", "config.one"}, {"", "two", "config.two"},
	}
	for _, tc := range testCases {
		permissions, err := b.service.Permissions(t.Context(), userOf(tc.tenant, tc.role))
		require.NoError(t, err)
		assert.Equal(t, []string{tc.expected}, permissions, "%s of tenant %q", tc.role, tc.tenant)
	}
}

// What the caller does with its own maps and slices afterwards changes nothing.
func TestNewCopiesWhatItIsGiven(t *testing.T) {
	t.Parallel()
	cfg := roles(map[string]authz.RoleConfig{"a": holding("x.y")})
	extra := []authz.Role{{Name: "b", Permissions: []string{"x.y"}}}
	b := setup(t, cfg, extra...)
	cfg.Roles["a"].Permissions[0] = "*.*"
	cfg.Roles["c"] = holding("*.*")
	extra[0].Permissions[0] = "*.*"
	assert.False(t, b.service.Can(t.Context(), user("a", "b", "c"), "x.z", none))
	assert.True(t, b.service.Can(t.Context(), user("b"), "x.y", none))

	all, err := b.service.Roles(t.Context(), "")
	require.NoError(t, err)
	require.Equal(t, "a", all[0].Name)
	require.Equal(t, "x.y", all[0].Permissions[0])
	all[0].Permissions[0] = "*.*"
	again, err := b.service.Roles(t.Context(), "")
	require.NoError(t, err)
	assert.Equal(t, "x.y", again[0].Permissions[0])
}
