package authz

import (
	"context"
	"slices"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz/policy"
)

// Outlook is what rules can say about an action, whoever asks. It is for checks before anybody does.
type Outlook struct {
	// Grantable says that a role grants the action, or that a policy can permit it. What the superuser role passes does not count.
	Grantable bool
	// NeedsResource says that a policy which forbids the action depends on the resource, so that nobody passes without one.
	NeedsResource bool
}

// Outlook returns what the tenant's rules can say about the action. A malformed action is [ErrPermissionSyntax].
func (s *Service) Outlook(ctx context.Context, t authn.Tenant, action string) (Outlook, error) {
	required, err := ParsePermission(action)
	if err != nil {
		return Outlook{}, err
	}
	rules := s.base
	if s.enabled {
		if rules, err = s.snapshots.of(ctx, t); err != nil {
			return Outlook{}, err
		}
	}
	o := Outlook{Grantable: !s.enabled || rules.roles.grants(required)}
	if rules.policies != nil {
		o.Grantable = o.Grantable || rules.permits(action)
		o.NeedsResource = rules.policies.NeedsResource(action)
	}
	return o, nil
}

// grants reports whether some role gives the permission.
func (s *snapshot) grants(required Permission) bool {
	for _, d := range s.definitions() {
		if slices.ContainsFunc(d.grants, func(g grant) bool { return !g.shape.denied && g.pattern.Matches(required) }) {
			return true
		}
	}
	return false
}

// permits reports whether some policy can permit the action.
func (r *ruleset) permits(action string) bool {
	return slices.ContainsFunc(r.policies.Policies(), func(p policy.Info) bool {
		return p.Effect == policy.Permit && (p.Actions == nil || slices.Contains(p.Actions, action))
	})
}
