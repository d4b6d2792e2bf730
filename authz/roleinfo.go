package authz

import (
	"context"
	"fmt"

	"github.com/authmodule/authmodule/authn"
)

// RoleSource says where a role is defined.
type RoleSource string

// Where roles are defined. The store outdoes the configuration, and that outdoes code.
const (
	FromStore         RoleSource = "store"
	FromConfiguration RoleSource = "configuration"
	FromCode          RoleSource = "code"
	// FromName is of the default, admin and superuser roles that the configuration names and nobody defines; they hold nothing.
	FromName RoleSource = "name"
)

// RoleInfo is a role with where it comes from.
type RoleInfo struct {
	Role
	Source RoleSource
	// Replaces is where the definition comes from that a stored one takes the place of, and that applies again when the
	// stored one is deleted; empty when there is none.
	Replaces RoleSource
	// Holds are all its permissions with the roles that they come from, its own first. Only [Service.Role] sets it.
	Holds []RoleSaying
}

func originsOf(cfg Config, extra []Role, set roleSet) map[string]RoleSource {
	origins := make(map[string]RoleSource, len(set))
	for name := range set {
		origins[name] = FromName
	}
	for _, r := range extra {
		origins[r.Name] = FromCode
	}
	for name := range cfg.Roles {
		origins[name] = FromConfiguration
	}
	return origins
}

// RoleInfos returns every role of the tenant with where it is defined, by ascending name.
func (s *Service) RoleInfos(ctx context.Context, t authn.Tenant) ([]RoleInfo, error) {
	rules, err := s.snapshots.of(ctx, t)
	if err != nil {
		return nil, err
	}
	roles := rules.roles.definitions().roles()
	infos := make([]RoleInfo, len(roles))
	for i, r := range roles {
		infos[i] = s.info(rules.roles, r)
	}
	return infos, nil
}

// Role returns a role of the tenant with all that it holds, or [ErrUnknownRole].
func (s *Service) Role(ctx context.Context, t authn.Tenant, name string) (RoleInfo, error) {
	rules, err := s.snapshots.of(ctx, t)
	if err != nil {
		return RoleInfo{}, err
	}
	set := rules.roles.definitions()
	d, defined := set[name]
	if !defined {
		return RoleInfo{}, fmt.Errorf("%w: %s", ErrUnknownRole, quote(name))
	}
	info := s.info(rules.roles, cloneRole(d.Role))
	role := rules.roles.role(name)
	for i := range role.lineage {
		o := &role.lineage[i]
		for _, permission := range set[o.role].Permissions {
			info.Holds = append(info.Holds, RoleSaying{Permission: permission, Path: o.fromAssigned()})
		}
	}
	return info, nil
}

func (s *Service) info(rules *snapshot, r Role) RoleInfo {
	if rules.base != nil {
		if _, stored := rules.set[r.Name]; stored {
			return RoleInfo{Role: r, Source: FromStore, Replaces: s.origins[r.Name]}
		}
	}
	return RoleInfo{Role: r, Source: s.origins[r.Name]}
}
