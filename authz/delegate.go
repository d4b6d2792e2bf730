package authz

import (
	"context"
	"errors"
	"slices"

	"github.com/authmodule/authmodule/authn"
)

// PermissionGrantAny lets a [Delegate] hand on what its caller does not hold. It has a name of its own kind so that
// roles.* does not give it; *.* and ** do.
const PermissionGrantAny = "privileges.grant_any"

var (
	// ErrBeyond: a caller would hand on, change or take away what is beyond its own roles.
	ErrBeyond = errors.New("authz: beyond the caller's own roles")
	// ErrLockout: a caller would take [PermissionGrantAny] from itself. Somebody else must do it, so that one who has it is left.
	ErrLockout = errors.New("authz: the caller would lose " + PermissionGrantAny)
	// ErrDisabled: roles are switched off, so that nobody can be told from an administrator.
	ErrDisabled = errors.New("authz: roles are switched off")
)

// Delegate changes roles, assignments and policies of a caller's own tenant on its behalf, and refuses with [ErrBeyond]
// what would raise anybody above the caller. It does not ask whether the caller may administer at all. What it
// allows is this, unless the caller has [PermissionGrantAny]:
//
//   - A role that is given, taken, defined, changed or deleted holds nothing that the caller may not do itself, before and
//     after, and neither do the roles that inherit it. What a role of the caller takes away it cannot hand on.
//   - A role that is given or taken alone, or that another one is to inherit, is one that the caller has: guards and policies may ask
//     for a role by its name, whatever it holds. It is given for no longer than the caller has it.
//   - What an existing role takes away (!) stays as it is, and so does which roles that policies ask for it inherits. A parent that
//     the caller has not stays one. A role that takes
//     away is not given or taken, nor is one taken that policies ask for.
//   - Nobody changes its own roles.
//
// The superuser role is administered by superusers alone. Who has PermissionGrantAny cannot lose it by its own
// change: [ErrLockout]. A credential that can do less than a login of its account is [authn.ErrLoginRequired].
//
// Policies are not limited: who defines them can permit anything in the tenant.
type Delegate struct {
	s     *Service
	actor authn.Principal
}

// OnBehalfOf returns a Delegate for the caller.
func (s *Service) OnBehalfOf(actor authn.Principal) Delegate { return Delegate{s: s, actor: actor} }

// sound refuses callers for whom nothing is done.
func (d Delegate) sound() error {
	switch {
	case !d.s.enabled:
		return ErrDisabled
	case !d.actor.Authenticated() || d.actor.Limited():
		return authn.ErrLoginRequired
	}
	return nil
}

// DefineRole is [Service.DefineRole] within what the caller holds. The error also has an [authn.FieldError] for each
// item of permissions and inherits that is beyond it, such as permissions[2], counted from zero.
func (d Delegate) DefineRole(ctx context.Context, r Role) error {
	if err := d.sound(); err != nil {
		return err
	}
	return d.s.defineRole(ctx, d.actor, d.actor.Subject.Tenant, r, func(before, after *ruleset) error {
		reach := d.s.reachOf(ctx, before, &d.actor)
		faults := errors.Join(reach.items(before, after, r)...)
		return errors.Join(faults, reach.change(before, after, r.Name, faults != nil), d.keeps(ctx, before, after))
	})
}

// DeleteRole is [Service.DeleteRole] within what the caller holds.
func (d Delegate) DeleteRole(ctx context.Context, name string) error {
	if err := d.sound(); err != nil {
		return err
	}
	t := d.actor.Subject.Tenant
	err := d.s.deleteRole(ctx, d.actor, t, name, func(before, after *ruleset) error {
		reach := d.s.reachOf(ctx, before, &d.actor)
		return errors.Join(reach.change(before, after, name, false), d.mayRelease(&reach, name), d.keeps(ctx, before, after))
	})
	if errors.Is(err, ErrUnknownRole) { // as in Service.DeleteRole, and each account is asked about by itself
		return errors.Join(err, d.s.release(ctx, t, name, func(id string) error { return d.Unassign(ctx, id, name) }))
	}
	return err
}

// mayRelease refuses to delete a role that may not be taken from everybody who has it.
func (d Delegate) mayRelease(r *reach, name string) error {
	switch {
	case r.unlimited || d.s.fixed(name):
		return nil
	case slices.Contains(d.actor.Roles, name):
		return ownRoles()
	}
	return errors.Join(r.takes(name), r.leaves(d.s.defaultRole))
}

// DefinePolicy is [Service.DefinePolicy], refused if it would lock the caller out.
func (d Delegate) DefinePolicy(ctx context.Context, p PolicyText) error {
	if err := d.sound(); err != nil {
		return err
	}
	return d.s.definePolicy(ctx, d.actor, d.actor.Subject.Tenant, p, func(before, after *ruleset) error { return d.keeps(ctx, before, after) })
}

// DeletePolicy is [Service.DeletePolicy], refused if it would lock the caller out.
func (d Delegate) DeletePolicy(ctx context.Context, name string) error {
	if err := d.sound(); err != nil {
		return err
	}
	return d.s.deletePolicy(ctx, d.actor, d.actor.Subject.Tenant, name, func(before, after *ruleset) error { return d.keeps(ctx, before, after) })
}

// keeps refuses rules by which the caller would lose [PermissionGrantAny].
func (d Delegate) keeps(ctx context.Context, before, after *ruleset) error {
	if d.s.unlimited(ctx, before, &d.actor) && !d.s.unlimited(ctx, after, &d.actor) {
		return ErrLockout
	}
	return nil
}

// asks are the roles of the lineage that policies of some set ask for, ascending.
func asks(role *compiled, sets ...*ruleset) (all []string) {
	for _, r := range sets {
		if r.policies != nil {
			all = append(all, r.policies.AskedRoles(role.without(nil))...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
