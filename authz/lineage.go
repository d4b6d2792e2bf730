package authz

import (
	"context"

	"github.com/authmodule/authmodule/authn"
)

var _ authn.RoleLineage = (*Service)(nil)

// Holds reports whether one of the assigned roles is the named one, inherits
// it, or is or inherits the superuser role, which passes for every role. It is
// the same question as [Service.AuthorizeRoles], but it is not audited and does not depend on whether roles are switched on.
func (s *Service) Holds(ctx context.Context, t authn.Tenant, assigned []string, role string) (bool, error) {
	snap, err := s.snapshots.of(ctx, t)
	if err != nil {
		return false, err
	}
	if !validRoleName(role) { // nobody has it
		return false, nil
	}
	c := newRoleCheck([]string{role})
	o, _ := snap.roles.decide(assigned, &c)
	return o != nil, nil
}
