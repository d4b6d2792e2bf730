package bench

import (
	"fmt"
	"strconv"

	"github.com/authmodule/authmodule/authz"
)

const (
	rulesPerRole = 10
	depth        = 5
	manyRules    = 10_000
	mostRules    = 100_000
)

// policy is n rules in n/10 roles, for this module and for casbin alike.
// Roles stand in chains of five, each inheriting the next; the last of each
// chain holds docs.read, so that casbin finds a user's rule anywhere in its list.
type policy struct{ roles int }

func newPolicy(rules int) policy { return policy{roles: max(rules/rulesPerRole, 1)} }

func roleName(i int) string { return "role" + strconv.Itoa(i) }

// parent is the role that role i inherits, or -1.
func (p policy) parent(i int) int {
	if i%depth == 0 {
		return -1
	}
	return i - 1
}

// rule returns rule j of role i.
func (p policy) rule(i, j int) (resource, action string) {
	if j == 0 && i%depth == 0 {
		return "docs", "read"
	}
	return "resource" + strconv.Itoa(i), "action" + strconv.Itoa(j)
}

// top is the role of user number n: the first of a chain, which has docs.read
// through all others. A few users are spread over the chains as evenly as many.
func (p policy) top(n int) string {
	const stride = 37
	chains := max(p.roles/depth, 1)
	return roleName(min(n*stride%chains*depth+depth-1, p.roles-1))
}

// config is the policy for this module.
func (p policy) config() authz.Config {
	cfg := authz.Config{Roles: make(map[string]authz.RoleConfig, p.roles)}
	for i := range p.roles {
		var role authz.RoleConfig
		for j := range rulesPerRole {
			resource, action := p.rule(i, j)
			role.Permissions = append(role.Permissions, resource+"."+action)
		}
		if parent := p.parent(i); parent >= 0 {
			role.Inherits = []string{roleName(parent)}
		}
		cfg.Roles[roleName(i)] = role
	}
	cfg.Roles["clerk"] = authz.RoleConfig{Permissions: []string{"forms.*", "*.list"}}
	return cfg
}

// lines is the policy for casbin, with the users' roles.
func (p policy) lines(users []string) [][]string {
	var lines [][]string
	for i := range p.roles {
		for j := range rulesPerRole {
			resource, action := p.rule(i, j)
			lines = append(lines, []string{"p", roleName(i), resource, action})
		}
		if parent := p.parent(i); parent >= 0 {
			lines = append(lines, []string{"g", roleName(i), roleName(parent)})
		}
	}
	for n, user := range users {
		lines = append(lines, []string{"g", user, p.top(n)})
	}
	return lines
}

// userNames are accounts for decisions that need no token.
func userNames(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("user%d", i)
	}
	return names
}
