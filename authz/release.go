package authz

import (
	"context"
	"fmt"
	"slices"

	"github.com/authmodule/authmodule/authn"
)

// release takes a role from everybody who has it, unless configuration or code define it.
func (s *Service) release(ctx context.Context, t authn.Tenant, role string, take func(id string) error) error {
	if s.fixed(role) {
		return nil
	}
	for after := ""; ; {
		ids, err := s.Holders(ctx, t, role, after, MaxHolders)
		if err != nil {
			return err
		}
		for _, id := range ids {
			if err := take(id); err != nil {
				return err
			}
		}
		if len(ids) < MaxHolders {
			return nil
		}
		after = ids[len(ids)-1]
	}
}

// taking takes the role from one account.
func (s *Service) taking(ctx context.Context, actor authn.Principal, t authn.Tenant, role string) func(id string) error {
	return func(id string) error { return s.Unassign(ctx, actor, authn.Subject{Tenant: t, ID: id}, role) }
}

// fixed reports whether configuration or code define the role.
func (s *Service) fixed(role string) bool {
	_, fixed := s.base.roles.set[role]
	return fixed
}

// stillThere takes roles back that were just given to the subject and deleted meanwhile: who deleted one may have looked for
// those who have it before this was written.
func (s *Service) stillThere(ctx context.Context, actor authn.Principal, subject authn.Subject, roles ...string) error {
	roles = slices.DeleteFunc(slices.Clone(roles), s.fixed)
	if len(roles) == 0 {
		return nil
	}
	stored, err := s.snapshots.stored(ctx, subject.Tenant)
	if err != nil {
		return err
	}
	for _, role := range roles {
		if slices.ContainsFunc(stored.Roles, named(role)) {
			continue
		}
		if err := s.Unassign(ctx, actor, subject, role); err != nil {
			return err
		}
		return fmt.Errorf("%w: %s was deleted meanwhile", ErrUnknownRole, quote(role))
	}
	return nil
}
