package authz

import (
	"context"
	"errors"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
)

// Roles returns every role of the tenant, wherever it is defined, by ascending name.
func (s *Service) Roles(ctx context.Context, t authn.Tenant) ([]Role, error) {
	snap, err := s.snapshots.of(ctx, t)
	if err != nil {
		return nil, err
	}
	return snap.roles.definitions().roles(), nil
}

// Reload reads the tenant's stored roles again. On an error the roles read before stay in use.
func (s *Service) Reload(ctx context.Context, t authn.Tenant) error {
	unlock, err := s.snapshots.locks.lock(ctx, t)
	if err != nil {
		return err
	}
	defer unlock()
	_, err = s.snapshots.load(ctx, t)
	return err
}

// DefineRole creates or replaces a role of the tenant; it takes the place of one of the
// same name in configuration or code. What would make the tenant's roles as a whole invalid is
// refused with what [ValidateRoles] says of it, and nothing is stored.
// Decisions that begin after it returned use the new role, on other nodes within a second.
//
// It does not ask whether actor may do this: who can define roles can gain any
// permission. A change that another process makes meanwhile is not lost: this one is checked and made on top of it.
func (s *Service) DefineRole(ctx context.Context, actor authn.Principal, t authn.Tenant, r Role) error {
	return s.defineRole(ctx, actor, t, r, nil)
}

func (s *Service) defineRole(ctx context.Context, actor authn.Principal, t authn.Tenant, r Role, allowed func(before, after *ruleset) error) error {
	r = cloneRole(r)
	act := s.changeAct(audit.RoleDefined, actor, authn.Subject{Tenant: t}, r.Name)
	changed, err := s.change(ctx, t, func(stored Rules) (plan, error) {
		p, err := planDefine(stored, r)
		p.allowed, p.act = allowed, act
		return p, err
	})
	if changed {
		act.Tell(ctx)
	}
	return err
}

// DeleteRole removes a role that was defined at run time, and takes it from everybody who has it: whoever defines a role of
// that name later gives it to nobody (an account that is left without any role has the default one). A role of that name in
// configuration or code applies again; then who has it keeps it. It returns [ErrUnknownRole] when there is no such
// role, [ErrRoleFixed] when it is not a stored one, and [ErrRoleInUse], naming them, when
// other roles inherit it and would lose it.
//
// It takes two writes and more for each account that has the role, and the role is the last to go: after an error, call it again.
func (s *Service) DeleteRole(ctx context.Context, actor authn.Principal, t authn.Tenant, name string) error {
	err := s.deleteRole(ctx, actor, t, name, nil)
	if errors.Is(err, ErrUnknownRole) { // an earlier call may have been cut off before it was done
		return errors.Join(err, s.release(ctx, t, name, s.taking(ctx, actor, t, name)))
	}
	return err
}

func (s *Service) deleteRole(ctx context.Context, actor authn.Principal, t authn.Tenant, name string, allowed func(before, after *ruleset) error) error {
	act := s.changeAct(audit.RoleDeleted, actor, authn.Subject{Tenant: t}, name)
	planned := func(stored Rules) (plan, error) {
		p, err := s.planDelete(stored, name)
		p.allowed, p.act = allowed, act
		return p, err
	}
	err := s.try(ctx, t, planned)
	if err != nil {
		return err
	}
	take := s.taking(ctx, actor, t, name)
	if err := s.release(ctx, t, name, take); err != nil {
		return err
	}
	changed, err := s.change(ctx, t, planned)
	if changed {
		act.Tell(ctx)
	}
	if err != nil {
		return err
	}
	return s.release(ctx, t, name, take) // those who got it meanwhile
}
