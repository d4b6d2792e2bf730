package storetest

import (
	"cmp"
	"context"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
)

// oddRules are a role and a policy that have an odd text wherever there is room for one.
func oddRules(odd, long string, list []string) authz.Rules {
	return authz.Rules{
		Version:  1,
		Roles:    []authz.Role{{Name: odd, Description: odd + long, Permissions: list, Inherits: []string{odd, "", "<&>"}}},
		Policies: []authz.PolicyText{{Name: odd, Format: odd, Text: odd + long}},
	}
}

func putting(r authz.Rules) authz.RuleChange {
	return authz.RuleChange{PutRoles: r.Roles, PutPolicies: r.Policies}
}

func rulesOddValues(t *testing.T, ctx context.Context, s authz.RuleStore) {
	var all authz.Rules
	for i, odd := range append(oddStrings(), longID()) {
		rules := oddRules(odd, longText(), append(oddStrings(), longID()))
		changeRules(t, ctx, s, authn.Tenant(odd), 0, putting(rules))
		requireRules(t, ctx, s, authn.Tenant(odd), rules)
		changeRules(t, ctx, s, "", int64(i), putting(rules))
		all.Version, all.Roles, all.Policies = int64(i)+1, append(all.Roles, rules.Roles...), append(all.Policies, rules.Policies...)
	}
	slices.SortFunc(all.Roles, func(a, b authz.Role) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(all.Policies, func(a, b authz.PolicyText) int { return cmp.Compare(a.Name, b.Name) })
	requireRules(t, ctx, s, "", all)

	for _, odd := range oddBytes() {
		tenant := authn.Tenant("b" + odd)
		changeRules(t, ctx, s, tenant, 0, putting(oddRules(odd, "", oddBytes())))
		requireRules(t, ctx, s, tenant, oddRules(odd, "", oddBytes()))
		changeRules(t, ctx, s, tenant, 1, authz.RuleChange{DeleteRoles: []string{odd}, DeletePolicies: []string{odd}})
		requireRules(t, ctx, s, tenant, authz.Rules{Version: 2})
	}
}

func rulesAliasing(t *testing.T, ctx context.Context, s authz.RuleStore) {
	passed := putRules("editor")
	changeRules(t, ctx, s, "", 0, passed)
	passed.PutRoles[0].Permissions[0], passed.PutRoles[0].Inherits[0] = "**", "admin"
	passed.PutRoles[0], passed.PutPolicies[0] = newRole("other"), newPolicy("other")
	requireRules(t, ctx, s, "", rulesOf(1, "editor"))
	got, err := s.Rules(ctx, "")
	require.NoError(t, err)
	got.Roles[0].Permissions[0], got.Roles[0].Inherits[0] = "**", "admin"
	got.Roles[0].Name, got.Policies[0].Text = "other", "other"
	requireRules(t, ctx, s, "", rulesOf(1, "editor"))
}

func rulesCancelled(t *testing.T, ctx context.Context, s authz.RuleStore) {
	changeRules(t, ctx, s, "", 0, putRules("editor"))
	snapshot := func() any {
		rules, err := s.Rules(ctx, "")
		require.NoError(t, err)
		return fullRules(rules)
	}
	requireRefusesCancelled(t, snapshot, []call{
		{"Rules", func(ctx context.Context) error { return errOf(s.Rules(ctx, "")) }},
		{"ChangeRules", func(ctx context.Context) error { return s.ChangeRules(ctx, "", 1, putRules("admin")) }},
		{"ChangeRules of another version", func(ctx context.Context) error { return s.ChangeRules(ctx, "", 7, putRules("admin")) }},
	})
}
