package authz

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/authmodule/authmodule/authn"
)

// PermissionImpersonate lets a caller act as another account of its tenant, within what it may do itself.
const PermissionImpersonate = "users.impersonate"

// ErrNotImpersonable: the account is one that the caller must not act as. It is an [authn.ErrImpersonationRefused].
var ErrNotImpersonable error = notImpersonable{}

type notImpersonable struct{}

func (notImpersonable) Error() string { return "authz: the caller must not act as this account" }
func (notImpersonable) Unwrap() error { return authn.ErrImpersonationRefused }

// MayImpersonate returns nil if the actor may act as the target, an account of its own tenant that can do nothing that the actor cannot. It
// returns [ErrNotImpersonable] unless all of this holds:
//
//   - The actor has [PermissionImpersonate], by roles or policies.
//   - The target is another account, of the actor's tenant. It is no administrator (auth.rbac.admin_role) and no superuser, directly
//     or by inheritance, and does not have PermissionImpersonate, by roles or policies.
//   - What the target's roles hold, the actor's roles hold, and what is taken away (!) from the actor is taken from the target as well.
//   - The actor has each role of the target, by inheritance too, because guards and policies may ask for a role by its name; not
//     that which accounts have by default, and not if it has [PermissionGrantAny].
//   - What policies say without a resource lets the target do nothing that the actor may not, of the actions that policies name.
//
// What they say about a resource, such as that its owner may see it, is not compared: to see what an owner sees is what acting as them is
// for. An actor whose credential can do less than a login of its account, or who acts as somebody else already, is [authn.ErrLoginRequired];
// with roles switched off nobody may: [ErrDisabled]. Any other error says that it could not be decided, and refuses too. Refusals
// are events of the type access.denied.
//
// It decides about this moment; authn asks again at each request of the session.
func (s *Service) MayImpersonate(ctx context.Context, actor authn.Principal, target authn.Subject) error {
	switch {
	case !s.enabled:
		return ErrDisabled
	case !actor.Authenticated() || actor.Limited() || actor.Actor != "":
		return authn.ErrLoginRequired
	case target.ID == "":
		return ErrNoSubject
	}
	err := s.impersonable(ctx, &actor, target)
	if errors.Is(err, ErrNotImpersonable) {
		s.deny(ctx, &actor, PermissionImpersonate, denial{reason: ReasonMissingPermission})
	}
	return err
}

func (s *Service) impersonable(ctx context.Context, actor *authn.Principal, target authn.Subject) error {
	switch {
	case target.Tenant != actor.Subject.Tenant:
		return fmt.Errorf("%w: it belongs to another tenant", ErrNotImpersonable)
	case target == actor.Subject:
		return fmt.Errorf("%w: it is the caller's own", ErrNotImpersonable)
	}
	rules, err := s.snapshots.of(ctx, target.Tenant)
	if err != nil {
		return err
	}
	roles, _, err := s.RolesOf(ctx, target)
	if err != nil {
		return err
	}
	other := &authn.Principal{Kind: authn.KindUser, Subject: target, Roles: roles}
	if err := s.acts(ctx, rules, actor, other); err != nil {
		return err
	}
	reach := s.reachOf(ctx, rules, actor)
	if s.administers(rules, roles) {
		return fmt.Errorf("%w: it is an administrator", ErrNotImpersonable)
	}
	if beyond := reach.beyond(roles, s.defaultRole); beyond != nil {
		return fmt.Errorf("%w: %w", ErrNotImpersonable, beyond)
	}
	return s.alike(ctx, rules, actor, other)
}

// alike refuses a target that policies let do, without a resource, what they keep the actor from.
func (s *Service) alike(ctx context.Context, rules *ruleset, actor, target *authn.Principal) error {
	if rules.policies == nil {
		return nil
	}
	for _, action := range rules.judged() {
		c := newCheck(needPermission, action)
		if may := s.judge(ctx, rules, &inquiry{p: target}, &c); !may.allowed() {
			continue
		}
		if own := s.judge(ctx, rules, &inquiry{p: actor}, &c); !own.allowed() {
			return fmt.Errorf("%w: %w: it may do %s", ErrNotImpersonable, ErrBeyond, quote(action))
		}
	}
	return nil
}

// judged are the actions that policies name, and for those that have a say about every action, what roles hold by its full name.
func (r *ruleset) judged() []string {
	var all []string
	for _, p := range r.policies.Policies() {
		all = append(all, p.Actions...)
		if p.Actions == nil {
			all = append(all, r.roles.definitions().permissions()...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// acts wants the permission of the actor, and the target not to have it.
func (s *Service) acts(ctx context.Context, rules *ruleset, actor *authn.Principal, target *authn.Principal) error {
	c := newCheck(needPermission, PermissionImpersonate)
	own := s.judge(ctx, rules, &inquiry{p: actor}, &c)
	if own.err != nil {
		return own.err
	}
	if !own.allowed() {
		return fmt.Errorf("%w: the caller does not have %s", ErrNotImpersonable, PermissionImpersonate)
	}
	other := s.judge(ctx, rules, &inquiry{p: target}, &c)
	if other.err != nil {
		return other.err
	}
	if byRoles := s.byRoles(rules, target, &c); byRoles.allowed() || other.allowed() {
		return fmt.Errorf("%w: it has %s itself", ErrNotImpersonable, PermissionImpersonate)
	}
	return nil
}

// administers reports whether one of the roles is or inherits that of administrators, or of superusers.
func (s *Service) administers(rules *ruleset, roles []string) bool {
	if o, _ := rules.roles.roleOf(roles, []key{newKey(s.adminRole)}); o != nil {
		return true
	}
	return slices.ContainsFunc(roles, func(name string) bool {
		role := rules.roles.role(name)
		return role != nil && role.superuser != nil
	})
}

// beyond says what these roles together have that the caller has not, or nothing. Their names do not matter to who is unlimited, what they
// hold does; nor do those of the default role's lineage, which nobody is kept from.
func (r *reach) beyond(roles []string, defaultRole string) error {
	h := r.rules.roles.holding(roles)
	for _, p := range h.gives {
		if !r.covers(p, h.takes) {
			return fmt.Errorf("%w: it holds %s", ErrBeyond, quote(p.String()))
		}
	}
	if r.unlimited {
		return nil
	}
	for _, name := range roles {
		role := r.rules.roles.role(name)
		if role == nil {
			continue
		}
		for i := range role.lineage {
			if one := role.lineage[i].role; !r.has(one) && !r.rules.inheritedBy(defaultRole, one) {
				return fmt.Errorf("%w: they do not have role %s", ErrBeyond, quote(one))
			}
		}
	}
	return nil
}

// inheritedBy reports whether the first role is or inherits the second.
func (r *ruleset) inheritedBy(heir, role string) bool {
	o, _ := r.roles.roleOf([]string{heir}, []key{newKey(role)})
	return o != nil
}

// MayAdminister returns nil if the actor may disable, unlock or reset the target, another account of its tenant: the target's roles hold nothing that
// the actor's do not, unless the actor has [PermissionGrantAny]; administrators (auth.rbac.admin_role) are administered by administrators, and
// superusers by superusers. Else it returns [ErrBeyond]. Whether the actor may administer accounts at all is not asked. For an actor's own account,
// with roles switched off, and for a credential that can do less than a login, it is refused as by [Delegate].
func (s *Service) MayAdminister(ctx context.Context, actor authn.Principal, target authn.Subject) error {
	if err := s.OnBehalfOf(actor).sound(); err != nil {
		return err
	}
	switch {
	case target.ID == "":
		return ErrNoSubject
	case target.Tenant != actor.Subject.Tenant:
		return fmt.Errorf("%w: the account belongs to another tenant", ErrBeyond)
	case target == actor.Subject:
		return fmt.Errorf("%w: it is the caller's own account", ErrBeyond)
	}
	rules, err := s.snapshots.of(ctx, target.Tenant)
	if err != nil {
		return err
	}
	roles, _, err := s.RolesOf(ctx, target)
	if err != nil {
		return err
	}
	reach := s.reachOf(ctx, rules, &actor)
	if s.administers(rules, roles) && !reach.superuser && !reach.has(s.adminRole) {
		return fmt.Errorf("%w: the account is an administrator", ErrBeyond)
	}
	var all []error
	for _, role := range roles {
		all = append(all, reach.exceeds(rules, role))
	}
	return errors.Join(all...)
}
