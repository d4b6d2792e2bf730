package storetest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
)

// CounterStore tests a driver of [authn.CounterStore]. The function open
// returns an empty store each time it is called.
func CounterStore(t *testing.T, open func(t *testing.T) authn.CounterStore) {
	t.Helper()
	runCases(t, open, slices.Concat(
		[]testCase[authn.CounterStore]{
			{"absent", counterAbsent},
			{"put and read", counterPut},
			{"another version changes nothing", counterConflict},
			{"delete", counterDelete},
			{"prune at the boundary", counterPrune},
			{"an end that moves counts", counterPruneMoved},
			{"tenants and kinds are apart (V8.4.1)", counterTenants},
			{"time zones", counterZones},
			{"odd and long values", counterOddValues},
			{"cancelled context", counterCancelled},
		},
		raceCases("one first put wins", counterFirstRace),
		raceCases("no change is lost (THR-01)", counterRace),
	))
}

func counterKey(tenant, kind, id string) authn.CounterKey {
	return authn.CounterKey{Tenant: authn.Tenant(tenant), Kind: authn.CounterKind(kind), ID: id}
}

func newCounter() authn.Counter {
	return authn.Counter{
		Failures: 5, Pending: 2, WindowStart: base(), Consecutive: 42, LockedUntil: base().Add(time.Minute), Locks: 3,
		Last: base().Add(tick), Expires: base().Add(time.Hour),
	}
}

// putCounter stores c, and returns it as it is stored then.
func putCounter(t *testing.T, ctx context.Context, s authn.CounterStore, k authn.CounterKey, c authn.Counter, version int64) authn.Counter {
	t.Helper()
	require.NoError(t, s.PutCounter(ctx, k, c, version))
	c.Version = version + 1
	requireCounter(t, ctx, s, k, c)
	return c
}

func requireCounter(t *testing.T, ctx context.Context, s authn.CounterStore, k authn.CounterKey, expected authn.Counter) {
	t.Helper()
	got, err := s.Counter(ctx, k)
	require.NoError(t, err)
	for _, c := range []*authn.Counter{&got, &expected} {
		inUTC(&c.WindowStart, &c.LockedUntil, &c.Last, &c.Expires)
	}
	require.Equal(t, expected, got)
}

func counterAbsent(t *testing.T, ctx context.Context, s authn.CounterStore) {
	k := counterKey("", "password", "u1")
	requireCounter(t, ctx, s, k, authn.Counter{})
	require.NoError(t, s.DeleteCounter(ctx, k))
	for _, version := range []int64{1, -1} {
		require.ErrorIs(t, s.PutCounter(ctx, k, newCounter(), version), authn.ErrConflict)
	}
	requireCounter(t, ctx, s, k, authn.Counter{})
	n, err := s.PruneCounters(ctx, base())
	require.NoError(t, err)
	assert.Zero(t, n)
}

func counterPut(t *testing.T, ctx context.Context, s authn.CounterStore) {
	k := counterKey("", "password", "u1")
	c := putCounter(t, ctx, s, k, newCounter(), 0)
	c.Failures, c.Consecutive, c.Locks, c.WindowStart, c.LockedUntil = 1, 1<<40, 0, base().Add(time.Hour), time.Time{}
	c.Version = 99 // is not what counts
	c = putCounter(t, ctx, s, k, c, 1)
	putCounter(t, ctx, s, k, authn.Counter{}, c.Version)
}

func counterConflict(t *testing.T, ctx context.Context, s authn.CounterStore) {
	k := counterKey("", "password", "u1")
	c := putCounter(t, ctx, s, k, newCounter(), 0)
	c = putCounter(t, ctx, s, k, c, 1)
	for _, version := range []int64{0, 1, 3, -1} {
		require.ErrorIs(t, s.PutCounter(ctx, k, authn.Counter{Version: 2}, version), authn.ErrConflict)
	}
	requireCounter(t, ctx, s, k, c)
}

func counterDelete(t *testing.T, ctx context.Context, s authn.CounterStore) {
	k, other := counterKey("", "password", "u1"), counterKey("", "password", "u2")
	putCounter(t, ctx, s, k, newCounter(), 0)
	kept := putCounter(t, ctx, s, other, newCounter(), 0)
	require.NoError(t, s.DeleteCounter(ctx, k))
	requireCounter(t, ctx, s, k, authn.Counter{})
	requireCounter(t, ctx, s, other, kept)
	putCounter(t, ctx, s, k, newCounter(), 0)
}

// NIST-06: what has no end is never dropped.
func counterPrune(t *testing.T, ctx context.Context, s authn.CounterStore) {
	at := base().Add(time.Hour)
	left := map[string]authn.Counter{}
	for id, expires := range map[string]time.Time{"before": at.Add(-tick), "at": at, "after": at.Add(tick), "never": {}} {
		c := newCounter()
		c.Expires = expires
		left[id] = putCounter(t, ctx, s, counterKey("", "password", id), c, 0)
	}
	n, err := s.PruneCounters(ctx, at)
	require.NoError(t, err)
	assert.Equal(t, 1, n)
	left["before"] = authn.Counter{}
	for id, c := range left {
		requireCounter(t, ctx, s, counterKey("", "password", id), c)
	}
	n, err = s.PruneCounters(ctx, at.AddDate(100, 0, 0))
	require.NoError(t, err)
	assert.Equal(t, 2, n)
	requireCounter(t, ctx, s, counterKey("", "password", "never"), left["never"])
}

func counterPruneMoved(t *testing.T, ctx context.Context, s authn.CounterStore) {
	at := base().Add(time.Hour)
	prune := func(expected int) {
		t.Helper()
		n, err := s.PruneCounters(ctx, at)
		require.NoError(t, err)
		require.Equal(t, expected, n)
	}
	move := func(id string, ends ...time.Time) {
		for version, end := range ends {
			c := newCounter()
			c.Expires = end
			putCounter(t, ctx, s, counterKey("", "password", id), c, int64(version))
		}
	}
	early, late := at.Add(-time.Minute), at.Add(time.Minute)
	move("later", early, late)
	move("never", early, time.Time{})
	move("sooner", late, early)
	move("again", early, time.Time{}, early)
	prune(2)
	prune(0)
	c := newCounter()
	c.Expires = early
	putCounter(t, ctx, s, counterKey("", "password", "never"), c, 2)
	putCounter(t, ctx, s, counterKey("", "password", "later"), c, 2)
	prune(2)
}

func counterTenants(t *testing.T, ctx context.Context, s authn.CounterStore) {
	all := map[authn.CounterKey]authn.Counter{}
	for i, k := range []authn.CounterKey{
		counterKey("a", "password", "u1"), counterKey("b", "password", "u1"), counterKey("", "password", "u1"), counterKey("a", "totp", "u1"), counterKey("a", "password", "u2"),
	} {
		c := newCounter()
		c.Failures = int64(i)
		all[k] = putCounter(t, ctx, s, k, c, 0)
	}
	for k, c := range all {
		requireCounter(t, ctx, s, k, c)
	}
	require.NoError(t, s.DeleteCounter(ctx, counterKey("a", "password", "u1")))
	delete(all, counterKey("a", "password", "u1"))
	for k, c := range all {
		requireCounter(t, ctx, s, k, c)
	}
}

func counterZones(t *testing.T, ctx context.Context, s authn.CounterStore) {
	k, c := counterKey("", "password", "u1"), newCounter()
	c.WindowStart, c.LockedUntil, c.Last, c.Expires = c.WindowStart.In(zone()), c.LockedUntil.In(zone()), c.Last.In(zone()), c.Expires.In(zone())
	putCounter(t, ctx, s, k, c, 0)
	got, err := s.Counter(ctx, k)
	require.NoError(t, err)
	requireUTC(t, got.WindowStart, got.LockedUntil, got.Last, got.Expires)
}

func counterOddValues(t *testing.T, ctx context.Context, s authn.CounterStore) {
	all := map[authn.CounterKey]authn.Counter{}
	for i, odd := range oddTexts() {
		for _, k := range []authn.CounterKey{counterKey(odd, "password", "u"), counterKey("", odd, "u"), counterKey("", "password", odd)} {
			c := newCounter()
			c.Failures = int64(i)
			all[k] = putCounter(t, ctx, s, k, c, 0)
		}
	}
	for k, c := range all {
		requireCounter(t, ctx, s, k, c)
	}
}

func counterCancelled(t *testing.T, ctx context.Context, s authn.CounterStore) {
	k := counterKey("", "password", "u1")
	putCounter(t, ctx, s, k, newCounter(), 0)
	snapshot := func() any {
		c, err := s.Counter(ctx, k)
		require.NoError(t, err)
		return c
	}
	requireRefusesCancelled(t, snapshot, []call{
		{"Counter", func(ctx context.Context) error { return errOf(s.Counter(ctx, k)) }},
		{"PutCounter", func(ctx context.Context) error { return s.PutCounter(ctx, k, authn.Counter{}, 1) }},
		{"DeleteCounter", func(ctx context.Context) error { return s.DeleteCounter(ctx, k) }},
		{"PruneCounters", func(ctx context.Context) error { return errOf(s.PruneCounters(ctx, base().AddDate(1, 0, 0))) }},
	})
}

func counterFirstRace(t *testing.T, ctx context.Context, s authn.CounterStore, n int) {
	k := counterKey("", "password", "u1")
	errs := race(n, func(i int) error {
		return s.PutCounter(ctx, k, authn.Counter{Failures: int64(i), Expires: base().Add(time.Hour)}, 0)
	})
	requireOneWinner(t, errs, authn.ErrConflict)
	requireCounter(t, ctx, s, k, authn.Counter{Failures: int64(slices.Index(errs, nil)), Expires: base().Add(time.Hour), Version: 1})
}

// Every put that succeeds adds one to what it read: so many succeed, so many are counted.
func counterRace(t *testing.T, ctx context.Context, s authn.CounterStore, n int) {
	k := counterKey("", "password", "u1")
	errs := race(n, func(int) error {
		c, err := s.Counter(ctx, k)
		if err != nil {
			return err
		}
		c.Failures++
		return s.PutCounter(ctx, k, c, c.Version)
	})
	added := int64(0)
	for _, err := range errs {
		if err == nil {
			added++
			continue
		}
		require.True(t, errors.Is(err, authn.ErrConflict), err)
	}
	require.Positive(t, added)
	requireCounter(t, ctx, s, k, authn.Counter{Failures: added, Version: added})
}
