package authz

import (
	"context"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz/policy"
)

// Explanation is why a decision is as it is.
type Explanation struct {
	// Decision is what [Service.Authorize] returns, without an ID: explaining is no denial.
	Decision Decision
	// Roles has each assigned role with all that it says about the action.
	Roles []RoleExplanation
	// Policies has each policy that was asked, with what its conditions saw; nil when none has a say. Secrets are not shown.
	Policies *policy.Explanation
}

// RoleExplanation is what one assigned role says about an action.
type RoleExplanation struct {
	Role string
	// Defined is false for a role that is defined nowhere, which says nothing.
	Defined bool
	// Says are the permissions that match the action, the nearest role's first.
	Says []RoleSaying
}

// RoleSaying is a permission that matches an action.
type RoleSaying struct {
	// Permission is as the role holds it: articles.** gives, !articles.delete takes away.
	Permission string
	// Path leads by inheritance from the assigned role to the one that holds it, both included.
	Path []string
}

// Explain decides as [Service.Authorize] does and says why, in full. There is no event. It is for administrators and
// developers: what it shows of rules and attributes is not for the caller that it is about.
func (s *Service) Explain(ctx context.Context, p authn.Principal, action string, resource Resource) (Explanation, error) {
	c, in := newCheck(needPermission, action), &inquiry{p: &p, resource: &resource}
	rules, err := s.rulesFor(ctx, &p, needPermission)
	if err != nil {
		return Explanation{Decision: Decision{Required: c.required, Reason: ReasonError}}, err
	}
	f := s.judge(ctx, rules, in, &c)
	e := Explanation{Decision: f.decision(&c)}
	if c.fault != nil {
		return e, f.err
	}
	for _, name := range p.Roles {
		e.Roles = append(e.Roles, rules.roles.explain(name, c.permission))
	}
	if !rules.touches(action) {
		return e, f.err
	}
	q, err := s.question(ctx, rules, in, action)
	if err != nil {
		return e, err
	}
	why := rules.policies.Explain(ctx, &q)
	e.Policies = &why
	return e, f.err
}

func (s *snapshot) explain(name string, action Permission) RoleExplanation {
	role := s.role(name)
	if role == nil {
		return RoleExplanation{Role: name}
	}
	e, set := RoleExplanation{Role: name, Defined: true}, s.definitions()
	for i := range role.lineage {
		o := &role.lineage[i]
		d := set[o.role]
		for j := range d.grants {
			if g := &d.grants[j]; g.pattern.Matches(action) {
				e.Says = append(e.Says, RoleSaying{Permission: g.String(), Path: o.fromAssigned()})
			}
		}
	}
	return e
}
