package storeguard

import (
	"context"
	"time"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/mfa"
)

type factors struct {
	g *Guard
	s mfa.FactorStore
}

var _ mfa.FactorStore = factors{}

// Factors guards the second factors of accounts.
func (g *Guard) Factors(s mfa.FactorStore) mfa.FactorStore { return factors{g, s} }

// CreateFactor implements [mfa.FactorStore].
func (p factors) CreateFactor(ctx context.Context, r mfa.Record, limit int) error {
	return do(ctx, p.g, "CreateFactor", func(ctx context.Context) error { return p.s.CreateFactor(ctx, r, limit) })
}

// Factors implements [mfa.FactorStore].
func (p factors) Factors(ctx context.Context, s authn.Subject) ([]mfa.Record, error) {
	return read(ctx, p.g, "Factors", func(ctx context.Context) ([]mfa.Record, error) { return p.s.Factors(ctx, s) })
}

// UpdateFactor implements [mfa.FactorStore].
func (p factors) UpdateFactor(ctx context.Context, r mfa.Record) error {
	return do(ctx, p.g, "UpdateFactor", func(ctx context.Context) error { return p.s.UpdateFactor(ctx, r) })
}

// DeleteFactor implements [mfa.FactorStore].
func (p factors) DeleteFactor(ctx context.Context, s authn.Subject, id string) error {
	return do(ctx, p.g, "DeleteFactor", func(ctx context.Context) error { return p.s.DeleteFactor(ctx, s, id) })
}

// PruneFactors implements [mfa.FactorStore].
func (p factors) PruneFactors(ctx context.Context, before time.Time) (int, error) {
	return sweep(ctx, p.g, "PruneFactors", func(ctx context.Context) (int, error) { return p.s.PruneFactors(ctx, before) })
}
