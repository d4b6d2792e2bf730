package memstore

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
)

type roles struct {
	mu       sync.RWMutex
	byTenant map[authn.Tenant]map[string]authz.Role
}

func newRoles() roles {
	return roles{byTenant: map[authn.Tenant]map[string]authz.Role{}}
}

// Roles implements [authz.RoleStore].
func (s *Store) Roles(ctx context.Context, t authn.Tenant) ([]authz.Role, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.roles.mu.RLock()
	defer s.roles.mu.RUnlock()
	list := slices.SortedFunc(maps.Values(s.roles.byTenant[t]), func(a, b authz.Role) int {
		return cmp.Compare(a.Name, b.Name)
	})
	for i := range list {
		list[i] = cloneRole(list[i])
	}
	return list, nil
}

// PutRole implements [authz.RoleStore].
func (s *Store) PutRole(ctx context.Context, t authn.Tenant, r authz.Role) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.roles.mu.Lock()
	defer s.roles.mu.Unlock()
	if s.roles.byTenant[t] == nil {
		s.roles.byTenant[t] = map[string]authz.Role{}
	}
	s.roles.byTenant[t][r.Name] = cloneRole(r)
	return nil
}

// DeleteRole implements [authz.RoleStore].
func (s *Store) DeleteRole(ctx context.Context, t authn.Tenant, name string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.roles.mu.Lock()
	defer s.roles.mu.Unlock()
	if _, found := s.roles.byTenant[t][name]; !found {
		return authn.ErrNotFound
	}
	delete(s.roles.byTenant[t], name)
	return nil
}

func cloneRole(r authz.Role) authz.Role {
	r.Permissions = slices.Clone(r.Permissions)
	r.Inherits = slices.Clone(r.Inherits)
	return r
}
