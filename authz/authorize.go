package authz

import (
	"context"

	"github.com/authmodule/authmodule/authn"
)

// Authorize decides whether p may do the action, which is a permission such as articles.edit, to the resource; the zero
// resource is none. A policy that forbids it, or a role that takes it away, outdoes everything; else a role that grants it or a policy that permits
// it is enough; else it is denied. An anonymous caller never may, not even when roles are switched off. A credential with scopes must
// cover the action as well: neither the superuser role nor a policy passes them.
//
// The error says that it could not be decided: a malformed action wraps [ErrPermissionSyntax], invalid stored rules
// [ErrStoredRules], a policy that failed [ErrEvaluation], and anything else comes from the store. The decision denies then as well.
//
// What policies know of the request besides is in ctx: see [WithEnvironment]. Each denial of an authenticated caller is an [audit.AccessDenied] event.
func (s *Service) Authorize(ctx context.Context, p authn.Principal, action string, resource Resource) (Decision, error) {
	c := newCheck(needPermission, action)
	return s.check(ctx, &p, &c, &resource)
}

// Can is [Service.Authorize] without the reasons: false on every error. Its denials are
// audited like any other.
func (s *Service) Can(ctx context.Context, p authn.Principal, action string, resource Resource) bool {
	c := newCheck(needPermission, action)
	if resource.Tenant == "" && s.deps.Recorder == nil && !s.granted.counts() && s.passes(s.inMemory(&p, c.need), &p, &c) {
		return true
	}
	decision, err := s.check(ctx, &p, &c, &resource)
	return err == nil && decision.Allowed
}

// Request is one question of [Service.AuthorizeAll].
type Request struct {
	// Action is a permission, such as articles.edit.
	Action string
	// Resource is what it is done to; the zero value is none.
	Resource Resource
}

// AuthorizeAll is [Service.Authorize] for several questions, which are all answered by the same rules: one decision for
// each, in their order. The error is the first; the decision on its question, and on those after it, denies.
func (s *Service) AuthorizeAll(ctx context.Context, p authn.Principal, requests ...Request) ([]Decision, error) {
	decisions := make([]Decision, len(requests))
	rules, err := s.rulesFor(ctx, &p, needPermission)
	for i := range requests {
		c := newCheck(needPermission, requests[i].Action)
		if err != nil {
			decisions[i] = s.deny(ctx, &p, c.required, denial{reason: ReasonError})
			continue
		}
		decisions[i], err = s.checkBy(ctx, rules, &p, &c, &requests[i].Resource)
	}
	return decisions, err
}

// Filter returns the items of a list that p may do the action to, in their order; resource says which one an item is. What is left
// out is no denial: nobody asked for it by name, and there is no event. On an error nothing is returned.
func Filter[T any](ctx context.Context, s *Service, p authn.Principal, action string, items []T, resource func(T) Resource) ([]T, error) {
	c := newCheck(needPermission, action)
	if c.fault != nil {
		return nil, c.fault
	}
	rules, err := s.rulesFor(ctx, &p, needPermission)
	if err != nil {
		return nil, err
	}
	may := make([]T, 0, len(items))
	for _, item := range items {
		r := resource(item)
		found := s.judge(ctx, rules, &inquiry{p: &p, resource: &r}, &c)
		if found.err != nil {
			return nil, found.err
		}
		if found.allowed() {
			may = append(may, item)
		}
	}
	return may, nil
}

// AuthorizeRoles decides whether p has at least one of the roles, directly or
// by inheritance: who has a role that inherits editor passes editor. A role that
// is defined nowhere is had by nobody. A credential with scopes has no role, because a scope cannot
// express one: guard what API keys may do with permissions. Naming none is [ErrNothingRequired], and
// a malformed name is [ErrRoleName].
func (s *Service) AuthorizeRoles(ctx context.Context, p authn.Principal, anyOf ...string) (Decision, error) {
	return s.Decide(ctx, &p, RequireRoles(anyOf...))
}

// Decide decides whether p meets the requirement, which was read once. A permission is decided as by [Service.Authorize] without
// a resource: where a policy that forbids depends on one, that is a denial. It only reads p. It returns
// the decision on the first part that is not met, or on the last one.
func (s *Service) Decide(ctx context.Context, p *authn.Principal, r Requirement) (Decision, error) {
	return s.DecideOn(ctx, p, r, Resource{})
}

// DecideOn is [Service.Decide] for a requirement that is about a resource.
func (s *Service) DecideOn(ctx context.Context, p *authn.Principal, r Requirement, resource Resource) (Decision, error) {
	checks := r.checks()
	if len(checks) == 0 {
		return s.nothingRequired(ctx, p, r)
	}
	last := len(checks) - 1
	for i := range checks[:last] {
		if decision, err := s.check(ctx, p, &checks[i], &resource); err != nil || !decision.Allowed {
			return decision, err
		}
	}
	return s.check(ctx, p, &checks[last], &resource)
}
