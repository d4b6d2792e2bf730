package authz

import "github.com/authmodule/authmodule/authn"

// Passes reports that [Service.Decide] would allow it, when that takes no more than the roles in
// memory: it waits for nothing and costs the least. False is no denial, and in no audit log; ask Decide then.
func (s *Service) Passes(p *authn.Principal, r Requirement) bool {
	if r.asked == nil || !authenticated(p) {
		return false
	}
	if p.Memo().Passed(s.owner, (*string)(&p.Subject.Tenant), &p.Roles, &p.Scopes, r.asked.number) {
		return true
	}
	return s.passesAnew(p, r.asked)
}

// passesAnew remembers that the answer was yes. What policies have a say in is not remembered: it depends on more. Nor is
// anything while grants are told of, or recorded.
func (s *Service) passesAnew(p *authn.Principal, r *asked) bool {
	if len(r.checks) == 0 || s.granted.counts() || s.deps.Recorder != nil {
		return false
	}
	rules := s.inMemory(p, r.checks[0].need)
	for i := range r.checks {
		if !s.passes(rules, p, &r.checks[i]) {
			return false
		}
	}
	if r.number != 0 {
		p.Memo().Learn(s.owner, rules.verdicts, numbered(), (*string)(&p.Subject.Tenant), &p.Roles, &p.Scopes).Pass(r.number)
	}
	return true
}

// inMemory is [Service.rulesFor] without asking the store; nil when it would have to be asked.
func (s *Service) inMemory(p *authn.Principal, n need) *ruleset {
	if !s.asksRoles(n) {
		return s.base
	}
	return s.snapshots.loaded(p.Subject.Tenant)
}

// passes reports whether the roles of these rules, which may be nil, suffice for the check.
func (s *Service) passes(rules *ruleset, p *authn.Principal, c *check) bool {
	if rules == nil {
		return false
	}
	if reason, _ := c.refuses(p); reason != "" || c.judgedBy(rules) {
		return false
	}
	if !s.asksRoles(c.need) {
		return true
	}
	_, reason := rules.roles.judge(p, c)
	return gives(reason)
}

// judgedBy reports whether policies have a say.
func (c *check) judgedBy(rules *ruleset) bool {
	if rules.policies == nil || c.need != needPermission {
		return false
	}
	for i := range c.oneOf {
		if rules.touches(c.oneOf[i].required) {
			return true
		}
	}
	return c.oneOf == nil && rules.touches(c.required)
}
