package authz

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/authmodule/authmodule/authn"
)

// change is what is to be done to a tenant's stored roles.
type change struct {
	// next are the stored roles afterwards, all of them.
	next []Role
	// write is nil when there is nothing to do.
	write func() error
}

// change makes a planned change and reports whether it was stored. It is done under the tenant's lock, on what
// the store has and not on what was read earlier.
func (s *Service) change(ctx context.Context, t authn.Tenant, plan func(stored []Role) (change, error)) (bool, error) {
	unlock, err := s.snapshots.locks.lock(ctx, t)
	if err != nil {
		return false, err
	}
	defer unlock()
	stored, err := s.snapshots.stored(ctx, t)
	if err != nil {
		return false, err
	}
	planned, err := plan(stored)
	if err != nil {
		return false, err
	}
	snap, err := s.snapshots.compile(planned.next)
	if err != nil {
		return false, err
	}
	if planned.write == nil {
		s.snapshots.keep(t, snap)
		return false, nil
	}
	err = planned.write()
	s.renew(ctx, t)
	return err == nil, err
}

// renew follows every attempt to write, as one that failed may have been stored all the same. What
// cannot be read now is read by the next decision, and no decision uses the roles from before.
func (s *Service) renew(ctx context.Context, t authn.Tenant) {
	if _, err := s.snapshots.load(ctx, t); err != nil {
		s.snapshots.forget(t)
		s.log.WarnContext(ctx, "roles could not be read after a change", "tenant", string(t), "error", err)
	}
}

func (s *Service) planDefine(ctx context.Context, t authn.Tenant, stored []Role, r Role) (change, error) {
	if slices.ContainsFunc(stored, func(old Role) bool { return equalRole(old, r) }) {
		return change{next: stored}, nil
	}
	next := append(without(stored, r.Name), r)
	return change{next: next, write: func() error {
		if err := s.deps.Roles.PutRole(ctx, t, cloneRole(r)); err != nil {
			return fmt.Errorf("authz: store role %s: %w", quote(r.Name), err)
		}
		return nil
	}}, nil
}

func (s *Service) planDelete(ctx context.Context, t authn.Tenant, stored []Role, name string) (change, error) {
	_, fixed := s.snapshots.base.set[name]
	if !slices.ContainsFunc(stored, named(name)) {
		if fixed {
			return change{}, fmt.Errorf("%w: %s is defined in configuration or code", ErrRoleFixed, quote(name))
		}
		return change{}, fmt.Errorf("%w: %s", ErrUnknownRole, quote(name))
	}
	if heirs := s.heirs(stored, name); !fixed && len(heirs) > 0 {
		return change{}, fmt.Errorf("%w: %s is inherited by %s", ErrRoleInUse, quote(name), strings.Join(heirs, ", "))
	}
	return change{next: without(stored, name), write: func() error {
		err := s.deps.Roles.DeleteRole(ctx, t, name)
		if errors.Is(err, authn.ErrNotFound) {
			return fmt.Errorf("%w: %s", ErrUnknownRole, quote(name))
		}
		if err != nil {
			return fmt.Errorf("authz: delete role %s: %w", quote(name), err)
		}
		return nil
	}}, nil
}

// heirs returns the names of the roles that inherit name directly, ascending.
func (s *Service) heirs(stored []Role, name string) []string {
	var heirs []string
	set, _ := define(stored, 0) // what is malformed stands in the set as well
	for heir, d := range s.snapshots.base.set.with(set) {
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
