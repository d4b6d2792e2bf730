package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
)

// RevocationStore tests a driver of [authn.RevocationStore]. The function open
// returns an empty store each time it is called.
func RevocationStore(t *testing.T, open func(t *testing.T) authn.RevocationStore) {
	t.Helper()
	runCases(t, open, []testCase[authn.RevocationStore]{
		{"remembered until the token's expiry (REF-10)", revocationBoundary},
		{"absent", revocationAbsent},
		{"revoking twice keeps the later time", revocationTwice},
		{"prune at the boundary", revocationPrune},
		{"tenants are apart (V8.4.1)", revocationTenants},
		{"time zones", revocationZones},
		{"odd and long values", revocationOddValues},
		{"cancelled context", revocationCancelled},
	})
}

func requireRevoked(t *testing.T, ctx context.Context, s authn.RevocationStore, expected bool, tenant authn.Tenant, id string, now time.Time) {
	t.Helper()
	got, err := s.TokenRevoked(ctx, tenant, id, now)
	require.NoError(t, err)
	require.Equal(t, expected, got)
}

func revocationBoundary(t *testing.T, ctx context.Context, s authn.RevocationStore) {
	until := base().Add(time.Hour)
	require.NoError(t, s.RevokeToken(ctx, "", "jti", until))
	for _, now := range []time.Time{base(), until.Add(-tick), until} {
		requireRevoked(t, ctx, s, true, "", "jti", now)
	}
	requireRevoked(t, ctx, s, false, "", "another", base())
}

func revocationAbsent(t *testing.T, ctx context.Context, s authn.RevocationStore) {
	requireRevoked(t, ctx, s, false, "", "jti", base())
	n, err := s.PruneRevocations(ctx, base())
	assert.NoError(t, err)
	assert.Zero(t, n)
}

func revocationTwice(t *testing.T, ctx context.Context, s authn.RevocationStore) {
	early, late := base().Add(time.Hour), base().Add(2*time.Hour)
	for id, times := range map[string][]time.Time{"up": {early, late}, "down": {late, early}, "same": {late, late}} {
		for _, until := range times {
			require.NoError(t, s.RevokeToken(ctx, "", id, until))
		}
		requireRevoked(t, ctx, s, true, "", id, late.Add(-tick))
	}
	n, err := s.PruneRevocations(ctx, late)
	require.NoError(t, err)
	assert.Zero(t, n)
	n, err = s.PruneRevocations(ctx, late.Add(tick))
	require.NoError(t, err)
	assert.Equal(t, 3, n)
}

func revocationPrune(t *testing.T, ctx context.Context, s authn.RevocationStore) {
	at := base().Add(time.Hour)
	for id, until := range map[string]time.Time{"before": at.Add(-tick), "at": at, "after": at.Add(tick)} {
		require.NoError(t, s.RevokeToken(ctx, "", id, until))
	}
	n, err := s.PruneRevocations(ctx, at)
	require.NoError(t, err)
	assert.Equal(t, 1, n)
	requireRevoked(t, ctx, s, false, "", "before", at)
	requireRevoked(t, ctx, s, true, "", "at", at)
	requireRevoked(t, ctx, s, true, "", "after", at)
	n, err = s.PruneRevocations(ctx, at.Add(time.Hour))
	require.NoError(t, err)
	assert.Equal(t, 2, n)
	requireRevoked(t, ctx, s, false, "", "after", base())
	require.NoError(t, s.RevokeToken(ctx, "", "after", at.Add(2*time.Hour)))
	requireRevoked(t, ctx, s, true, "", "after", at.Add(time.Hour))
}

func revocationTenants(t *testing.T, ctx context.Context, s authn.RevocationStore) {
	require.NoError(t, s.RevokeToken(ctx, "a", "jti", base().Add(time.Hour)))
	requireRevoked(t, ctx, s, false, "b", "jti", base())
	requireRevoked(t, ctx, s, false, "", "jti", base())
	require.NoError(t, s.RevokeToken(ctx, "b", "jti", base().Add(-time.Hour)))
	n, err := s.PruneRevocations(ctx, base())
	require.NoError(t, err)
	assert.Equal(t, 1, n)
	requireRevoked(t, ctx, s, true, "a", "jti", base())
}

func revocationZones(t *testing.T, ctx context.Context, s authn.RevocationStore) {
	until := base().Add(time.Hour)
	require.NoError(t, s.RevokeToken(ctx, "", "jti", until.In(zone())))
	requireRevoked(t, ctx, s, true, "", "jti", until.Add(-tick))
	requireRevoked(t, ctx, s, true, "", "jti", until.Add(-tick).In(zone()))
	n, err := s.PruneRevocations(ctx, until.In(zone()))
	require.NoError(t, err)
	assert.Zero(t, n)
	n, err = s.PruneRevocations(ctx, until.Add(tick).In(zone()))
	require.NoError(t, err)
	assert.Equal(t, 1, n)
}

func revocationOddValues(t *testing.T, ctx context.Context, s authn.RevocationStore) {
	odd := append(oddStrings(), longID())
	for i, v := range odd {
		requireRevoked(t, ctx, s, false, "", v, base())
		requireRevoked(t, ctx, s, false, authn.Tenant(v), "jti", base())
		if i%2 == 0 {
			require.NoError(t, s.RevokeToken(ctx, "", v, base().Add(time.Hour)))
			require.NoError(t, s.RevokeToken(ctx, authn.Tenant(v), "jti", base().Add(time.Hour)))
		}
	}
	for i, v := range odd {
		requireRevoked(t, ctx, s, i%2 == 0, "", v, base())
		requireRevoked(t, ctx, s, i%2 == 0, authn.Tenant(v), "jti", base())
	}
}

func revocationCancelled(t *testing.T, ctx context.Context, s authn.RevocationStore) {
	require.NoError(t, s.RevokeToken(ctx, "", "old", base()))
	snapshot := func() any {
		var got []bool
		for _, id := range []string{"old", "new"} {
			revoked, err := s.TokenRevoked(ctx, "", id, base())
			require.NoError(t, err)
			got = append(got, revoked)
		}
		return got
	}
	requireRefusesCancelled(t, snapshot, []call{
		{"RevokeToken", func(ctx context.Context) error { return s.RevokeToken(ctx, "", "new", base()) }},
		{"TokenRevoked", func(ctx context.Context) error { return errOf(s.TokenRevoked(ctx, "", "old", base())) }},
		{"PruneRevocations", func(ctx context.Context) error { return errOf(s.PruneRevocations(ctx, base().Add(time.Hour))) }},
	})
}
