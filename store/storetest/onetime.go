package storetest

import (
	"bytes"
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
)

// OneTimeStore tests a driver of [authn.OneTimeStore]. The function open
// returns an empty store each time it is called.
func OneTimeStore(t *testing.T, open func(t *testing.T) authn.OneTimeStore) {
	t.Helper()
	runCases(t, open, slices.Concat(
		[]testCase[authn.OneTimeStore]{
			{"consumed once", oneTimeOnce},
			{"absent", oneTimeAbsent},
			{"a wrong secret leaves the record", oneTimeWrongSecret},
			{"expired at the boundary", oneTimeExpired},
			{"put replaces", oneTimeReplaced},
			{"prune at the boundary", oneTimePrune},
			{"tenants and purposes are apart (V8.4.1)", oneTimeTenants},
			{"time zones", oneTimeZones},
			{"odd and long values", oneTimeOddValues},
			{"aliasing", oneTimeAliasing},
			{"cancelled context", oneTimeCancelled},
		},
		raceCases("one record is consumed once", oneTimeRace),
	))
}

// secretHash stands for the SHA-256 of a secret.
func secretHash(b byte) []byte { return bytes.Repeat([]byte{b}, 32) }

func newOneTime(tenant, purpose, id string) authn.OneTime {
	return authn.OneTime{
		Tenant: authn.Tenant(tenant), Purpose: purpose, ID: id,
		SecretHash: secretHash(1), Value: "value of " + id, Expires: base().Add(time.Hour),
	}
}

func putOneTime(t *testing.T, ctx context.Context, s authn.OneTimeStore, r authn.OneTime) authn.OneTime {
	t.Helper()
	require.NoError(t, s.PutOneTime(ctx, r))
	return r
}

// consume consumes r by its own keys and hash.
func consume(ctx context.Context, s authn.OneTimeStore, r authn.OneTime, now time.Time) (authn.OneTime, error) {
	return s.ConsumeOneTime(ctx, r.Tenant, r.Purpose, r.ID, r.SecretHash, now)
}

func requireConsumed(t *testing.T, ctx context.Context, s authn.OneTimeStore, r authn.OneTime, now time.Time) {
	t.Helper()
	got, err := consume(ctx, s, r, now)
	require.NoError(t, err)
	inUTC(&r.Expires, &got.Expires)
	require.Equal(t, r, got)
	requireNotConsumed(t, ctx, s, r, now)
}

func requireNotConsumed(t *testing.T, ctx context.Context, s authn.OneTimeStore, r authn.OneTime, now time.Time) {
	t.Helper()
	got, err := consume(ctx, s, r, now)
	require.ErrorIs(t, err, authn.ErrNotFound)
	require.Zero(t, got)
}

func oneTimeOnce(t *testing.T, ctx context.Context, s authn.OneTimeStore) {
	r := putOneTime(t, ctx, s, newOneTime("", "reset", "r1"))
	requireConsumed(t, ctx, s, r, base())
	putOneTime(t, ctx, s, r)
	requireConsumed(t, ctx, s, r, base())
}

func oneTimeAbsent(t *testing.T, ctx context.Context, s authn.OneTimeStore) {
	requireNotConsumed(t, ctx, s, newOneTime("", "reset", "r1"), base())
	n, err := s.PruneOneTime(ctx, base())
	assert.NoError(t, err)
	assert.Zero(t, n)
}

func oneTimeWrongSecret(t *testing.T, ctx context.Context, s authn.OneTimeStore) {
	r := putOneTime(t, ctx, s, newOneTime("", "reset", "r1"))
	for name, hash := range map[string][]byte{
		"other": secretHash(2), "prefix": r.SecretHash[:31], "longer": append(secretHash(1), 1), "empty": {}, "nil": nil,
	} {
		got, err := s.ConsumeOneTime(ctx, r.Tenant, r.Purpose, r.ID, hash, base())
		assert.ErrorIs(t, err, authn.ErrNotFound, name)
		assert.Zero(t, got, name)
	}
	requireConsumed(t, ctx, s, r, base())
}

func oneTimeExpired(t *testing.T, ctx context.Context, s authn.OneTimeStore) {
	r := putOneTime(t, ctx, s, newOneTime("", "reset", "r1"))
	requireNotConsumed(t, ctx, s, r, r.Expires.Add(tick))
	requireNotConsumed(t, ctx, s, r, r.Expires)
	requireConsumed(t, ctx, s, r, r.Expires.Add(-tick))
}

func oneTimeReplaced(t *testing.T, ctx context.Context, s authn.OneTimeStore) {
	old := putOneTime(t, ctx, s, newOneTime("", "reset", "r1"))
	next := old
	next.SecretHash, next.Value, next.Expires = secretHash(2), "next", base().Add(time.Minute)
	putOneTime(t, ctx, s, next)
	requireNotConsumed(t, ctx, s, old, base())
	requireNotConsumed(t, ctx, s, next, next.Expires)
	requireConsumed(t, ctx, s, next, base())

	putOneTime(t, ctx, s, old)
	putOneTime(t, ctx, s, next)
	n, err := s.PruneOneTime(ctx, next.Expires.Add(tick))
	require.NoError(t, err)
	assert.Equal(t, 1, n, "the earlier end counts")
}

func oneTimePrune(t *testing.T, ctx context.Context, s authn.OneTimeStore) {
	at := base().Add(time.Hour)
	for id, expires := range map[string]time.Time{"before": at.Add(-tick), "at": at, "after": at.Add(tick)} {
		r := newOneTime("", "reset", id)
		r.Expires = expires
		putOneTime(t, ctx, s, r)
	}
	n, err := s.PruneOneTime(ctx, at)
	require.NoError(t, err)
	assert.Equal(t, 1, n)
	requireNotConsumed(t, ctx, s, newOneTime("", "reset", "before"), base())
	n, err = s.PruneOneTime(ctx, at.Add(time.Hour))
	require.NoError(t, err)
	assert.Equal(t, 2, n)
	requireNotConsumed(t, ctx, s, newOneTime("", "reset", "after"), base())
}

func oneTimeTenants(t *testing.T, ctx context.Context, s authn.OneTimeStore) {
	r := putOneTime(t, ctx, s, newOneTime("a", "reset", "r1"))
	for _, other := range []authn.OneTime{newOneTime("b", "reset", "r1"), newOneTime("", "reset", "r1"), newOneTime("a", "setup", "r1")} {
		requireNotConsumed(t, ctx, s, other, base())
		other.Value = "other"
		putOneTime(t, ctx, s, other)
		requireConsumed(t, ctx, s, other, base())
	}
	requireConsumed(t, ctx, s, r, base())
}

func oneTimeZones(t *testing.T, ctx context.Context, s authn.OneTimeStore) {
	r := newOneTime("", "reset", "r1")
	r.Expires = r.Expires.In(zone())
	putOneTime(t, ctx, s, r)
	requireNotConsumed(t, ctx, s, r, r.Expires.UTC())
	got, err := consume(ctx, s, r, r.Expires.Add(-tick))
	require.NoError(t, err)
	requireUTC(t, got.Expires)
	require.True(t, got.Expires.Equal(r.Expires))
}

func oneTimeOddValues(t *testing.T, ctx context.Context, s authn.OneTimeStore) {
	var all []authn.OneTime
	for _, odd := range oddTexts() {
		for _, r := range []authn.OneTime{newOneTime(odd, "reset", "r"), newOneTime("", odd, "r"), newOneTime("", "reset", odd)} {
			r.Value = odd + longText()
			all = append(all, putOneTime(t, ctx, s, r))
		}
	}
	for _, r := range all {
		requireConsumed(t, ctx, s, r, base())
	}
}

func oneTimeAliasing(t *testing.T, ctx context.Context, s authn.OneTimeStore) {
	r := newOneTime("", "reset", "r1")
	passed := r
	passed.SecretHash = slices.Clone(r.SecretHash)
	putOneTime(t, ctx, s, passed)
	passed.SecretHash[0]++
	requireConsumed(t, ctx, s, r, base())
}

func oneTimeCancelled(t *testing.T, ctx context.Context, s authn.OneTimeStore) {
	r := putOneTime(t, ctx, s, newOneTime("", "reset", "r1"))
	replacement := r
	replacement.SecretHash = secretHash(2)
	nothing := func() any { return nil }
	requireRefusesCancelled(t, nothing, []call{
		{"PutOneTime", func(ctx context.Context) error { return s.PutOneTime(ctx, replacement) }},
		{"ConsumeOneTime", func(ctx context.Context) error { return errOf(consume(ctx, s, r, base())) }},
		{"PruneOneTime", func(ctx context.Context) error { return errOf(s.PruneOneTime(ctx, base().Add(48*time.Hour))) }},
	})
	requireConsumed(t, ctx, s, r, base())
}

func oneTimeRace(t *testing.T, ctx context.Context, s authn.OneTimeStore, n int) {
	r := putOneTime(t, ctx, s, newOneTime("", "reset", "r1"))
	errs := race(n, func(int) error { return errOf(consume(ctx, s, r, base())) })
	requireOneWinner(t, errs, authn.ErrNotFound)
}
