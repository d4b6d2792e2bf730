package storetest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
)

// RuleStore tests a driver of [authz.RuleStore]. The function open
// returns an empty store each time it is called.
func RuleStore(t *testing.T, open func(t *testing.T) authz.RuleStore) {
	t.Helper()
	runCases(t, open, slices.Concat(
		[]testCase[authz.RuleStore]{
			{"change and read", rulesLife},
			{"absent", rulesAbsent},
			{"another version changes nothing", rulesConflict},
			{"put replaces, and deletions come first", rulesReplaced},
			{"a change of many", rulesMany},
			{"tenants are apart (V8.4.1)", rulesTenants},
			{"odd and long values", rulesOddValues},
			{"aliasing", rulesAliasing},
			{"cancelled context", rulesCancelled},
			{"changes that are tried again lose none", rulesTriedAgain},
		},
		raceCases("one first change wins", rulesRaceFirst),
		raceCases("one later change wins", rulesRaceLater),
		raceCases("tenants do not meet", rulesRaceTenants),
		raceCases("a reader sees no half of a change", rulesRaceRead),
	))
}

func newRole(name string) authz.Role {
	return authz.Role{
		Name: name, Description: "may " + name,
		Permissions: []string{"articles.write", "!articles.delete", "articles.**"}, Inherits: []string{"viewer", "author"},
	}
}

func newPolicy(name string) authz.PolicyText {
	return authz.PolicyText{Name: name, Format: "cedar", Text: "permit (principal, action, resource);\n// " + name}
}

// putRules is a change that puts roles and policies of these names.
func putRules(names ...string) (c authz.RuleChange) {
	for _, name := range names {
		c.PutRoles, c.PutPolicies = append(c.PutRoles, newRole(name)), append(c.PutPolicies, newPolicy(name))
	}
	return c
}

func changeRules(t *testing.T, ctx context.Context, s authz.RuleStore, tenant authn.Tenant, version int64, c authz.RuleChange) {
	t.Helper()
	require.NoError(t, s.ChangeRules(ctx, tenant, version, c))
}

// requireRules requires the tenant's rules, in this order.
func requireRules(t *testing.T, ctx context.Context, s authz.RuleStore, tenant authn.Tenant, expected authz.Rules) {
	t.Helper()
	got, err := s.Rules(ctx, tenant)
	require.NoError(t, err)
	require.Equal(t, fullRules(expected), fullRules(got))
}

func fullRules(r authz.Rules) authz.Rules {
	roles := []authz.Role{}
	for _, role := range r.Roles {
		role.Permissions, role.Inherits = full(role.Permissions), full(role.Inherits)
		roles = append(roles, role)
	}
	r.Roles, r.Policies = roles, full(r.Policies)
	return r
}

// rulesOf are the rules that putRules makes of an empty tenant.
func rulesOf(version int64, names ...string) authz.Rules {
	c := putRules(sortedCopy(names)...)
	return authz.Rules{Version: version, Roles: c.PutRoles, Policies: c.PutPolicies}
}

func rulesLife(t *testing.T, ctx context.Context, s authz.RuleStore) {
	changeRules(t, ctx, s, "", 0, putRules("editor", "Zoo", "admin"))
	requireRules(t, ctx, s, "", rulesOf(1, "Zoo", "admin", "editor"))
	changeRules(t, ctx, s, "", 1, authz.RuleChange{DeleteRoles: []string{"admin"}, PutPolicies: []authz.PolicyText{newPolicy("b")}})
	expected := rulesOf(2, "Zoo", "editor")
	expected.Policies = rulesOf(0, "Zoo", "admin", "b", "editor").Policies
	requireRules(t, ctx, s, "", expected)
	changeRules(t, ctx, s, "", 2, authz.RuleChange{DeletePolicies: []string{"b", "admin"}, PutRoles: []authz.Role{{Name: "empty"}}})
	expected = rulesOf(3, "Zoo", "editor")
	expected.Roles = slices.Insert(expected.Roles, 2, authz.Role{Name: "empty"})
	slices.SortFunc(expected.Roles, func(a, b authz.Role) int { return cmp.Compare(a.Name, b.Name) })
	requireRules(t, ctx, s, "", expected)
	changeRules(t, ctx, s, "", 3, authz.RuleChange{DeleteRoles: []string{"Zoo", "editor", "empty"}, DeletePolicies: []string{"Zoo", "editor"}})
	requireRules(t, ctx, s, "", authz.Rules{Version: 4})
}

func rulesAbsent(t *testing.T, ctx context.Context, s authz.RuleStore) {
	requireRules(t, ctx, s, "", authz.Rules{})
	changeRules(t, ctx, s, "", 0, authz.RuleChange{DeleteRoles: []string{"editor"}, DeletePolicies: []string{"editor"}})
	requireRules(t, ctx, s, "", authz.Rules{Version: 1})
	changeRules(t, ctx, s, "", 1, authz.RuleChange{})
	requireRules(t, ctx, s, "", authz.Rules{Version: 2})
}

func rulesConflict(t *testing.T, ctx context.Context, s authz.RuleStore) {
	for version := int64(0); version < 3; version++ {
		for _, other := range []int64{version - 1, version + 1, version + 2, -1} {
			c := putRules("other", "editor")
			c.PutRoles[1].Permissions, c.DeleteRoles, c.DeletePolicies = nil, []string{"editor"}, []string{"editor"}
			assert.ErrorIs(t, s.ChangeRules(ctx, "", other, c), authn.ErrConflict, "%d where it is %d", other, version)
		}
		if version > 0 {
			requireRules(t, ctx, s, "", rulesOf(version, "editor"))
		}
		changeRules(t, ctx, s, "", version, putRules("editor"))
	}
}

func rulesReplaced(t *testing.T, ctx context.Context, s authz.RuleStore) {
	changeRules(t, ctx, s, "", 0, putRules("editor"))
	role, policy := authz.Role{Name: "editor", Permissions: []string{"articles.read"}}, authz.PolicyText{Name: "editor", Format: "yaml"}
	changeRules(t, ctx, s, "", 1, authz.RuleChange{PutRoles: []authz.Role{role}, PutPolicies: []authz.PolicyText{policy}})
	requireRules(t, ctx, s, "", authz.Rules{Version: 2, Roles: []authz.Role{role}, Policies: []authz.PolicyText{policy}})
	c := putRules("editor")
	c.DeleteRoles, c.DeletePolicies = []string{"editor"}, []string{"editor"}
	changeRules(t, ctx, s, "", 2, c)
	requireRules(t, ctx, s, "", rulesOf(3, "editor"))
}

func rulesMany(t *testing.T, ctx context.Context, s authz.RuleStore) {
	const n = 300
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("name-%04d", n-i)
	}
	changeRules(t, ctx, s, "", 0, putRules(names...))
	requireRules(t, ctx, s, "", rulesOf(1, names...))
	changeRules(t, ctx, s, "", 1, authz.RuleChange{DeleteRoles: names, DeletePolicies: names, PutPolicies: putRules("last").PutPolicies})
	requireRules(t, ctx, s, "", authz.Rules{Version: 2, Policies: putRules("last").PutPolicies})
}

func rulesTenants(t *testing.T, ctx context.Context, s authz.RuleStore) {
	changeRules(t, ctx, s, "a", 0, putRules("editor"))
	requireRules(t, ctx, s, "b", authz.Rules{})
	requireRules(t, ctx, s, "", authz.Rules{})
	assert.ErrorIs(t, s.ChangeRules(ctx, "b", 1, putRules("editor")), authn.ErrConflict)
	changeRules(t, ctx, s, "b", 0, authz.RuleChange{DeleteRoles: []string{"editor"}, DeletePolicies: []string{"editor"}})
	changeRules(t, ctx, s, "b", 1, authz.RuleChange{PutRoles: []authz.Role{{Name: "editor", Description: "of b"}}})
	requireRules(t, ctx, s, "a", rulesOf(1, "editor"))
	requireRules(t, ctx, s, "b", authz.Rules{Version: 2, Roles: []authz.Role{{Name: "editor", Description: "of b"}}})
	requireRules(t, ctx, s, "", authz.Rules{})
}
