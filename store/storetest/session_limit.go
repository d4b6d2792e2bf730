package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/session"
)

func sessionLimitCases() []testCase[session.Store] {
	return []testCase[session.Store]{
		{"limit 0 is none", sessionUnlimited},
		{"evicts the one used longest ago", sessionEvict},
		{"evicts as many as needed", sessionEvictMany},
		{"refuses and changes nothing", sessionRefuse},
		{"only live ones count, at the boundary", sessionLimitLive},
		{"only the subject's own count", sessionLimitOwn},
	}
}

func evictOldest(n int) session.Limit { return session.Limit{Max: n, Policy: session.EvictOldest} }
func refuse(n int) session.Limit      { return session.Limit{Max: n, Policy: session.Refuse} }

// openMany opens sessions s0, s1, …; the first was used longest ago.
func openMany(t *testing.T, ctx context.Context, s session.Store, sub authn.Subject, n int) {
	t.Helper()
	for i := range n {
		at := base().Add(time.Duration(i-n) * tick)
		openSession(t, ctx, s, newSession(sub, fmt.Sprint("s", i)), lastUsed(at))
	}
}

func sessionUnlimited(t *testing.T, ctx context.Context, s session.Store) {
	ada := subject("", "ada")
	openMany(t, ctx, s, ada, 10)
	for i, policy := range []session.LimitPolicy{session.EvictOldest, session.Refuse, ""} {
		evicted, err := s.CreateSession(ctx, newSession(ada, fmt.Sprint("t", i)), session.Limit{Policy: policy})
		require.NoError(t, err)
		require.Empty(t, evicted)
	}
	assert.Len(t, liveIDs(t, ctx, s, ada, base()), 13)
}

func sessionEvict(t *testing.T, ctx context.Context, s session.Store) {
	ada := subject("", "ada")
	openMany(t, ctx, s, ada, 3)
	require.NoError(t, s.TouchSessions(ctx, touch("", "s0", useAt(base()))))
	r := newSession(ada, "new")
	r.CreatedAt, r.LastUsedAt = base().Add(time.Minute), base().Add(time.Minute)
	evicted, err := s.CreateSession(ctx, r, evictOldest(3))
	require.NoError(t, err)
	require.Len(t, evicted, 1)
	expected := newSession(ada, "s1")
	expected.LastUsedAt = base().Add(-2 * tick)
	expected.EndedAt, expected.EndReason = r.CreatedAt, authn.EndEvicted
	assert.Equal(t, plainSession(expected), plainSession(evicted[0]))
	requireSession(t, ctx, s, expected)
	requireLive(t, ctx, s, ada, r.CreatedAt, "new", "s0", "s2")
}

func sessionEvictMany(t *testing.T, ctx context.Context, s session.Store) {
	ada := subject("", "ada")
	openMany(t, ctx, s, ada, 6)
	evicted, err := s.CreateSession(ctx, newSession(ada, "new"), evictOldest(2))
	require.NoError(t, err)
	assert.ElementsMatch(t, []string{"s0", "s1", "s2", "s3", "s4"}, idsOf(evicted))
	requireLive(t, ctx, s, ada, base(), "new", "s5")
	evicted, err = s.CreateSession(ctx, newSession(ada, "newer"), evictOldest(3))
	require.NoError(t, err)
	assert.Empty(t, evicted)
	evicted, err = s.CreateSession(ctx, newSession(ada, "newest"), evictOldest(1))
	require.NoError(t, err)
	assert.Len(t, evicted, 3)
	requireLive(t, ctx, s, ada, base(), "newest")
}

func sessionRefuse(t *testing.T, ctx context.Context, s session.Store) {
	ada := subject("", "ada")
	openMany(t, ctx, s, ada, 3)
	before, err := s.Sessions(ctx, ada, base())
	require.NoError(t, err)
	for _, limit := range []int{1, 2, 3} {
		evicted, err := s.CreateSession(ctx, newSession(ada, "new"), refuse(limit))
		assert.ErrorIs(t, err, session.ErrLimit)
		assert.Empty(t, evicted)
	}
	after, err := s.Sessions(ctx, ada, base())
	require.NoError(t, err)
	assert.Equal(t, before, after)
	_, err = s.Session(ctx, "", "new")
	assert.ErrorIs(t, err, authn.ErrNotFound)
	_, err = s.CreateSession(ctx, newSession(ada, "new"), refuse(4))
	require.NoError(t, err)
	requireLive(t, ctx, s, ada, base(), "new", "s2", "s1", "s0")
}

func sessionLimitLive(t *testing.T, ctx context.Context, s session.Store) {
	ada := subject("", "ada")
	at := base().Add(time.Hour)
	deadAt(t, ctx, s, at)
	openSession(t, ctx, s, newSession(ada, "out"))
	_, err := s.EndSessions(ctx, ada, session.Selection{Only: "out"}, base(), authn.EndLogout)
	require.NoError(t, err)
	for _, c := range []struct {
		name     string
		now      time.Time
		expected error
	}{
		{"a tick before they die", at.Add(-tick), session.ErrLimit},
		{"when they die", at, nil},
	} {
		r := newSession(ada, "new")
		r.CreatedAt, r.LastUsedAt, r.IdleAt = c.now, c.now, c.now.Add(time.Hour)
		_, err := s.CreateSession(ctx, r, refuse(1))
		assert.ErrorIs(t, err, c.expected, c.name)
	}
	requireLive(t, ctx, s, ada, at, "new")
}

func sessionLimitOwn(t *testing.T, ctx context.Context, s session.Store) {
	for _, sub := range []authn.Subject{subject("", "bob"), subject("acme", "ada"), subject("", "ad")} {
		openSession(t, ctx, s, newSession(sub, "of "+sub.ID))
	}
	_, err := s.CreateSession(ctx, newSession(subject("", "ada"), "s1"), refuse(1))
	require.NoError(t, err)
	evicted, err := s.CreateSession(ctx, newSession(subject("", "ada"), "s2"), evictOldest(1))
	require.NoError(t, err)
	assert.Equal(t, []string{"s1"}, idsOf(evicted))
	requireLive(t, ctx, s, subject("", "bob"), base(), "of bob")
	requireLive(t, ctx, s, subject("acme", "ada"), base(), "of ada")
	requireLive(t, ctx, s, subject("", "ada"), base(), "s2")
}
