package storetest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/session"
)

func sessionRaceRotate(t *testing.T, ctx context.Context, s session.Store, n int) {
	r := openSession(t, ctx, s, newSession(subject("", "ada"), "s1"))
	next := func(i int) session.Rotation {
		n := rotation(r, base())
		n.NextHash = []byte(fmt.Sprintf("%032d", i))
		return n
	}
	errs := race(n, func(i int) error { return s.RotateSession(ctx, next(i)) })
	requireOneWinner(t, errs, authn.ErrConflict)
	requireSession(t, ctx, s, rotated(r, next(slices.Index(errs, nil))))
}

func sessionRaceTouch(t *testing.T, ctx context.Context, s session.Store, n int) {
	r := openSession(t, ctx, s, newSession(subject("", "ada"), "s1"))
	use := func(i int) session.Use { return useAt(base().Add(time.Duration(i) * tick)) }
	for _, err := range race(n, func(i int) error { return s.TouchSessions(ctx, touch("", "s1", use(i))) }) {
		require.NoError(t, err)
	}
	requireSession(t, ctx, s, used(r, use(n-1)))
}

// created is what CreateSession returns.
type created struct {
	evicted []session.Record
	err     error
	// live is how many sessions lived just after the call.
	live int
}

func raceCreate(ctx context.Context, s session.Store, n int, limit session.Limit) []created {
	ada := subject("", "ada")
	return race(n, func(i int) (c created) {
		c.evicted, c.err = s.CreateSession(ctx, newSession(ada, fmt.Sprintf("s%04d", i)), limit)
		if c.err == nil {
			var list []session.Record
			list, c.err = s.Sessions(ctx, ada, base())
			c.live = len(list)
		}
		return c
	})
}

func sessionRaceEvict(t *testing.T, ctx context.Context, s session.Store, n int) {
	evicted := map[string]int{}
	for _, c := range raceCreate(ctx, s, n, evictOldest(5)) {
		require.NoError(t, c.err)
		require.LessOrEqual(t, c.live, 5)
		for _, r := range c.evicted {
			evicted[r.ID]++
			require.Equal(t, 1, evicted[r.ID], "%s was returned twice", r.ID)
		}
	}
	live := liveIDs(t, ctx, s, subject("", "ada"), base())
	assert.Len(t, live, 5)
	assert.Len(t, evicted, n-5)
	for _, id := range live {
		assert.NotContains(t, evicted, id)
	}
}

func sessionRaceRefuse(t *testing.T, ctx context.Context, s session.Store, n int) {
	var errs []error
	for _, c := range raceCreate(ctx, s, n, refuse(5)) {
		errs = append(errs, c.err)
		require.LessOrEqual(t, c.live, 5)
	}
	requireWinners(t, errs, 5, session.ErrLimit)
	assert.Len(t, liveIDs(t, ctx, s, subject("", "ada"), base()), 5)
}

// ended is what EndSessions returns.
type ended struct {
	list []session.Record
	err  error
}

func sessionRaceEnd(t *testing.T, ctx context.Context, s session.Store, n int) {
	ada := subject("", "ada")
	const sessions = 10
	openMany(t, ctx, s, ada, sessions)
	seen := map[string]int{}
	for _, e := range race(n, func(i int) (e ended) {
		which := session.Selection{Only: fmt.Sprint("s", i%sessions)}
		if i%3 == 0 {
			which = session.Selection{}
		}
		e.list, e.err = s.EndSessions(ctx, ada, which, base(), authn.EndRevoked)
		return e
	}) {
		require.NoError(t, e.err)
		for _, r := range e.list {
			seen[r.ID]++
		}
	}
	require.Len(t, seen, sessions)
	for id, times := range seen {
		assert.Equal(t, 1, times, id)
	}
}

func sessionRaceEndRotate(t *testing.T, ctx context.Context, s session.Store, n int) {
	r := openSession(t, ctx, s, newSession(subject("", "ada"), "s1"))
	errs := race(n, func(i int) error {
		if i%2 == 0 {
			return errOf(s.EndSessions(ctx, r.Subject, session.Selection{}, base(), authn.EndReused))
		}
		return s.RotateSession(ctx, rotation(r, base()))
	})
	winners := 0
	for i, err := range errs {
		switch {
		case i%2 == 0:
			require.NoError(t, err)
		case err == nil:
			winners++
		default:
			require.ErrorIs(t, err, authn.ErrConflict)
		}
	}
	assert.LessOrEqual(t, winners, 1)
	got, err := s.Session(ctx, "", "s1")
	require.NoError(t, err)
	assert.EqualValues(t, 1+winners, got.Generation)
	assert.Equal(t, authn.EndReused, got.EndReason)
}
