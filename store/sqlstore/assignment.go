package sqlstore

import (
	"context"

	"github.com/authmodule/authmodule/authn"
)

const (
	assignmentsOf = `SELECT role FROM authmodule_assignments WHERE tenant = ? AND subject_id = ? ORDER BY role`

	assign = `INSERT INTO authmodule_assignments (tenant, subject_id, role) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`

	unassign = `DELETE FROM authmodule_assignments WHERE tenant = ? AND subject_id = ? AND role = ?`

	holders = `SELECT subject_id FROM authmodule_assignments
		WHERE tenant = ? AND role = ? AND subject_id > ? ORDER BY subject_id LIMIT ?`
)

// Assignments implements [authz.AssignmentStore].
func (s *Store) Assignments(ctx context.Context, sub authn.Subject) ([]string, error) {
	return list(ctx, s, "assignments", scanString, assignmentsOf, sub.Tenant, sub.ID)
}

// Assign implements [authz.AssignmentStore].
func (s *Store) Assign(ctx context.Context, sub authn.Subject, role string) (bool, error) {
	n, err := s.exec(ctx, "assign role", assign, sub.Tenant, sub.ID, role)
	return n == 1, err
}

// Unassign implements [authz.AssignmentStore].
func (s *Store) Unassign(ctx context.Context, sub authn.Subject, role string) (bool, error) {
	n, err := s.exec(ctx, "unassign role", unassign, sub.Tenant, sub.ID, role)
	return n == 1, err
}

// Holders implements [authz.AssignmentStore].
func (s *Store) Holders(ctx context.Context, t authn.Tenant, role, after string, limit int) ([]string, error) {
	return list(ctx, s, "holders of role", scanString, holders, t, role, after, max(limit, 0))
}
