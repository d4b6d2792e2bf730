package storeguard

import (
	"context"
	"time"

	"github.com/authmodule/authmodule/authn"
)

type oneTime struct {
	g *Guard
	s authn.OneTimeStore
}

var _ authn.OneTimeStore = oneTime{}

// OneTime guards one-time records.
func (g *Guard) OneTime(s authn.OneTimeStore) authn.OneTimeStore { return oneTime{g, s} }

// PutOneTime implements [authn.OneTimeStore].
func (p oneTime) PutOneTime(ctx context.Context, r authn.OneTime) error {
	return do(ctx, p.g, "PutOneTime", func(ctx context.Context) error { return p.s.PutOneTime(ctx, r) })
}

// ConsumeOneTime implements [authn.OneTimeStore].
func (p oneTime) ConsumeOneTime(ctx context.Context, t authn.Tenant, purpose, id string, hash []byte, now time.Time) (authn.OneTime, error) {
	return write(ctx, p.g, "ConsumeOneTime", func(ctx context.Context) (authn.OneTime, error) {
		return p.s.ConsumeOneTime(ctx, t, purpose, id, hash, now)
	})
}

// PruneOneTime implements [authn.OneTimeStore].
func (p oneTime) PruneOneTime(ctx context.Context, before time.Time) (int, error) {
	return sweep(ctx, p.g, "PruneOneTime", func(ctx context.Context) (int, error) { return p.s.PruneOneTime(ctx, before) })
}
