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

func sessionProveCases() []testCase[session.Store] {
	return []testCase[session.Store]{
		{"prove (STEP-02)", sessionProve},
		{"prove moves no time backwards (STEP-02)", sessionProveLate},
		{"prove leaves a dead session, at the boundary", sessionProveDead},
		{"prove finds no other tenant's session (V8.4.1)", sessionProveForeign},
		{"rotate proves in the same step, or neither", sessionRotateProves},
		{"rotate and touch prove nothing (STEP-02)", sessionUseProvesNothing},
		{"a session with an actor counts to no limit", sessionActorUncounted},
	}
}

func proved(at, second time.Time, methods ...string) session.Proved {
	return session.Proved{Methods: methods, AuthTime: at, MFATime: second}
}

func sessionProve(t *testing.T, ctx context.Context, s session.Store) {
	r := openSession(t, ctx, s, newSession(subject("", "ada"), "s1"))
	bare := openSession(t, ctx, s, newSession(subject("", "ada"), "s2"), func(r *session.Record) {
		r.Methods, r.AuthTime, r.MFATime, r.Actor = nil, time.Time{}, time.Time{}, "root"
	})
	later := base().Add(time.Minute)
	for _, p := range []session.Proved{
		proved(later.In(zone()), time.Time{}, "pwd"),
		proved(later.Add(tick), later.Add(tick).In(zone()), "hwk", "otp", "mfa", "hwk"),
		{},
		proved(time.Time{}, time.Time{}, "ünt", "\xff\x00"),
	} {
		for _, one := range []*session.Record{&r, &bare} {
			one.Prove(p)
			got, err := s.ProveSession(ctx, "", one.ID, p, base())
			require.NoError(t, err)
			require.Equal(t, plainSession(*one), plainSession(got))
			requireSession(t, ctx, s, *one)
		}
	}
	assert.Equal(t, []string{"pwd", "otp", "hwk", "mfa", "ünt", "\xff\x00"}, r.Methods)
	assert.Equal(t, []string{"pwd", "hwk", "otp", "mfa", "ünt", "\xff\x00"}, bare.Methods)
	assert.True(t, r.MFATime.Equal(later.Add(tick)) && r.AuthTime.Equal(r.MFATime))
}

func sessionProveLate(t *testing.T, ctx context.Context, s session.Store) {
	r := openSession(t, ctx, s, newSession(subject("", "ada"), "s1"))
	for _, p := range []session.Proved{proved(r.AuthTime.Add(-tick), r.MFATime.Add(-tick)), proved(r.AuthTime, r.MFATime), proved(time.Time{}, time.Time{})} {
		_, err := s.ProveSession(ctx, "", "s1", p, base())
		require.NoError(t, err)
		requireSession(t, ctx, s, r)
	}
}

func sessionProveDead(t *testing.T, ctx context.Context, s session.Store) {
	at := base().Add(time.Hour)
	deadAt(t, ctx, s, at)
	openSession(t, ctx, s, newSession(subject("", "eve"), "ended"))
	_, err := s.EndSessions(ctx, subject("", "eve"), session.Selection{}, base(), authn.EndLogout)
	require.NoError(t, err)
	for _, id := range []string{"idle", "over", "ended", "absent"} {
		before, errBefore := s.Session(ctx, "", id)
		_, err := s.ProveSession(ctx, "", id, proved(at, at, "hwk"), at)
		assert.ErrorIs(t, err, authn.ErrNotFound, id)
		after, errAfter := s.Session(ctx, "", id)
		assert.Equal(t, before, after, id)
		assert.Equal(t, errBefore, errAfter, id)
	}
	r := openSession(t, ctx, s, newSession(subject("", "bob"), "idle soon"), idleAt(at))
	_, err = s.ProveSession(ctx, "", r.ID, proved(at, at, "hwk"), at)
	assert.ErrorIs(t, err, authn.ErrNotFound)
	requireSession(t, ctx, s, r)
	_, err = s.ProveSession(ctx, "", r.ID, proved(at, at, "hwk"), at.Add(-tick))
	assert.NoError(t, err)
}

func sessionProveForeign(t *testing.T, ctx context.Context, s session.Store) {
	r := openSession(t, ctx, s, newSession(subject("a", "ada"), "s1"))
	for _, tenant := range []authn.Tenant{"", "b", "A"} {
		_, err := s.ProveSession(ctx, tenant, "s1", proved(base().Add(tick), base().Add(tick), "hwk"), base())
		assert.ErrorIs(t, err, authn.ErrNotFound)
	}
	requireSession(t, ctx, s, r)
}

func sessionRotateProves(t *testing.T, ctx context.Context, s session.Store) {
	r := openSession(t, ctx, s, newSession(subject("", "ada"), "s1"))
	p := proved(base().Add(time.Minute), base().Add(time.Minute), "hwk", "mfa")
	n := rotation(r, base())
	n.Proved = &p
	wrong := n
	wrong.SecretHash = secretHash(9)
	assert.ErrorIs(t, s.RotateSession(ctx, wrong), authn.ErrConflict)
	requireSession(t, ctx, s, r)
	require.NoError(t, s.RotateSession(ctx, n))
	r = rotated(r, n)
	r.Prove(p)
	requireSession(t, ctx, s, r)
	assert.ErrorIs(t, s.RotateSession(ctx, n), authn.ErrConflict)
	requireSession(t, ctx, s, r)
}

func sessionUseProvesNothing(t *testing.T, ctx context.Context, s session.Store) {
	r := openSession(t, ctx, s, newSession(subject("", "ada"), "s1"), func(r *session.Record) { r.Actor, r.ActorSession = "root", "s0" })
	n := rotation(r, base().Add(time.Minute))
	require.NoError(t, s.RotateSession(ctx, n))
	use := useAt(base().Add(2 * time.Minute))
	require.NoError(t, s.TouchSessions(ctx, touch("", "s1", use)))
	requireSession(t, ctx, s, used(rotated(r, n), use))
}

func byActor(r *session.Record) { r.Actor, r.ActorSession = "root", "s0" }

func sessionActorUncounted(t *testing.T, ctx context.Context, s session.Store) {
	ada := subject("", "ada")
	openSession(t, ctx, s, newSession(ada, "acted"), byActor, lastUsed(base().Add(-time.Hour)))
	openMany(t, ctx, s, ada, 2)
	acted := newSession(ada, "acted too")
	byActor(&acted)
	for _, limit := range []session.Limit{refuse(1), evictOldest(1)} {
		evicted, err := s.CreateSession(ctx, acted, limit)
		require.NoError(t, err)
		require.Empty(t, evicted)
		acted.ID += " too"
	}
	_, err := s.CreateSession(ctx, newSession(ada, "s2"), refuse(2))
	require.ErrorIs(t, err, session.ErrLimit)
	_, err = s.CreateSession(ctx, newSession(ada, "s2"), refuse(3))
	require.NoError(t, err)
	evicted, err := s.CreateSession(ctx, newSession(ada, "s3"), evictOldest(2))
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"s0", "s1"}, idsOf(evicted))
	assert.ElementsMatch(t, []string{"s2", "s3", "acted", "acted too", "acted too too"}, liveIDs(t, ctx, s, ada, base()))
	ended, err := s.EndSessions(ctx, ada, session.Selection{}, base(), authn.EndRevoked)
	require.NoError(t, err)
	assert.Len(t, ended, 5, "all end with the account's others")
}

func sessionRaceProve(t *testing.T, ctx context.Context, s session.Store, n int) {
	r := openSession(t, ctx, s, newSession(subject("", "ada"), "s1"))
	proof := func(i int) session.Proved {
		at := base().Add(time.Duration(i) * tick)
		return proved(at, at.Add(-time.Second), fmt.Sprint("m", i%10))
	}
	for _, err := range race(n, func(i int) error { return errOf(s.ProveSession(ctx, "", "s1", proof(i), base())) }) {
		require.NoError(t, err)
	}
	r.Prove(proof(n - 1))
	got, err := s.Session(ctx, "", "s1")
	require.NoError(t, err)
	expected := append([]string{}, newSession(r.Subject, "").Methods...)
	for i := range 10 {
		expected = append(expected, fmt.Sprint("m", i))
	}
	assert.ElementsMatch(t, expected, got.Methods, "none is lost, and none is there twice")
	got.Methods, r.Methods = nil, nil
	assert.Equal(t, plainSession(r), plainSession(got))
}

func sessionRaceRotateProve(t *testing.T, ctx context.Context, s session.Store, n int) {
	r := openSession(t, ctx, s, newSession(subject("", "ada"), "s1"))
	next := func(i int) session.Rotation {
		n := rotation(r, base())
		p := proved(base().Add(time.Duration(i)*tick), base().Add(time.Duration(i)*tick), fmt.Sprint("m", i))
		n.NextHash, n.Proved = []byte(fmt.Sprintf("%032d", i)), &p
		return n
	}
	errs := race(n, func(i int) error { return s.RotateSession(ctx, next(i)) })
	requireOneWinner(t, errs, authn.ErrConflict)
	won := next(slices.Index(errs, nil))
	r = rotated(r, won)
	r.Prove(*won.Proved)
	requireSession(t, ctx, s, r)
}

func sessionRaceEndProve(t *testing.T, ctx context.Context, s session.Store, n int) {
	r := openSession(t, ctx, s, newSession(subject("", "ada"), "s1"))
	errs := race(n, func(i int) error {
		if i%2 == 0 {
			return errOf(s.EndSessions(ctx, r.Subject, session.Selection{}, base(), authn.EndReused))
		}
		return errOf(s.ProveSession(ctx, "", "s1", proved(base(), base(), fmt.Sprint("m", i)), base()))
	})
	methods := slices.Clone(r.Methods)
	for i, err := range errs {
		switch {
		case i%2 == 0:
			require.NoError(t, err)
		case err == nil:
			methods = append(methods, fmt.Sprint("m", i))
		default:
			require.ErrorIs(t, err, authn.ErrNotFound)
		}
	}
	got, err := s.Session(ctx, "", "s1")
	require.NoError(t, err)
	assert.ElementsMatch(t, methods, got.Methods)
	assert.Equal(t, authn.EndReused, got.EndReason)
}

func sessionRaceEvictActors(t *testing.T, ctx context.Context, s session.Store, n int) {
	ada := subject("", "ada")
	for _, c := range race(n, func(i int) (c created) {
		r := newSession(ada, fmt.Sprintf("s%04d", i))
		if i%2 == 0 {
			byActor(&r)
		}
		c.evicted, c.err = s.CreateSession(ctx, r, evictOldest(5))
		return c
	}) {
		require.NoError(t, c.err)
		for _, r := range c.evicted {
			require.Empty(t, r.Actor)
		}
	}
	list, err := s.Sessions(ctx, ada, base())
	require.NoError(t, err)
	own := slices.DeleteFunc(list, func(r session.Record) bool { return r.Actor != "" })
	assert.Len(t, own, 5)
	assert.Len(t, liveIDs(t, ctx, s, ada, base()), 5+n/2)
}
