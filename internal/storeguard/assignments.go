package storeguard

import (
	"context"

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
func (p assignments) Assignments(ctx context.Context, s authn.Subject) ([]string, error) {
	return read(ctx, p.g, "Assignments", func(ctx context.Context) ([]string, error) { return p.s.Assignments(ctx, s) })
}

// Assign implements [authz.AssignmentStore].
func (p assignments) Assign(ctx context.Context, s authn.Subject, role string) (bool, error) {
	return write(ctx, p.g, "Assign", func(ctx context.Context) (bool, error) { return p.s.Assign(ctx, s, role) })
}

// Unassign implements [authz.AssignmentStore].
func (p assignments) Unassign(ctx context.Context, s authn.Subject, role string) (bool, error) {
	return write(ctx, p.g, "Unassign", func(ctx context.Context) (bool, error) { return p.s.Unassign(ctx, s, role) })
}

// Holders implements [authz.AssignmentStore].
func (p assignments) Holders(ctx context.Context, t authn.Tenant, role, after string, limit int) ([]string, error) {
	return read(ctx, p.g, "Holders", func(ctx context.Context) ([]string, error) { return p.s.Holders(ctx, t, role, after, limit) })
}
