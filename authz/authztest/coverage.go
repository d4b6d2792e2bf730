package authztest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/authz/policy"
)

// coverage knows, of each policy and of each permission of a role, whether a case showed what it does.
type coverage struct {
	policies    map[string]bool
	permissions map[string]bool
}

func newCoverage() *coverage {
	return &coverage{policies: map[string]bool{}, permissions: map[string]bool{}}
}

func permissionKey(role, permission string) string { return "role " + role + ": " + permission }

func policyKey(id, at string) string {
	if id == at {
		return "policy " + id
	}
	return "policy " + id + " (" + at + ")"
}

// expect adds what a tenant's rules have. Tenants share what they have in common.
func (c *coverage) expect(roles []authz.Role, policies *policy.Set) {
	for _, r := range roles {
		for _, permission := range r.Permissions {
			expectOne(c.permissions, permissionKey(r.Name, permission))
		}
	}
	if policies == nil {
		return
	}
	for _, p := range policies.Policies() {
		expectOne(c.policies, policyKey(p.ID, p.At()))
	}
}

// expectOne leaves what is covered already.
func expectOne(m map[string]bool, key string) {
	if !m[key] {
		m[key] = false
	}
}

// note adds what an answer shows: policies that applied; permissions that led to an allow, and, with !, to a denial. A case that fails shows nothing.
func (c *coverage) note(a *answer) {
	if a.problem() != "" {
		return
	}
	d := &a.explanation.Decision
	for _, r := range a.explanation.Roles {
		for _, says := range r.Says {
			takes := strings.HasPrefix(says.Permission, "!")
			if takes && d.Reason == authz.ReasonDenied || !takes && d.Reason == authz.ReasonGranted {
				c.permissions[permissionKey(says.Path[len(says.Path)-1], says.Permission)] = true
			}
		}
	}
	if a.explanation.Policies == nil || d.Reason == authz.ReasonDenied {
		return
	}
	for _, p := range a.explanation.Policies.Policies {
		if p.Applies {
			c.policies[policyKey(p.Policy, p.At)] = true
		}
	}
}

// missing are those that no case showed, in order.
func (c *coverage) missing() []string {
	var all []string
	for _, m := range []map[string]bool{c.policies, c.permissions} {
		for _, key := range slices.Sorted(maps.Keys(m)) {
			if !m[key] {
				all = append(all, key)
			}
		}
	}
	return all
}

func (c *coverage) summary() string {
	text := fmt.Sprintf("coverage: %s policies, %s permissions of roles", share(c.policies), share(c.permissions))
	if missing := c.missing(); len(missing) > 0 {
		text += "; no case shows what these do:\n  " + strings.Join(missing, "\n  ")
	}
	return text
}

func share(m map[string]bool) string {
	shown := 0
	for _, covered := range m {
		if covered {
			shown++
		}
	}
	return fmt.Sprintf("%d of %d", shown, len(m))
}
