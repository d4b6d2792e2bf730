package storetest

import (
	"context"
	"slices"
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
	runCases(t, open, slices.Concat([]testCase[authn.RevocationStore]{
		{"entries come back as they are, in order", revocationOrder},
		{"empty", revocationEmpty},
		{"pages", revocationPages},
		{"several entries are one step", revocationSeveral},
		{"prune at the boundary (REF-10)", revocationPrune},
		{"positions are never used again", revocationPositions},
		{"time zones", revocationZones},
		{"odd and long values", revocationOddValues},
		{"cancelled context", revocationCancelled},
		{"who watches is told", revocationWatch},
	}, raceCases("a follower misses nothing", revocationRace)))
}

func entry(kind authn.RevocationKind, tenant, id string, until time.Time) authn.Revocation {
	return authn.Revocation{Kind: kind, Tenant: authn.Tenant(tenant), ID: id, Until: until}
}

func requireRevoke(t *testing.T, ctx context.Context, s authn.RevocationStore, entries ...authn.Revocation) int64 {
	t.Helper()
	last, err := s.Revoke(ctx, entries...)
	require.NoError(t, err)
	return last
}

// requireLog reads the whole log after the position.
func requireLog(t *testing.T, ctx context.Context, s authn.RevocationStore, after int64) []authn.Revocation {
	t.Helper()
	entries, head, err := s.Revocations(ctx, after, 100_000)
	require.NoError(t, err)
	for i := range entries {
		inUTC(&entries[i].Until)
		require.Greater(t, entries[i].Position, after)
		require.LessOrEqual(t, entries[i].Position, head)
	}
	return full(entries)
}

func revocationOrder(t *testing.T, ctx context.Context, s authn.RevocationStore) {
	until := base().Add(time.Hour)
	expected := []authn.Revocation{
		entry(authn.RevokedToken, "", "jti", until), entry(authn.RevokedSession, "a", "sid", until.Add(tick)),
		entry(authn.RevokedKey, "", "kid", until), entry(authn.ChangedAccount, "a", "ada", until),
		entry(authn.ChangedAPIKey, "b", "key", until), entry(authn.EndedSessions, "b", "", until),
		entry(authn.RevokedToken, "", "jti", until), // once more is once more
	}
	last := int64(0)
	for i := range expected {
		position := requireRevoke(t, ctx, s, expected[i])
		require.Greater(t, position, last, "positions grow")
		expected[i].Position, last = position, position
	}
	require.Equal(t, expected, requireLog(t, ctx, s, 0))
	require.Equal(t, expected[4:], requireLog(t, ctx, s, expected[3].Position))
}

func revocationEmpty(t *testing.T, ctx context.Context, s authn.RevocationStore) {
	entries, head, err := s.Revocations(ctx, 0, 10)
	require.NoError(t, err)
	assert.Empty(t, entries)
	assert.Zero(t, head)
	n, err := s.PruneRevocations(ctx, base())
	assert.NoError(t, err)
	assert.Zero(t, n)
}

func revocationPages(t *testing.T, ctx context.Context, s authn.RevocationStore) {
	at := []int64{0}
	for range 7 {
		at = append(at, requireRevoke(t, ctx, s, entry(authn.RevokedToken, "", "jti", base())))
	}
	for _, c := range []struct {
		after    int64
		limit    int
		expected []int64
	}{{0, 3, at[1:4]}, {at[3], 3, at[4:7]}, {at[6], 3, at[7:]}, {at[7], 3, nil}, {at[5], 0, nil}, {at[5], -1, nil}, {at[7] + 1000, 3, nil}} {
		entries, head, err := s.Revocations(ctx, c.after, c.limit)
		require.NoError(t, err)
		require.Equal(t, at[7], head)
		var got []int64
		for _, e := range entries {
			got = append(got, e.Position)
		}
		require.Equal(t, c.expected, got, "after %d, limit %d", c.after, c.limit)
	}
}

func revocationSeveral(t *testing.T, ctx context.Context, s authn.RevocationStore) {
	until := base().Add(time.Hour)
	last := requireRevoke(t, ctx, s,
		entry(authn.RevokedToken, "", "1", until), entry(authn.RevokedToken, "", "2", until), entry(authn.RevokedToken, "", "3", until))
	for i, e := range requireLog(t, ctx, s, 0) {
		assert.Equal(t, last-2+int64(i), e.Position, "positions of one step are consecutive")
		assert.Equal(t, string(rune('1'+i)), e.ID)
	}
}

func revocationPrune(t *testing.T, ctx context.Context, s authn.RevocationStore) {
	at := base().Add(time.Hour)
	last := requireRevoke(t, ctx, s, entry(authn.RevokedToken, "", "at", at), entry(authn.RevokedToken, "", "before", at.Add(-tick)), entry(authn.RevokedToken, "", "after", at.Add(tick)))
	n, err := s.PruneRevocations(ctx, at)
	require.NoError(t, err)
	assert.Equal(t, 1, n)
	left := requireLog(t, ctx, s, 0)
	require.Len(t, left, 2)
	assert.Equal(t, []string{"at", "after"}, []string{left[0].ID, left[1].ID})
	assert.Equal(t, []int64{last - 2, last}, []int64{left[0].Position, left[1].Position})
}

func revocationPositions(t *testing.T, ctx context.Context, s authn.RevocationStore) {
	last := requireRevoke(t, ctx, s, entry(authn.RevokedToken, "", "1", base()), entry(authn.RevokedToken, "", "2", base()))
	n, err := s.PruneRevocations(ctx, base().Add(time.Hour))
	require.NoError(t, err)
	require.Equal(t, 2, n)
	entries, head, err := s.Revocations(ctx, 0, 10)
	require.NoError(t, err)
	assert.Empty(t, entries)
	assert.Equal(t, last, head, "head counts what was forgotten")
	assert.Greater(t, requireRevoke(t, ctx, s, entry(authn.RevokedToken, "", "3", base())), last)
}

func revocationZones(t *testing.T, ctx context.Context, s authn.RevocationStore) {
	until := base().Add(time.Hour)
	requireRevoke(t, ctx, s, entry(authn.RevokedToken, "", "jti", until.In(zone())))
	n, err := s.PruneRevocations(ctx, until.In(zone()))
	require.NoError(t, err)
	assert.Zero(t, n)
	assert.Equal(t, until, requireLog(t, ctx, s, 0)[0].Until)
	n, err = s.PruneRevocations(ctx, until.Add(tick).In(zone()))
	require.NoError(t, err)
	assert.Equal(t, 1, n)
}

func revocationOddValues(t *testing.T, ctx context.Context, s authn.RevocationStore) {
	odd := oddTexts()
	for _, v := range odd {
		requireRevoke(t, ctx, s, entry(authn.RevokedToken, v, "jti", base()), entry(authn.RevokedToken, "", v, base()))
	}
	got := requireLog(t, ctx, s, 0)
	require.Len(t, got, 2*len(odd))
	for i, v := range odd {
		assert.Equal(t, []string{v, "jti", "", v}, []string{string(got[2*i].Tenant), got[2*i].ID, string(got[2*i+1].Tenant), got[2*i+1].ID})
	}
}

func revocationCancelled(t *testing.T, ctx context.Context, s authn.RevocationStore) {
	requireRevoke(t, ctx, s, entry(authn.RevokedToken, "", "old", base()))
	snapshot := func() any { return requireLog(t, ctx, s, 0) }
	requireRefusesCancelled(t, snapshot, []call{
		{"Revoke", func(ctx context.Context) error {
			return errOf(s.Revoke(ctx, entry(authn.RevokedToken, "", "new", base())))
		}},
		{"Revocations", func(ctx context.Context) error { _, _, err := s.Revocations(ctx, 0, 10); return err }},
		{"PruneRevocations", func(ctx context.Context) error { return errOf(s.PruneRevocations(ctx, base().Add(time.Hour))) }},
	})
}

func revocationWatch(t *testing.T, ctx context.Context, s authn.RevocationStore) {
	watched, ok := s.(authn.RevocationWatcher)
	if !ok { // it is optional
		return
	}
	told := make(chan struct{}, 10)
	stop := watched.WatchRevocations(func() { told <- struct{}{} })
	requireRevoke(t, ctx, s, entry(authn.RevokedToken, "", "1", base()))
	select {
	case <-told:
	case <-time.After(10 * time.Second):
		t.Fatal("nobody was told")
	}
	stop()
	for len(told) > 0 { // it may be told too often, but before
		<-told
	}
	requireRevoke(t, ctx, s, entry(authn.RevokedToken, "", "2", base()))
	assert.Empty(t, told, "told after stop")
}

// revocationRace has many writers and one follower, which reads as nodes do.
func revocationRace(t *testing.T, ctx context.Context, s authn.RevocationStore, n int) {
	n = min(n, 200) // each writes alone, durably
	done, seen := make(chan struct{}), make(chan []int64)
	go func() {
		var all []int64
		position := int64(0)
		for finished := false; ; {
			entries, head, err := s.Revocations(ctx, position, 7)
			if !assert.NoError(t, err) {
				break
			}
			for _, e := range entries {
				all, position = append(all, e.Position), e.Position
			}
			if len(entries) == 0 {
				position = max(position, head)
				if finished {
					break
				}
				select {
				case <-done:
					finished = true
				default:
				}
			}
		}
		seen <- all
	}()
	for _, err := range race(n, func(int) error {
		return errOf(s.Revoke(ctx, entry(authn.RevokedToken, "", "a", base()), entry(authn.RevokedToken, "", "b", base())))
	}) {
		require.NoError(t, err)
	}
	close(done)
	all := <-seen
	require.Len(t, all, 2*n)
	for i := 1; i < len(all); i++ {
		require.Greater(t, all[i], all[i-1])
	}
}
