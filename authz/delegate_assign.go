package authz

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/authmodule/authmodule/authn"
)

// AssignUntil is [Service.AssignUntil] within what the caller holds, for an account of the caller's tenant.
func (d Delegate) AssignUntil(ctx context.Context, id, role string, until time.Time) error {
	subject := authn.Subject{Tenant: d.actor.Subject.Tenant, ID: id}
	if err := d.sound(); err != nil {
		return err
	}
	if err := d.s.known(ctx, subject, role); err != nil {
		return err
	}
	if err := d.mayAssign(ctx, subject, role, until); err != nil {
		return err
	}
	return d.s.AssignUntil(ctx, d.actor, subject, role, until)
}

// Unassign is [Service.Unassign] within what the caller holds, for an account of the caller's tenant.
func (d Delegate) Unassign(ctx context.Context, id, role string) error {
	subject := authn.Subject{Tenant: d.actor.Subject.Tenant, ID: id}
	if err := d.sound(); err != nil {
		return err
	}
	if err := d.mayUnassign(ctx, subject, role); err != nil {
		return err
	}
	return d.s.Unassign(ctx, d.actor, subject, role)
}

func (d Delegate) mayAssign(ctx context.Context, subject authn.Subject, role string, until time.Time) error {
	rules, err := d.s.snapshots.of(ctx, subject.Tenant)
	if err != nil {
		return err
	}
	has, err := d.s.Assignments(ctx, subject)
	if err != nil {
		return err
	}
	reach := d.s.reachOf(ctx, rules, &d.actor)
	if err := reach.hands(role); err != nil {
		return err
	}
	switch own := subject == d.actor.Subject; {
	case reach.unlimited && own:
		return d.staysWith(ctx, rules, has, role, until)
	case reach.unlimited:
		return nil
	case own:
		return ownRoles()
	}
	if err := reach.shortens(role, has, until); err != nil {
		return err
	}
	if len(has) == 0 { // the first assignment ends the default role
		if err := reach.takes(d.s.defaultRole); err != nil {
			return fmt.Errorf("%w; an account without any role has it, and would lose it", err)
		}
	}
	return d.notBeyondOwn(ctx, rules, role, until)
}

func (d Delegate) mayUnassign(ctx context.Context, subject authn.Subject, role string) error {
	if subject.ID == "" {
		return ErrNoSubject
	}
	rules, err := d.s.snapshots.of(ctx, subject.Tenant)
	if err != nil {
		return err
	}
	reach := d.s.reachOf(ctx, rules, &d.actor)
	if err := reach.hands(role); err != nil {
		return err
	}
	has, err := d.s.Assignments(ctx, subject)
	if err != nil {
		return err
	}
	rest := rolesWithout(has, role)
	switch own := subject == d.actor.Subject; {
	case own && reach.unlimited:
		return d.stays(ctx, rules, rest)
	case own:
		return ownRoles()
	case len(rest) == 0 && len(has) > 0:
		return errors.Join(reach.takes(role), reach.leaves(d.s.defaultRole))
	}
	return reach.takes(role)
}

// hands refuses a role that the caller cannot hand on.
func (r *reach) hands(role string) error {
	if r.rules.roles.role(role) == nil { // which gives nothing
		return nil
	}
	if err := r.exceeds(r.rules, role); err != nil || r.unlimited {
		return err
	}
	switch {
	case !r.has(role):
		return fmt.Errorf("%w: they do not have role %s", ErrBeyond, quote(role))
	case len(r.rules.roles.holding([]string{role}).takes) > 0:
		return fmt.Errorf("%w: role %s takes something away (!)", ErrBeyond, quote(role))
	}
	return nil
}

// takes refuses to take a role that keeps those who have it from something.
func (r *reach) takes(role string) error {
	compiled := r.rules.roles.role(role)
	switch {
	case r.unlimited || compiled == nil:
		return nil
	case len(r.rules.roles.holding([]string{role}).takes) > 0:
		return fmt.Errorf("%w: role %s takes something away (!)", ErrBeyond, quote(role))
	case len(asks(compiled, r.rules)) > 0:
		return fmt.Errorf("%w: policies ask for role %s", ErrBeyond, quote(role))
	}
	return nil
}

// leaves refuses to leave an account with the default role alone, when that is more than the caller has.
func (r *reach) leaves(role string) error {
	err, compiled := r.exceeds(r.rules, role), r.rules.roles.role(role)
	if err != nil || r.unlimited || compiled == nil {
		return err
	}
	for i := range compiled.lineage[1:] {
		if parent := compiled.lineage[1+i].role; !r.has(parent) {
			return fmt.Errorf("%w: the default role %s, which an account without any role has, inherits %s, which they do not have", ErrBeyond, quote(role), quote(parent))
		}
	}
	return nil
}

// shortens refuses to end a role earlier that must not be taken.
func (r *reach) shortens(role string, has []Assignment, until time.Time) error {
	for _, a := range has {
		if a.Role == role && a.Source == "" && !until.IsZero() && (a.Until.IsZero() || until.Before(a.Until)) {
			return r.takes(role)
		}
	}
	return nil
}

// notBeyondOwn refuses to give a role for longer than the caller has it.
func (d Delegate) notBeyondOwn(ctx context.Context, rules *ruleset, role string, until time.Time) error {
	own, err := d.s.Assignments(ctx, d.actor.Subject)
	if err != nil {
		return err
	}
	var last time.Time
	for _, a := range own {
		if o, _ := rules.roles.roleOf([]string{a.Role}, []key{newKey(role)}); o == nil {
			continue
		}
		if a.Until.IsZero() {
			return nil
		}
		if a.Until.After(last) {
			last = a.Until
		}
	}
	if last.IsZero() && len(own) == 0 { // by the default role
		return nil
	}
	if until.IsZero() || until.After(last) {
		return fmt.Errorf("%w: they have role %s until %s only", ErrBeyond, quote(role), last.UTC().Format(time.RFC3339))
	}
	return nil
}

// staysWith refuses a role, or its end, by which a caller would lose [PermissionGrantAny].
func (d Delegate) staysWith(ctx context.Context, rules *ruleset, has []Assignment, role string, until time.Time) error {
	rest := rolesWithout(has, role)
	if err := d.stays(ctx, rules, append(slices.Clone(rest), role)); err != nil || until.IsZero() {
		return err
	}
	return d.stays(ctx, rules, rest)
}

// stays refuses roles with which a caller would not have [PermissionGrantAny].
func (d Delegate) stays(ctx context.Context, rules *ruleset, roles []string) error {
	next := d.actor
	if next.Roles = roles; len(roles) == 0 {
		next.Roles = []string{d.s.defaultRole}
	}
	if !d.s.unlimited(ctx, rules, &next) {
		return ErrLockout
	}
	return nil
}

func ownRoles() error { return fmt.Errorf("%w: nobody changes its own roles", ErrBeyond) }

// rolesWithout are the roles of the list but one.
func rolesWithout(list []Assignment, role string) (roles []string) {
	for _, a := range list {
		if a.Role != role && !slices.Contains(roles, a.Role) {
			roles = append(roles, a.Role)
		}
	}
	return roles
}
