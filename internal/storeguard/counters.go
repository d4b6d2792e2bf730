package storeguard

import (
	"context"
	"time"

	"github.com/authmodule/authmodule/authn"
)

type counters struct {
	g *Guard
	s authn.CounterStore
}

var _ authn.CounterStore = counters{}

// Counters guards counters of failures.
func (g *Guard) Counters(s authn.CounterStore) authn.CounterStore { return counters{g, s} }

// Counter implements [authn.CounterStore].
func (p counters) Counter(ctx context.Context, k authn.CounterKey) (authn.Counter, error) {
	return read(ctx, p.g, "Counter", func(ctx context.Context) (authn.Counter, error) { return p.s.Counter(ctx, k) })
}

// PutCounter implements [authn.CounterStore].
func (p counters) PutCounter(ctx context.Context, k authn.CounterKey, c authn.Counter, version int64) error {
	return do(ctx, p.g, "PutCounter", func(ctx context.Context) error { return p.s.PutCounter(ctx, k, c, version) })
}

// DeleteCounter implements [authn.CounterStore].
func (p counters) DeleteCounter(ctx context.Context, k authn.CounterKey) error {
	return do(ctx, p.g, "DeleteCounter", func(ctx context.Context) error { return p.s.DeleteCounter(ctx, k) })
}

// PruneCounters implements [authn.CounterStore].
func (p counters) PruneCounters(ctx context.Context, before time.Time) (int, error) {
	return sweep(ctx, p.g, "PruneCounters", func(ctx context.Context) (int, error) { return p.s.PruneCounters(ctx, before) })
}
