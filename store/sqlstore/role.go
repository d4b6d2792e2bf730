package sqlstore

import (
	"context"
	"fmt"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
)

const (
	rolesOfTenant = `SELECT name, description, permissions, inherits FROM authmodule_roles WHERE tenant = ? ORDER BY name`

	putRole = `INSERT INTO authmodule_roles (tenant, name, description, permissions, inherits) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (tenant, name) DO UPDATE
		SET description = excluded.description, permissions = excluded.permissions, inherits = excluded.inherits`

	deleteRole = `DELETE FROM authmodule_roles WHERE tenant = ? AND name = ?`
)

// Roles implements [authz.RoleStore].
func (s *Store) Roles(ctx context.Context, t authn.Tenant) ([]authz.Role, error) {
	return list(ctx, s, "roles", scanRole, rolesOfTenant, t)
}

// PutRole implements [authz.RoleStore].
func (s *Store) PutRole(ctx context.Context, t authn.Tenant, r authz.Role) error {
	permissions, err := words(r.Permissions)
	if err != nil {
		return fmt.Errorf("sqlstore: put role: %w", err)
	}
	inherits, err := words(r.Inherits)
	if err != nil {
		return fmt.Errorf("sqlstore: put role: %w", err)
	}
	_, err = s.exec(ctx, "put role", putRole, t, r.Name, r.Description, permissions, inherits)
	return err
}

// DeleteRole implements [authz.RoleStore].
func (s *Store) DeleteRole(ctx context.Context, t authn.Tenant, name string) error {
	n, err := s.exec(ctx, "delete role", deleteRole, t, name)
	if err == nil && n == 0 {
		return authn.ErrNotFound
	}
	return err
}

func scanRole(row scanner) (r authz.Role, err error) {
	err = row.Scan(&r.Name, &r.Description, wordList{&r.Permissions}, wordList{&r.Inherits})
	return r, err
}
