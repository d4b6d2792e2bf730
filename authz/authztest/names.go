package authztest

import (
	"context"
	"maps"
	"slices"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/authz/policy"
	"github.com/authmodule/authmodule/internal/nearest"
)

// tenantRules are the names that a tenant's rules have.
type tenantRules struct {
	roles []authz.Role
	// policies is nil when there are none.
	policies *policy.Set
}

// know reads the rules of a tenant.
func (s *suite) know(ctx context.Context, t authn.Tenant) error {
	if s.tenants[t] != nil {
		return nil
	}
	roles, err := s.service.Roles(ctx, t)
	if err != nil {
		return err
	}
	policies, err := s.service.PolicySet(ctx, t)
	s.tenants[t] = &tenantRules{roles: roles, policies: policies}
	s.covered.expect(roles, policies)
	return err
}

func (k *tenantRules) roleNames() []string {
	var all []string
	for _, r := range k.roles {
		all = append(all, r.Name)
	}
	return all
}

func (k *tenantRules) policyNames() []string {
	var all []string
	if k.policies != nil {
		for _, p := range k.policies.Policies() {
			all = append(all, p.ID)
		}
	}
	return all
}

// nearestAction proposes an action that the rules name.
func (k *tenantRules) nearestAction(action string) string {
	var all []string
	for _, r := range k.roles {
		all = append(all, r.Permissions...)
	}
	if k.policies != nil {
		for _, p := range k.policies.Policies() {
			all = append(all, p.Actions...)
		}
	}
	return nearest.Hint(action, slices.Values(all))
}

// names refuses what the rules do not know, because it would change no answer.
func (s *suite) names() {
	seen := map[any]bool{}
	for _, q := range s.table.questions {
		known := s.tenants[q.principal.is.Subject.Tenant]
		if !seen[q.principal] {
			seen[q.principal] = true
			s.principalNames(q.principal, known)
		}
		if q.resource != nil && !seen[q.resource] {
			seen[q.resource] = true
			s.resourceNames(q.resource, known)
		}
		if q.role != "" && !slices.Contains(known.roleNames(), q.role) {
			s.fault(q, "unknown role %s%s", show(q.role), nearest.Hint(q.role, slices.Values(known.roleNames())))
		}
		if q.policy != "" && !slices.Contains(known.policyNames(), q.policy) {
			s.fault(q, "unknown policy %s%s", show(q.policy), nearest.Hint(q.policy, slices.Values(known.policyNames())))
		}
		s.contextNames(q, known)
	}
}

func (s *suite) principalNames(p *principal, known *tenantRules) {
	for _, role := range p.is.Roles {
		if !slices.Contains(known.roleNames(), role) {
			s.faultAt(p.line, p.column, "unknown role "+show(role)+" of "+p.name+nearest.Hint(role, slices.Values(known.roleNames())))
		}
	}
	switch {
	case len(p.attributes) == 0:
	case !s.ownAttributes:
		s.faultAt(p.line, p.column, "the service has its own attributes of callers; leave those of "+p.name+" out, or test a Config")
	case known.policies == nil:
		s.faultAt(p.line, p.column, "there are no policies that could look at the attributes of "+p.name)
	default:
		declared, _ := known.policies.AttributesOf("User")
		s.attributeNames(p.mark, p.attributes, declared)
	}
}

func (s *suite) resourceNames(x *resource, known *tenantRules) {
	if known.policies == nil {
		s.faultAt(x.line, x.column, "there are no policies that could look at the resource "+x.name)
		return
	}
	declared, ok := known.policies.AttributesOf(x.is.Type)
	if types := known.policies.Types(); !ok || !slices.Contains(types, x.is.Type) {
		s.faultAt(x.line, x.column, "the type "+show(x.is.Type)+" of "+x.name+" is declared nowhere"+nearest.Hint(x.is.Type, slices.Values(types)))
		return
	}
	s.attributeNames(x.mark, x.is.Attributes, declared)
}

func (s *suite) contextNames(q *question, known *tenantRules) {
	if known.policies != nil {
		s.attributeNames(mark{name: "the environment", line: q.line, column: q.column}, q.environment.Attributes, known.policies.ContextOf(q.action))
	}
}

func (s *suite) attributeNames(at mark, have authz.Attributes, declared []string) {
	for _, name := range slices.Sorted(maps.Keys(have)) {
		if !slices.Contains(declared, name) {
			s.faultAt(at.line, at.column, "unknown attribute "+show(name)+" of "+at.name+nearest.Hint(name, slices.Values(declared)))
		}
	}
}
