package authz

import (
	"context"

	"github.com/authmodule/authmodule/authn"
)

// DecideOwned decides whether p is the owner of what it asks about, or else meets the requirement. The requirement names what
// is to be done: an owner whose credential has scopes needs them to cover it, and one from whom a role takes it away, or whom a policy
// forbids it, may not. The zero requirement is ownership alone, for which a credential with scopes is not enough. An
// owner without an ID is nobody's. Who is not the owner is denied as by [Service.Decide].
func (s *Service) DecideOwned(ctx context.Context, p *authn.Principal, owner authn.Subject, r Requirement) (Decision, error) {
	owns := authenticated(p) && owner.ID != "" && owner == p.Subject
	if r.asked == nil {
		return s.decideOwnership(ctx, p, owns), nil
	}
	checks := r.checks()
	if !owns || len(checks) == 0 {
		return s.Decide(ctx, p, r)
	}
	rules, err := s.rulesFor(ctx, p, needPermission)
	if err != nil {
		return s.deny(ctx, p, r.String(), denial{reason: ReasonError}), err
	}
	in := inquiry{p: p}
	for i := range checks {
		if !s.ownerMay(ctx, rules, &in, &checks[i]) {
			return s.Decide(ctx, p, r) // which says no, and tells of it
		}
	}
	d := Decision{Allowed: true, Required: r.String(), Reason: ReasonOwner}
	s.allow(ctx, p, &d)
	return d, nil
}

// ownerMay reports whether nothing speaks against the check but that nobody grants it; of a check of which one part may suffice, against one part.
func (s *Service) ownerMay(ctx context.Context, rules *ruleset, in *inquiry, c *check) bool {
	if reason, _ := c.refuses(in.p); reason != "" {
		return false
	}
	parts := c.oneOf
	if parts == nil {
		parts = []check{*c}
	}
	for i := range parts {
		f := s.judge(ctx, rules, in, &parts[i])
		if f.allowed() || f.reason == ReasonMissingPermission || f.reason == ReasonMissingRole {
			return true
		}
	}
	return false
}

const ownership = "being the owner"

func (s *Service) decideOwnership(ctx context.Context, p *authn.Principal, owns bool) Decision {
	reason := ReasonMissingPermission
	switch {
	case !authenticated(p):
		reason = ReasonAnonymous
	case p.Scopes != nil:
		reason = ReasonScope
	case owns:
		d := Decision{Allowed: true, Required: ownership, Reason: ReasonOwner}
		s.allow(ctx, p, &d)
		return d
	}
	return s.deny(ctx, p, ownership, denial{reason: reason})
}
