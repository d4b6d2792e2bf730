package authz

import (
	"context"
	"iter"
	"slices"

	"github.com/authmodule/authmodule/authn"
)

// Difference is a recorded decision that changed rules would make otherwise.
type Difference struct {
	Record Record
	// Now is what they decide.
	Now Decision
}

// DryRun asks the recorded decisions of the tenant again, by its rules as the change would leave them, and returns those that come out
// otherwise, with allowed and denied swapped. Nothing is stored, and there is no event. The error is what [Service.DefineRole] and [Service.DefinePolicy] would
// say of the change, or the records'. An attribute that was a secret when it was recorded is not known here: a policy that reads it sees another text.
func (s *Service) DryRun(ctx context.Context, t authn.Tenant, c RuleChange, records iter.Seq2[Record, error]) ([]Difference, error) {
	stored, err := s.snapshots.stored(ctx, t)
	if err != nil {
		return nil, err
	}
	rules, err := s.compile(stored.with(c))
	if err != nil {
		return nil, err
	}
	if !s.enabled { // no stored rules decide then
		rules = s.base
	}
	var found []Difference
	for r, err := range records {
		if err != nil {
			return nil, err
		}
		if authn.Tenant(r.Request.Principal.Tenant) != t {
			continue
		}
		if now := s.ask(ctx, rules, &r); now.Allowed != r.Allowed {
			found = append(found, Difference{Record: r, Now: now})
		}
	}
	return found, ctx.Err()
}

func (s *Service) ask(ctx context.Context, rules *ruleset, r *Record) Decision {
	p, check := r.principal(), newCheck(needPermission, r.Request.Action)
	f := s.judge(ctx, rules, &inquiry{p: &p, resource: &r.Request.Resource, recorded: &r.Request}, &check)
	return f.decision(&check)
}

// with returns the rules after the change.
func (r Rules) with(c RuleChange) Rules {
	next := Rules{Version: r.Version, Roles: slices.Clone(r.Roles), Policies: slices.Clone(r.Policies)}
	next.Roles = slices.DeleteFunc(next.Roles, func(old Role) bool {
		return slices.Contains(c.DeleteRoles, old.Name) || slices.ContainsFunc(c.PutRoles, named(old.Name))
	})
	next.Policies = slices.DeleteFunc(next.Policies, func(old PolicyText) bool {
		return slices.Contains(c.DeletePolicies, old.Name) || slices.ContainsFunc(c.PutPolicies, func(p PolicyText) bool { return p.Name == old.Name })
	})
	next.Roles, next.Policies = append(next.Roles, c.PutRoles...), append(next.Policies, c.PutPolicies...)
	slices.SortFunc(next.Policies, byName)
	return next
}
