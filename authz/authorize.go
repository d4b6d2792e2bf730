package authz

import (
	"context"
	"fmt"
	"strings"

	"github.com/authmodule/authmodule/authn"
)

// Authorize decides whether p has the permission. An anonymous caller never
// has, not even when roles are switched off. A credential with scopes must cover the permission as well:
// neither the superuser role nor switched-off roles pass them. The error says that it could not be
// decided: a malformed permission wraps [ErrPermissionSyntax], invalid stored roles
// [ErrStoredRoles], and anything else comes from the store. The decision denies then as well.
//
// Each denial of an authenticated caller is an [audit.AccessDenied] event.
func (s *Service) Authorize(ctx context.Context, p authn.Principal, permission string) (Decision, error) {
	if !p.Authenticated() {
		return s.deny(ctx, p, permission, ReasonAnonymous), nil
	}
	required, err := ParsePermission(permission)
	if err != nil {
		return s.fail(ctx, p, permission, err)
	}
	if !inScope(p, required) {
		return s.deny(ctx, p, permission, ReasonScope), nil
	}
	return s.decide(ctx, p, permission, ReasonMissingPermission, func(role *compiled) *origin {
		return role.grants(required)
	})
}

// AuthorizeAll decides whether p has every one of the permissions. It returns the decision on
// the first that p has not, or on the last one. Naming none is
// [ErrNothingRequired].
func (s *Service) AuthorizeAll(ctx context.Context, p authn.Principal, permissions ...string) (Decision, error) {
	if len(permissions) == 0 {
		return s.nothingRequired(ctx, p, "permission")
	}
	var decision Decision
	for _, permission := range permissions {
		var err error
		if decision, err = s.Authorize(ctx, p, permission); err != nil || !decision.Allowed {
			return decision, err
		}
	}
	return decision, nil
}

// AuthorizeRoles decides whether p has at least one of the roles, directly or
// by inheritance: who has a role that inherits editor passes editor. A role that
// is defined nowhere is had by nobody. A credential with scopes has no role, because a scope cannot
// express one: guard what API keys may do with permissions. Naming none is [ErrNothingRequired], and
// a malformed name is [ErrRoleName].
func (s *Service) AuthorizeRoles(ctx context.Context, p authn.Principal, anyOf ...string) (Decision, error) {
	if len(anyOf) == 0 {
		return s.nothingRequired(ctx, p, "role")
	}
	required := "role " + strings.Join(anyOf, " or ")
	if !p.Authenticated() {
		return s.deny(ctx, p, required, ReasonAnonymous), nil
	}
	for _, name := range anyOf {
		if !validRoleName(name) {
			return s.fail(ctx, p, required, fmt.Errorf("%w: %s %s", ErrRoleName, quote(name), roleNameForm))
		}
	}
	if p.Scopes != nil {
		return s.deny(ctx, p, required, ReasonScope), nil
	}
	return s.decide(ctx, p, required, ReasonMissingRole, func(role *compiled) *origin {
		return role.inherited(anyOf)
	})
}

// Can is [Service.Authorize] without the reasons: false on every error. Its denials are
// audited like any other.
func (s *Service) Can(ctx context.Context, p authn.Principal, permission string) bool {
	decision, err := s.Authorize(ctx, p, permission)
	return err == nil && decision.Allowed
}

// decide asks each role of an authenticated p in turn, and is satisfied by the first for which find returns an
// origin, or which is or inherits the superuser role.
func (s *Service) decide(ctx context.Context, p authn.Principal, required, missing string, find func(*compiled) *origin) (Decision, error) {
	if !s.enabled {
		return Decision{Allowed: true, Required: required, Reason: ReasonDisabled}, nil
	}
	snap, err := s.snapshots.of(ctx, p.Subject.Tenant)
	if err != nil {
		return s.fail(ctx, p, required, err)
	}
	for _, name := range p.Roles {
		role := snap.role(name)
		if role == nil {
			continue
		}
		if role.superuser != nil {
			return granted(required, ReasonSuperuser, role.superuser), nil
		}
		if o := find(role); o != nil {
			return granted(required, ReasonGranted, o), nil
		}
	}
	return s.deny(ctx, p, required, missing), nil
}
