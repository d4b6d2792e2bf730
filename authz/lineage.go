package authz

import (
	"context"
	"slices"

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

// lineages are the roles and all that they inherit, each once. The list is not to be modified.
func (r *ruleset) lineages(roles []string) []string {
	if len(roles) != 1 {
		return r.roles.lineages(roles)
	}
	if known, ok := r.inherited.Load(roles[0]); ok {
		return known.([]string)
	}
	all := r.roles.lineages(roles)
	if r.roles.role(roles[0]) != nil { // names that are no role's are not kept
		r.inherited.Store(roles[0], all)
	}
	return all
}

func (s *snapshot) lineages(roles []string) []string {
	var all distinct
	for _, name := range roles {
		role := s.role(name)
		if role == nil {
			continue
		}
		for i := range role.lineage {
			all.add(role.lineage[i].role)
		}
	}
	return all.names
}

// distinct has each name once, in the order in which they came.
type distinct struct {
	names []string
	// seen is made when there are too many to look through.
	seen map[string]struct{}
}

const fewNames = 32

func (d *distinct) add(name string) {
	if len(d.names) < fewNames {
		if !slices.Contains(d.names, name) {
			d.names = append(d.names, name)
		}
		return
	}
	if d.seen == nil {
		d.seen = make(map[string]struct{}, 2*fewNames)
		for _, old := range d.names {
			d.seen[old] = struct{}{}
		}
	}
	if _, known := d.seen[name]; !known {
		d.seen[name] = struct{}{}
		d.names = append(d.names, name)
	}
}
