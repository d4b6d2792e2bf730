package storeguard

import (
	"context"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
)

type roles struct {
	g *Guard
	s authz.RoleStore
}

var _ authz.RoleStore = roles{}

// Roles guards the roles that are defined at run time.
func (g *Guard) Roles(s authz.RoleStore) authz.RoleStore { return roles{g, s} }

// Roles implements [authz.RoleStore].
func (p roles) Roles(ctx context.Context, t authn.Tenant) ([]authz.Role, error) {
	return read(ctx, p.g, "Roles", func(ctx context.Context) ([]authz.Role, error) { return p.s.Roles(ctx, t) })
}

// PutRole implements [authz.RoleStore].
func (p roles) PutRole(ctx context.Context, t authn.Tenant, r authz.Role) error {
	return do(ctx, p.g, "PutRole", func(ctx context.Context) error { return p.s.PutRole(ctx, t, r) })
}

// DeleteRole implements [authz.RoleStore].
func (p roles) DeleteRole(ctx context.Context, t authn.Tenant, name string) error {
	return do(ctx, p.g, "DeleteRole", func(ctx context.Context) error { return p.s.DeleteRole(ctx, t, name) })
}
