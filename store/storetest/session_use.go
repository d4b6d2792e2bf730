package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/session"
)

func sessionUseCases() []testCase[session.Store] {
	return []testCase[session.Store]{
		{"rotate", sessionRotate},
		{"rotate keeps the time of the last rotation, and nothing else moves it", sessionRotatedAt},
		{"rotate refuses another generation or secret", sessionRotateRefuses},
		{"rotate refuses a dead session, at the boundary", sessionRotateDead},
		{"touch moves forward", sessionTouch},
		{"touch never moves back", sessionTouchLate},
		{"several touches at once, of which some find nothing", sessionTouchMany},
		{"touch leaves a dead session, at the boundary", sessionTouchDead},
	}
}

// useAt is a use from another machine than newSession's.
func useAt(at time.Time) session.Use {
	return session.Use{At: at, IdleAt: at.Add(idleTime), IP: "2001:db8::1", UserAgent: "curl/8", Device: "curl"}
}

func touch(t authn.Tenant, id string, u session.Use) session.Touch {
	return session.Touch{Tenant: t, ID: id, Use: u}
}

// used is r after a use that is later than those before.
func used(r session.Record, u session.Use) session.Record {
	r.LastUsedAt, r.IdleAt = u.At, u.IdleAt
	r.IP, r.UserAgent, r.Device = u.IP, u.UserAgent, u.Device
	return r
}

// rotation is what rotates r to its next secret.
func rotation(r session.Record, at time.Time) session.Rotation {
	return session.Rotation{
		Tenant: r.Subject.Tenant, ID: r.ID, Generation: r.Generation, SecretHash: r.SecretHash,
		NextHash: secretHash(byte(r.Generation + 1)), Use: useAt(at),
	}
}

func rotated(r session.Record, n session.Rotation) session.Record {
	r.Generation, r.PreviousHash, r.SecretHash, r.RotatedAt = n.Generation+1, n.SecretHash, n.NextHash, n.Use.At
	return used(r, n.Use)
}

func sessionRotate(t *testing.T, ctx context.Context, s session.Store) {
	r := openSession(t, ctx, s, newSession(subject("", "ada"), "s1"))
	other := openSession(t, ctx, s, newSession(subject("", "ada"), "s2"))
	for i := range 3 {
		n := rotation(r, base().Add(time.Duration(i)*time.Minute))
		require.NoError(t, s.RotateSession(ctx, n))
		assert.ErrorIs(t, s.RotateSession(ctx, n), authn.ErrConflict, "the same secret again")
		r = rotated(r, n)
		requireSession(t, ctx, s, r)
	}
	late := rotation(r, base())
	require.NoError(t, s.RotateSession(ctx, late))
	r.Generation, r.PreviousHash, r.SecretHash = late.Generation+1, late.SecretHash, late.NextHash
	r.RotatedAt = late.Use.At
	requireSession(t, ctx, s, r)
	requireSession(t, ctx, s, other)
}

func sessionRotatedAt(t *testing.T, ctx context.Context, s session.Store) {
	r := openSession(t, ctx, s, newSession(subject("", "ada"), "s1"))
	requireRotatedAt := func(expected time.Time) {
		t.Helper()
		got, err := s.Session(ctx, "", "s1")
		require.NoError(t, err)
		assert.True(t, got.RotatedAt.Equal(expected), "%v, not %v", got.RotatedAt, expected)
	}
	requireRotatedAt(time.Time{})
	for _, after := range []time.Duration{time.Minute, time.Minute + tick, -time.Minute, 0} {
		n := rotation(r, base().Add(after).In(zone()))
		require.NoError(t, s.RotateSession(ctx, n))
		requireRotatedAt(base().Add(after))
		refused := rotation(r, base().Add(after+tick))
		require.ErrorIs(t, s.RotateSession(ctx, refused), authn.ErrConflict)
		require.NoError(t, s.TouchSessions(ctx, touch("", "s1", useAt(base().Add(after+tick)))))
		requireRotatedAt(base().Add(after))
		r = rotated(r, n)
	}
	list, err := s.Sessions(ctx, r.Subject, base())
	require.NoError(t, err)
	require.Len(t, list, 1)
	assert.True(t, list[0].RotatedAt.Equal(base()))
	ended, err := s.EndSessions(ctx, r.Subject, session.Selection{}, base().Add(time.Second), authn.EndLogout)
	require.NoError(t, err)
	require.Len(t, ended, 1)
	assert.True(t, ended[0].RotatedAt.Equal(base()))
	requireRotatedAt(base())
}

func sessionRotateRefuses(t *testing.T, ctx context.Context, s session.Store) {
	r := openSession(t, ctx, s, newSession(subject("", "ada"), "s1"))
	for name, change := range map[string]func(*session.Rotation){
		"older generation": func(n *session.Rotation) { n.Generation = 0 },
		"later generation": func(n *session.Rotation) { n.Generation = 2 },
		"other secret":     func(n *session.Rotation) { n.SecretHash = secretHash(2) },
		"half a secret":    func(n *session.Rotation) { n.SecretHash = n.SecretHash[:16] },
		"no secret":        func(n *session.Rotation) { n.SecretHash = nil },
		"other session":    func(n *session.Rotation) { n.ID = "s2" },
	} {
		n := rotation(r, base().Add(time.Minute))
		change(&n)
		assert.ErrorIs(t, s.RotateSession(ctx, n), authn.ErrConflict, name)
		requireSession(t, ctx, s, r)
	}
}

// deadAt opens one session for each way to die at the given moment.
func deadAt(t *testing.T, ctx context.Context, s session.Store, at time.Time) []session.Record {
	t.Helper()
	ada := subject("", "ada")
	return []session.Record{
		openSession(t, ctx, s, newSession(ada, "idle"), idleAt(at), endsAt(at.Add(time.Hour))),
		openSession(t, ctx, s, newSession(ada, "over"), idleAt(at.Add(time.Hour)), endsAt(at)),
	}
}

func sessionRotateDead(t *testing.T, ctx context.Context, s session.Store) {
	at := base().Add(time.Hour)
	for _, r := range deadAt(t, ctx, s, at) {
		for _, late := range []time.Duration{0, tick, 24 * time.Hour} {
			assert.ErrorIs(t, s.RotateSession(ctx, rotation(r, at.Add(late))), authn.ErrConflict, r.ID)
			requireSession(t, ctx, s, r)
		}
		assert.NoError(t, s.RotateSession(ctx, rotation(r, at.Add(-tick))), r.ID)
	}
	out := openSession(t, ctx, s, newSession(subject("", "ada"), "out"))
	_, err := s.EndSessions(ctx, out.Subject, session.Selection{Only: "out"}, base(), authn.EndLogout)
	require.NoError(t, err)
	assert.ErrorIs(t, s.RotateSession(ctx, rotation(out, base())), authn.ErrConflict)
}

func sessionTouch(t *testing.T, ctx context.Context, s session.Store) {
	r := openSession(t, ctx, s, newSession(subject("", "ada"), "s1"))
	other := openSession(t, ctx, s, newSession(subject("", "ada"), "s2"))
	for _, after := range []time.Duration{0, tick, time.Minute, time.Hour - tick, time.Hour} {
		u := useAt(base().Add(after))
		u.Device = after.String()
		require.NoError(t, s.TouchSessions(ctx, touch("", "s1", u)))
		r = used(r, u)
		requireSession(t, ctx, s, r)
	}
	requireSession(t, ctx, s, other)
}

func sessionTouchLate(t *testing.T, ctx context.Context, s session.Store) {
	r := openSession(t, ctx, s, newSession(subject("", "ada"), "s1"))
	late := useAt(base().Add(-tick))
	late.IdleAt = r.IdleAt.Add(-tick)
	require.NoError(t, s.TouchSessions(ctx, touch("", "s1", late)))
	requireSession(t, ctx, s, r) // the client is that of the last use

	shorter := useAt(base().Add(time.Minute))
	shorter.IdleAt = r.IdleAt.Add(-time.Minute)
	require.NoError(t, s.TouchSessions(ctx, touch("", "s1", shorter)))
	idle := r.IdleAt
	r = used(r, shorter)
	r.IdleAt = idle
	requireSession(t, ctx, s, r)
}

func sessionTouchMany(t *testing.T, ctx context.Context, s session.Store) {
	require.NoError(t, s.TouchSessions(ctx))
	a := openSession(t, ctx, s, newSession(subject("", "ada"), "s1"))
	b := openSession(t, ctx, s, newSession(subject("", "bob"), "s2"))
	foreign := openSession(t, ctx, s, newSession(subject("t", "bob"), "s2"))
	late, later := useAt(base().Add(time.Minute)), useAt(base().Add(2*time.Minute))
	require.NoError(t, s.TouchSessions(ctx,
		touch("", "s1", later), touch("", "absent", later), touch("", "s2", late), touch("", "s1", late), touch("other", "s1", later)))
	requireSession(t, ctx, s, used(a, later))
	requireSession(t, ctx, s, used(b, late))
	requireSession(t, ctx, s, foreign)
}

func sessionTouchDead(t *testing.T, ctx context.Context, s session.Store) {
	at := base().Add(time.Hour)
	for _, r := range deadAt(t, ctx, s, at) {
		for _, late := range []time.Duration{0, tick, 24 * time.Hour} {
			require.NoError(t, s.TouchSessions(ctx, touch("", r.ID, useAt(at.Add(late)))))
			requireSession(t, ctx, s, r)
		}
		u := useAt(at.Add(-tick))
		u.IdleAt = at.Add(2 * time.Hour)
		require.NoError(t, s.TouchSessions(ctx, touch("", r.ID, u)))
		requireSession(t, ctx, s, used(r, u))
	}
	out := openSession(t, ctx, s, newSession(subject("", "ada"), "out"))
	_, err := s.EndSessions(ctx, out.Subject, session.Selection{Only: "out"}, base(), authn.EndLogout)
	require.NoError(t, err)
	require.NoError(t, s.TouchSessions(ctx, touch("", "out", useAt(base().Add(tick)))))
	out.EndedAt, out.EndReason = base(), authn.EndLogout
	requireSession(t, ctx, s, out)
}
