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

func sessionEndCases() []testCase[session.Store] {
	return []testCase[session.Store]{
		{"end all, one, or all but one", sessionEndSelection},
		{"end leaves another subject's", sessionEndForeign},
		{"end keeps the first reason", sessionEndTwice},
		{"end leaves a dead session, at the boundary", sessionEndDead},
		{"prune at the boundary", sessionPrune},
		{"prune knows of later uses", sessionPruneUsed},
	}
}

func sessionEndSelection(t *testing.T, ctx context.Context, s session.Store) {
	for i, c := range []struct {
		name        string
		have        session.Selection
		ended, left []string
	}{
		{"all", session.Selection{}, []string{"1", "2", "3"}, nil},
		{"only", session.Selection{Only: "2"}, []string{"2"}, []string{"1", "3"}},
		{"only an absent one", session.Selection{Only: "4"}, nil, []string{"1", "2", "3"}},
		{"all but one", session.Selection{Except: "2"}, []string{"1", "3"}, []string{"2"}},
		{"all but an absent one", session.Selection{Except: "4"}, []string{"1", "2", "3"}, nil},
	} {
		sub := subject(fmt.Sprint("tenant", i), "ada") // the same IDs in each case
		for _, id := range []string{"1", "2", "3"} {
			openSession(t, ctx, s, newSession(sub, id))
		}
		now := base().Add(time.Minute)
		got, err := s.EndSessions(ctx, sub, c.have, now, authn.EndRevoked)
		require.NoError(t, err)
		assert.ElementsMatch(t, c.ended, idsOf(got), c.name)
		for _, r := range got {
			expected := newSession(sub, r.ID)
			expected.EndedAt, expected.EndReason = now, authn.EndRevoked
			assert.Equal(t, plainSession(expected), plainSession(r), "returned as it then is")
			requireSession(t, ctx, s, expected)
		}
		assert.ElementsMatch(t, c.left, liveIDs(t, ctx, s, sub, now), c.name)
	}
}

func sessionEndForeign(t *testing.T, ctx context.Context, s session.Store) {
	bobs := openSession(t, ctx, s, newSession(subject("", "bob"), "bobs"))
	openSession(t, ctx, s, newSession(subject("", "ada"), "adas"))
	for _, which := range []session.Selection{{Only: "bobs"}, {Except: "adas"}, {}} {
		got, err := s.EndSessions(ctx, subject("", "ada"), which, base(), authn.EndRevoked)
		require.NoError(t, err)
		assert.NotContains(t, idsOf(got), "bobs")
		requireSession(t, ctx, s, bobs)
	}
	requireLive(t, ctx, s, subject("", "bob"), base(), "bobs")
	requireLive(t, ctx, s, subject("", "ada"), base())
}

func sessionEndTwice(t *testing.T, ctx context.Context, s session.Store) {
	r := openSession(t, ctx, s, newSession(subject("", "ada"), "s1"))
	_, err := s.EndSessions(ctx, r.Subject, session.Selection{}, base(), authn.EndReused)
	require.NoError(t, err)
	again, err := s.EndSessions(ctx, r.Subject, session.Selection{Only: "s1"}, base().Add(tick), authn.EndLogout)
	require.NoError(t, err)
	assert.Empty(t, again)
	r.EndedAt, r.EndReason = base(), authn.EndReused
	requireSession(t, ctx, s, r)
}

func sessionEndDead(t *testing.T, ctx context.Context, s session.Store) {
	at := base().Add(time.Hour)
	dead := deadAt(t, ctx, s, at)
	for _, late := range []time.Duration{0, tick} {
		ended, err := s.EndSessions(ctx, subject("", "ada"), session.Selection{}, at.Add(late), authn.EndLogout)
		require.NoError(t, err)
		assert.Empty(t, ended)
		requireLive(t, ctx, s, subject("", "ada"), at.Add(late))
	}
	for _, r := range dead {
		requireSession(t, ctx, s, r)
	}
	assert.Len(t, liveIDs(t, ctx, s, subject("", "ada"), at.Add(-tick)), 2)
	ended, err := s.EndSessions(ctx, subject("", "ada"), session.Selection{}, at.Add(-tick), authn.EndLogout)
	require.NoError(t, err)
	assert.Len(t, ended, 2)
}

func requirePruned(t *testing.T, ctx context.Context, s session.Store, before time.Time, expected int) {
	t.Helper()
	n, err := s.PruneSessions(ctx, before)
	require.NoError(t, err)
	require.Equal(t, expected, n)
}

func sessionPrune(t *testing.T, ctx context.Context, s session.Store) {
	at := base().Add(time.Minute)
	ada := subject("", "ada")
	live := openSession(t, ctx, s, newSession(ada, "live"))
	deadAt(t, ctx, s, at)
	openSession(t, ctx, s, newSession(ada, "out"))
	_, err := s.EndSessions(ctx, ada, session.Selection{Only: "out"}, at, authn.EndLogout)
	require.NoError(t, err)

	requirePruned(t, ctx, s, at, 0)
	requirePruned(t, ctx, s, at.Add(tick), 3)
	requirePruned(t, ctx, s, at.Add(tick), 0)
	for _, id := range []string{"idle", "over", "out"} {
		_, err := s.Session(ctx, "", id)
		assert.ErrorIs(t, err, authn.ErrNotFound, id)
	}
	requireSession(t, ctx, s, live)
	requireLive(t, ctx, s, ada, base(), "live")
	openSession(t, ctx, s, newSession(ada, "out"))
	requirePruned(t, ctx, s, base().Add(2*fullTime), 2)
	requireLive(t, ctx, s, ada, base())
}

func sessionPruneUsed(t *testing.T, ctx context.Context, s session.Store) {
	r := openSession(t, ctx, s, newSession(subject("", "ada"), "s1"))
	u := useAt(base().Add(time.Minute))
	require.NoError(t, s.TouchSessions(ctx, touch("", "s1", u)))
	requirePruned(t, ctx, s, r.IdleAt.Add(tick), 0)
	requirePruned(t, ctx, s, u.IdleAt, 0)
	requireSession(t, ctx, s, used(r, u))
	requirePruned(t, ctx, s, u.IdleAt.Add(tick), 1)
}
