package memstore

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
)

type rules struct {
	mu       sync.RWMutex
	byTenant map[authn.Tenant]tenantRules
	// n counts the roles and policies of all tenants.
	n int
}

// tenantRules are never changed: a change puts others in their place.
type tenantRules struct {
	version  int64
	roles    map[string]authz.Role
	policies map[string]authz.PolicyText
}

func newRules() rules { return rules{byTenant: map[authn.Tenant]tenantRules{}} }

// Rules implements [authz.RuleStore].
func (s *Store) Rules(ctx context.Context, t authn.Tenant) (authz.Rules, error) {
	if err := ctx.Err(); err != nil {
		return authz.Rules{}, err
	}
	s.rules.mu.RLock()
	stored := s.rules.byTenant[t]
	s.rules.mu.RUnlock()
	roles := slices.SortedFunc(maps.Values(stored.roles), func(a, b authz.Role) int { return cmp.Compare(a.Name, b.Name) })
	for i := range roles {
		roles[i] = cloneRole(roles[i])
	}
	return authz.Rules{
		Version: stored.version,
		Roles:   roles,
		Policies: slices.SortedFunc(maps.Values(stored.policies), func(a, b authz.PolicyText) int {
			return cmp.Compare(a.Name, b.Name)
		}),
	}, nil
}

// ChangeRules implements [authz.RuleStore].
func (s *Store) ChangeRules(ctx context.Context, t authn.Tenant, version int64, c authz.RuleChange) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r := &s.rules
	r.mu.Lock()
	defer r.mu.Unlock()
	stored, known := r.byTenant[t]
	if stored.version != version {
		return authn.ErrConflict
	}
	next := stored.changed(c)
	growth := next.size() - stored.size()
	if growth > 0 && r.n+growth > s.records || !known && len(r.byTenant) >= s.records {
		return ErrFull
	}
	r.n += growth
	r.byTenant[t] = next
	return nil
}

func (r tenantRules) size() int { return len(r.roles) + len(r.policies) }

// changed is what the change makes of the rules.
func (r tenantRules) changed(c authz.RuleChange) tenantRules {
	next := tenantRules{r.version + 1, map[string]authz.Role{}, map[string]authz.PolicyText{}}
	maps.Copy(next.roles, r.roles)
	maps.Copy(next.policies, r.policies)
	for _, name := range c.DeleteRoles {
		delete(next.roles, name)
	}
	for _, name := range c.DeletePolicies {
		delete(next.policies, name)
	}
	for _, role := range c.PutRoles {
		next.roles[role.Name] = cloneRole(role)
	}
	for _, policy := range c.PutPolicies {
		next.policies[policy.Name] = policy
	}
	return next
}

func cloneRole(r authz.Role) authz.Role {
	r.Permissions = slices.Clone(r.Permissions)
	r.Inherits = slices.Clone(r.Inherits)
	return r
}
