package authz

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz/policy"
)

// ErrEvaluation: a policy that has a say could not be asked, because something that it looks at is missing or of
// another type, or it cost too much. What it would have said is not known, so that the answer is no.
var ErrEvaluation = errors.New("authz: a policy could not be evaluated")

// finding is the answer to one check. Its error says that it could not be found; it denies then.
type finding struct {
	reason string
	// origin is the role that says so; nil for none.
	origin   *origin
	policies []policy.Reason
	err      error
}

func (f *finding) allowed() bool {
	switch f.reason {
	case ReasonGranted, ReasonSuperuser, ReasonPermitted, ReasonDisabled:
		return f.err == nil
	}
	return false
}

// decision is what callers are told.
func (f *finding) decision(c *check) Decision {
	d := Decision{Allowed: f.allowed(), Required: clip(c.required, longestRequired), Reason: f.reason, Policies: names(f.policies)}
	if f.origin != nil {
		d.Role, d.Path = f.origin.role, f.origin.fromAssigned()
	}
	return d
}

// inquiry is who asks about what.
type inquiry struct {
	p        *authn.Principal
	resource *Resource
	// recorded is what policies were asked before, in place of what they would be asked now; nil for nothing.
	recorded *policy.Request
}

// rulesFor returns the rules of p's tenant. Where no roles are asked, and for nobody, those of configuration and code are
// enough, and the store need not answer.
func (s *Service) rulesFor(ctx context.Context, p *authn.Principal, n need) (*ruleset, error) {
	if !authenticated(p) || !s.asksRoles(n) {
		return s.base, nil
	}
	return s.snapshots.of(ctx, p.Subject.Tenant)
}

func (s *Service) check(ctx context.Context, p *authn.Principal, c *check, resource *Resource) (Decision, error) {
	if reason, fault := c.refuses(p); reason != "" {
		return s.deny(ctx, p, c.required, denial{reason: reason}), fault
	}
	rules, err := s.rulesFor(ctx, p, c.need)
	if err != nil {
		return s.deny(ctx, p, c.required, denial{reason: ReasonError}), err
	}
	return s.checkBy(ctx, rules, p, c, resource)
}

func (s *Service) checkBy(ctx context.Context, rules *ruleset, p *authn.Principal, c *check, resource *Resource) (Decision, error) {
	in := inquiry{p: p, resource: resource}
	f := s.judge(ctx, rules, &in, c)
	d := f.decision(c)
	s.record(ctx, rules, &in, c, &d)
	if d.Allowed {
		s.allow(ctx, p, &d)
		return d, nil
	}
	d.ID = s.deny(ctx, p, c.required, denial{reason: f.reason, role: d.Role, policies: d.Policies}).ID
	return d, f.err
}

// names are the IDs of policies with their places.
func names(reasons []policy.Reason) []string {
	if len(reasons) == 0 {
		return nil
	}
	all := make([]string, len(reasons))
	for i, r := range reasons {
		all[i] = r.Policy
		if r.At != "" && r.At != r.Policy {
			all[i] += " (" + r.At + ")"
		}
	}
	return all
}

// judge answers a check of which one part may suffice.
func (s *Service) judge(ctx context.Context, rules *ruleset, in *inquiry, c *check) finding {
	if reason, fault := c.refuses(in.p); reason != "" {
		return finding{reason: reason, err: fault}
	}
	if c.oneOf == nil {
		return s.judgeOne(ctx, rules, in, c)
	}
	var last finding
	for i := range c.oneOf {
		one := &c.oneOf[i]
		if in.p.Scopes != nil && !one.scoped(in.p.Scopes) {
			continue
		}
		if last = s.judgeOne(ctx, rules, in, one); last.allowed() {
			return last
		}
	}
	return last
}

// judgeOne answers a check whose caller and scopes are good: forbid, else what roles or policies give, else no.
func (s *Service) judgeOne(ctx context.Context, rules *ruleset, in *inquiry, c *check) finding {
	if r := in.resource; r != nil && r.Tenant != "" && r.Tenant != string(in.p.Subject.Tenant) {
		return finding{reason: ReasonTenant}
	}
	f := s.byRoles(rules, in.p, c)
	if c.need != needPermission || f.reason == ReasonDenied || !rules.touches(c.required) {
		return f
	}
	return s.byPolicies(ctx, rules, in, c, f)
}

func (s *Service) byRoles(rules *ruleset, p *authn.Principal, c *check) finding {
	switch {
	case c.need == needScope:
		return finding{reason: ReasonGranted}
	case !s.enabled:
		return finding{reason: ReasonDisabled}
	}
	o, reason := rules.roles.decide(p.Roles, c)
	return finding{origin: o, reason: cmp.Or(reason, c.missing())}
}

func (s *Service) byPolicies(ctx context.Context, rules *ruleset, in *inquiry, c *check, roles finding) finding {
	q, err := s.question(ctx, rules, in, c.required)
	if err != nil {
		return finding{reason: ReasonError, err: fmt.Errorf("authz: read the attributes of a caller: %w", err)}
	}
	v := rules.policies.Evaluate(ctx, &q)
	switch v.Effect {
	case policy.Forbid:
		return finding{reason: ReasonForbidden, policies: v.Reasons}
	case policy.Permit:
		if roles.allowed() {
			return roles
		}
		return finding{reason: ReasonPermitted, policies: v.Reasons}
	case policy.None:
		return roles
	}
	return finding{reason: ReasonPolicyError, policies: v.Reasons, err: fmt.Errorf("%w: %w", ErrEvaluation, v.Err)}
}

// asksRoles reports whether roles decide about what [check.refuses] lets through.
func (s *Service) asksRoles(n need) bool { return s.enabled && n != needScope }

// gives reports whether what the roles say lets the caller through.
func gives(reason string) bool { return reason == ReasonGranted || reason == ReasonSuperuser }

// authenticated is [authn.Principal.Authenticated] without a copy of the principal. Nil is nobody.
func authenticated(p *authn.Principal) bool {
	return p != nil && p.Kind != authn.KindAnonymous && p.Subject.ID != ""
}
