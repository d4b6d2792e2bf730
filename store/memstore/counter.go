package memstore

import (
	"context"
	"sync"
	"time"

	"github.com/authmodule/authmodule/authn"
)

type counters struct {
	mu      sync.Mutex
	records map[authn.CounterKey]authn.Counter
	expiry  expiry[authn.CounterKey]
}

func newCounters() counters { return counters{records: map[authn.CounterKey]authn.Counter{}} }

// Counter implements [authn.CounterStore].
func (s *Store) Counter(ctx context.Context, k authn.CounterKey) (authn.Counter, error) {
	if err := ctx.Err(); err != nil {
		return authn.Counter{}, err
	}
	s.counters.mu.Lock()
	defer s.counters.mu.Unlock()
	return s.counters.records[k], nil
}

// PutCounter implements [authn.CounterStore]. Where there is no room, the counter that expires first is
// dropped, so that a flood of names locks nobody out; one without an end never is, and when there are such alone the error is [ErrFull].
func (s *Store) PutCounter(ctx context.Context, k authn.CounterKey, c authn.Counter, version int64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, at := range []*time.Time{&c.WindowStart, &c.LockedUntil, &c.Last, &c.Expires} {
		*at = stamp(*at)
	}
	t := &s.counters
	t.mu.Lock()
	defer t.mu.Unlock()
	old, found := t.records[k]
	if old.Version != version {
		return authn.ErrConflict
	}
	if !found && len(t.records) >= s.records && !t.expiry.dropFirst(t.end, t.drop) {
		return ErrFull
	}
	c.Version = version + 1
	t.records[k] = c
	if !c.Expires.IsZero() && (!found || old.Expires.IsZero() || c.Expires.Before(old.Expires)) {
		t.expiry.add(c.Expires, k, len(t.records), t.end)
	}
	return nil
}

// DeleteCounter implements [authn.CounterStore].
func (s *Store) DeleteCounter(ctx context.Context, k authn.CounterKey) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.counters.mu.Lock()
	defer s.counters.mu.Unlock()
	s.counters.drop(k)
	return nil
}

// PruneCounters implements [authn.CounterStore].
func (s *Store) PruneCounters(ctx context.Context, before time.Time) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	s.counters.mu.Lock()
	defer s.counters.mu.Unlock()
	return s.counters.expiry.prune(stamp(before), s.counters.end, s.counters.drop), nil
}

// end reports no record for one that has no end: it is not filed until it has one again.
func (t *counters) end(k authn.CounterKey) (time.Time, bool) {
	c, found := t.records[k]
	return c.Expires, found && !c.Expires.IsZero()
}

func (t *counters) drop(k authn.CounterKey) { delete(t.records, k) }
