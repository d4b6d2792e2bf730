package authz

import (
	"cmp"
	"context"

	"github.com/authmodule/authmodule/authn"
)

// Authorize decides whether p has the permission. An anonymous caller never
// has, not even when roles are switched off. A credential with scopes must cover the permission as well:
// neither the superuser role nor switched-off roles pass them. The error says that it could not be
// decided: a malformed permission wraps [ErrPermissionSyntax], invalid stored roles
// [ErrStoredRules], and anything else comes from the store. The decision denies then as well.
//
// Each denial of an authenticated caller is an [audit.AccessDenied] event.
func (s *Service) Authorize(ctx context.Context, p authn.Principal, permission string) (Decision, error) {
	c := newCheck(needPermission, permission)
	return s.check(ctx, &p, &c)
}

// AuthorizeAll decides whether p has every one of the permissions. It returns the decision on
// the first that p has not, or on the last one. Naming none is
// [ErrNothingRequired].
func (s *Service) AuthorizeAll(ctx context.Context, p authn.Principal, permissions ...string) (Decision, error) {
	return s.Decide(ctx, &p, RequirePermissions(permissions...))
}

// AuthorizeRoles decides whether p has at least one of the roles, directly or
// by inheritance: who has a role that inherits editor passes editor. A role that
// is defined nowhere is had by nobody. A credential with scopes has no role, because a scope cannot
// express one: guard what API keys may do with permissions. Naming none is [ErrNothingRequired], and
// a malformed name is [ErrRoleName].
func (s *Service) AuthorizeRoles(ctx context.Context, p authn.Principal, anyOf ...string) (Decision, error) {
	return s.Decide(ctx, &p, RequireRoles(anyOf...))
}

// Can is [Service.Authorize] without the reasons: false on every error. Its denials are
// audited like any other.
func (s *Service) Can(ctx context.Context, p authn.Principal, permission string) bool {
	decision, err := s.Authorize(ctx, p, permission)
	return err == nil && decision.Allowed
}

// Decide decides whether p meets the requirement, as [Service.AuthorizeAll], [Service.AuthorizeRoles] and
// [Service.AuthorizeScopes] do for names that need not be read again. It only reads p.
func (s *Service) Decide(ctx context.Context, p *authn.Principal, r Requirement) (Decision, error) {
	if len(r.checks) == 0 {
		return s.nothingRequired(ctx, p, r.what)
	}
	last := len(r.checks) - 1
	for i := range r.checks[:last] {
		if decision, err := s.check(ctx, p, &r.checks[i]); err != nil || !decision.Allowed {
			return decision, err
		}
	}
	return s.check(ctx, p, &r.checks[last])
}

// Passes reports that [Service.Decide] would allow it, when that takes no more than the roles in
// memory: it waits for nothing and costs the least. False is no denial, and in no audit log; ask Decide then.
func (s *Service) Passes(p *authn.Principal, r Requirement) bool {
	if !authenticated(p) {
		return false
	}
	if p.Memo().Verdicts(s.owner, string(p.Subject.Tenant), p.Roles, p.Scopes).Passed(r.number) {
		return true
	}
	return s.passesAnew(p, r)
}

func (s *Service) passesAnew(p *authn.Principal, r Requirement) bool {
	rules := s.snapshots.loaded(p.Subject.Tenant)
	for i := range r.checks {
		if !s.passes(rules, p, &r.checks[i]) {
			return false
		}
	}
	if len(r.checks) == 0 {
		return false
	}
	if rules != nil && r.number != 0 {
		p.Memo().Learn(s.owner, rules.verdicts, numbered(), string(p.Subject.Tenant), p.Roles, p.Scopes).Pass(r.number)
	}
	return true
}

func (s *Service) passes(rules *ruleset, p *authn.Principal, c *check) bool {
	if reason, _ := c.refuses(p); reason != "" {
		return false
	}
	if !s.asksRoles(c) {
		return true
	}
	if rules == nil {
		return false
	}
	_, reason := rules.roles.judge(p, c)
	return gives(reason)
}

// gives reports whether what the roles say lets the caller through.
func gives(reason string) bool { return reason == ReasonGranted || reason == ReasonSuperuser }

func (s *Service) check(ctx context.Context, p *authn.Principal, c *check) (Decision, error) {
	if reason, fault := c.refuses(p); reason != "" {
		return s.deny(ctx, p, c.required, reason), fault
	}
	if !s.asksRoles(c) {
		return s.withoutRoles(c), nil
	}
	rules, err := s.snapshots.of(ctx, p.Subject.Tenant)
	if err != nil {
		return s.deny(ctx, p, c.required, ReasonError), err
	}
	o, reason := rules.roles.judge(p, c)
	if gives(reason) {
		return Decision{Allowed: true, Required: c.required, Reason: reason, Role: o.role, Path: o.fromAssigned()}, nil
	}
	d := s.deny(ctx, p, c.required, cmp.Or(reason, c.missing()))
	if o != nil {
		d.Role, d.Path = o.role, o.fromAssigned()
	}
	return d, nil
}

// asksRoles reports whether roles decide about what [check.refuses] lets through.
func (s *Service) asksRoles(c *check) bool { return s.enabled && c.need != needScope }

func (s *Service) withoutRoles(c *check) Decision {
	reason := ReasonDisabled
	if c.need == needScope {
		reason = ReasonGranted
	}
	return Decision{Allowed: true, Required: c.required, Reason: reason}
}

// authenticated is [authn.Principal.Authenticated] without a copy of the principal. Nil is nobody.
func authenticated(p *authn.Principal) bool {
	return p != nil && p.Kind != authn.KindAnonymous && p.Subject.ID != ""
}
