package storeguard

import (
	"context"
	"time"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
)

type assignments struct {
	g *Guard
	s authz.AssignmentStore
}

var _ authz.AssignmentStore = assignments{}

// Assignments guards which account has which roles.
func (g *Guard) Assignments(s authz.AssignmentStore) authz.AssignmentStore { return assignments{g, s} }

// Assignments implements [authz.AssignmentStore].
func (p assignments) Assignments(ctx context.Context, s authn.Subject) ([]authz.Assignment, error) {
	return read(ctx, p.g, "Assignments", func(ctx context.Context) ([]authz.Assignment, error) { return p.s.Assignments(ctx, s) })
}

// Assign implements [authz.AssignmentStore].
func (p assignments) Assign(ctx context.Context, s authn.Subject, a authz.Assignment) (bool, error) {
	return write(ctx, p.g, "Assign", func(ctx context.Context) (bool, error) { return p.s.Assign(ctx, s, a) })
}

// Unassign implements [authz.AssignmentStore].
func (p assignments) Unassign(ctx context.Context, s authn.Subject, role string) (bool, error) {
	return write(ctx, p.g, "Unassign", func(ctx context.Context) (bool, error) { return p.s.Unassign(ctx, s, role) })
}

// ReplaceAssignments implements [authz.AssignmentStore].
func (p assignments) ReplaceAssignments(ctx context.Context, s authn.Subject, source string, list []authz.Assignment) (bool, error) {
	return write(ctx, p.g, "ReplaceAssignments", func(ctx context.Context) (bool, error) {
		return p.s.ReplaceAssignments(ctx, s, source, list)
	})
}

// Holders implements [authz.AssignmentStore].
func (p assignments) Holders(ctx context.Context, t authn.Tenant, role string, at time.Time, after string, limit int) ([]string, error) {
	return read(ctx, p.g, "Holders", func(ctx context.Context) ([]string, error) {
		return p.s.Holders(ctx, t, role, at, after, limit)
	})
}

// PruneAssignments implements [authz.AssignmentStore].
func (p assignments) PruneAssignments(ctx context.Context, before time.Time) (int, error) {
	return sweep(ctx, p.g, "PruneAssignments", func(ctx context.Context) (int, error) { return p.s.PruneAssignments(ctx, before) })
}
