package authz

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
)

// plan is what is to be done to a tenant's rules.
type plan struct {
	change RuleChange
	// next are the rules afterwards, all of them.
	next Rules
	// idle says that there is nothing to do.
	idle bool
	// allowed is asked with the rules before and after; nil is yes.
	allowed func(before, after *ruleset) error
	// act tells of the change.
	act *audit.Act
}

// mostTries bounds how often a change is planned anew, because another process made one meanwhile.
const mostTries = 16

// change makes a planned change and reports whether it was stored, which may be so with an error. It is planned on what
// the store has and not on what was read earlier, and made on nothing else.
func (s *Service) change(ctx context.Context, t authn.Tenant, planned func(stored Rules) (plan, error)) (bool, error) {
	unlock, err := s.snapshots.locks.lock(ctx, t)
	if err != nil {
		return false, err
	}
	defer unlock()
	for try := 1; ; try++ {
		changed, err := s.tryChange(ctx, t, planned)
		if changed || !errors.Is(err, authn.ErrConflict) || try == mostTries {
			return changed, err
		}
	}
}

// try returns what a planned change would be refused with, and changes nothing.
func (s *Service) try(ctx context.Context, t authn.Tenant, planned func(stored Rules) (plan, error)) error {
	stored, err := s.snapshots.stored(ctx, t)
	if err != nil {
		return err
	}
	p, err := planned(stored)
	if err != nil {
		return err
	}
	after, err := s.compile(p.next)
	if err != nil {
		return err
	}
	return s.allowed(stored, after, p.allowed)
}

func (s *Service) tryChange(ctx context.Context, t authn.Tenant, planned func(stored Rules) (plan, error)) (bool, error) {
	stored, err := s.snapshots.stored(ctx, t)
	if err != nil {
		return false, err
	}
	p, err := planned(stored)
	if err != nil {
		return false, err
	}
	after, err := s.compile(p.next)
	if err != nil {
		return false, err
	}
	if err := s.allowed(stored, after, p.allowed); err != nil {
		return false, err
	}
	if p.idle { // the store may have it and this node not yet
		s.snapshots.kept(t).drop()
		return false, nil
	}
	written := false
	err = s.deps.Revocations.ChangeRules(ctx, t, func(ctx context.Context) error {
		err := s.deps.Rules.ChangeRules(p.act.In(ctx), t, stored.Version, p.change)
		written = err == nil
		return err
	})
	// One that failed may have been stored all the same; what cannot be read now is read by the next decision.
	s.snapshots.kept(t).drop()
	if err != nil { // also when it was written, and the other nodes could not be told
		return written, fmt.Errorf("authz: store rules: %w", err)
	}
	return true, nil
}

// allowed asks whether what is stored may become after.
func (s *Service) allowed(stored Rules, after *ruleset, ask func(before, after *ruleset) error) error {
	if ask == nil {
		return nil
	}
	before, err := s.compile(stored)
	if err != nil {
		return fmt.Errorf("%w: %s", ErrStoredRules, err.Error())
	}
	return ask(before, after)
}

func planDefine(stored Rules, r Role) (plan, error) {
	if len(r.Description) > MaxDescription {
		return plan{}, fmt.Errorf("%w: the description of role %s has %d bytes, at most %d", ErrTooManyRules, quote(r.Name), len(r.Description), MaxDescription)
	}
	if slices.ContainsFunc(stored.Roles, func(old Role) bool { return equalRole(old, r) }) {
		return plan{next: stored, idle: true}, nil
	}
	next := stored
	next.Roles = append(without(stored.Roles, r.Name), r)
	return plan{next: next, change: RuleChange{PutRoles: []Role{cloneRole(r)}}}, nil
}

func (s *Service) planDelete(stored Rules, name string) (plan, error) {
	fixed := s.fixed(name)
	if !slices.ContainsFunc(stored.Roles, named(name)) {
		if fixed {
			return plan{}, fmt.Errorf("%w: %s is defined in configuration or code", ErrRoleFixed, quote(name))
		}
		return plan{}, fmt.Errorf("%w: %s", ErrUnknownRole, quote(name))
	}
	if heirs := s.heirs(stored.Roles, name); !fixed && len(heirs) > 0 {
		return plan{}, fmt.Errorf("%w: %s is inherited by %s", ErrRoleInUse, quote(name), strings.Join(heirs, ", "))
	}
	next := stored
	next.Roles = without(stored.Roles, name)
	return plan{next: next, change: RuleChange{DeleteRoles: []string{name}}}, nil
}

// heirs returns the names of the roles that inherit name directly, ascending.
func (s *Service) heirs(stored []Role, name string) []string {
	var heirs []string
	set, _ := define(stored, 0) // what is malformed stands in the set as well
	for heir, d := range s.base.roles.set.with(set) {
		if heir != name && slices.Contains(d.Inherits, name) {
			heirs = append(heirs, heir)
		}
	}
	slices.Sort(heirs)
	return heirs
}

func without(roles []Role, name string) []Role {
	return slices.DeleteFunc(slices.Clone(roles), named(name))
}

func named(name string) func(Role) bool {
	return func(r Role) bool { return r.Name == name }
}
