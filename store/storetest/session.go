package storetest

import (
	"context"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/session"
)

// SessionStore tests a driver of [session.Store]. The function open
// returns an empty store each time it is called.
func SessionStore(t *testing.T, open func(t *testing.T) session.Store) {
	t.Helper()
	runCases(t, open, slices.Concat(
		[]testCase[session.Store]{
			{"create and read", sessionCreateAndRead},
			{"absent", sessionAbsent},
			{"duplicate ID", sessionDuplicateID},
			{"a dead session is still read", sessionDeadIsRead},
			{"live ones, the last used first", sessionList},
			{"all of a tenant, by ID", sessionOfTenant},
			{"tenants are apart (V8.4.1)", sessionTenants},
			{"time zones", sessionZones},
			{"odd and long values", sessionOddValues},
			{"aliasing", sessionAliasing},
			{"cancelled context", sessionCancelled},
		},
		sessionUseCases(),
		sessionProveCases(),
		sessionEndCases(),
		sessionLimitCases(),
		raceCases("one generation is rotated once", sessionRaceRotate),
		raceCases("uses move time forward", sessionRaceTouch),
		raceCases("evicting keeps the limit", sessionRaceEvict),
		raceCases("refusing keeps the limit", sessionRaceRefuse),
		raceCases("what is proved at once is all kept", sessionRaceProve),
		raceCases("one rotation proves", sessionRaceRotateProve),
		raceCases("a session that was ended proves nothing", sessionRaceEndProve),
		raceCases("evicting counts no session with an actor", sessionRaceEvictActors),
		raceCases("a session is ended once", sessionRaceEnd),
		raceCases("a session that was ended is not rotated", sessionRaceEndRotate),
	))
}

const (
	idleTime = time.Hour
	fullTime = 30 * 24 * time.Hour
)

func newSession(sub authn.Subject, id string) session.Record {
	return session.Record{
		Subject: sub, ID: id, Carrier: authn.CarrierToken,
		SecretHash: secretHash(1), Generation: 1, Methods: []string{"pwd", "otp"},
		AuthTime: base().Add(-time.Second), MFATime: base().Add(-2 * time.Second), CreatedAt: base(), LastUsedAt: base(),
		IdleAt: base().Add(idleTime), EndsAt: base().Add(fullTime),
		IP: "192.0.2.7", UserAgent: "Mozilla/5.0", Device: "Firefox on Linux", DeviceID: "device of " + id, Remember: true,
		// Bound, so that every case that compares a record shows that nothing changes the binding.
		Confirmation: authn.Confirmation{Certificate: authn.CertificateThumbprint([]byte(id)), Network: netip.MustParsePrefix("192.0.2.0/24")},
	}
}

// openSession creates a session without a limit, after the given changes.
func openSession(t *testing.T, ctx context.Context, s session.Store, r session.Record, changes ...func(*session.Record)) session.Record {
	t.Helper()
	for _, change := range changes {
		change(&r)
	}
	evicted, err := s.CreateSession(ctx, r, session.Limit{})
	require.NoError(t, err)
	require.Empty(t, evicted)
	return r
}

func lastUsed(at time.Time) func(*session.Record) {
	return func(r *session.Record) { r.LastUsedAt = at }
}

func idleAt(at time.Time) func(*session.Record) {
	return func(r *session.Record) { r.IdleAt = at }
}

func endsAt(at time.Time) func(*session.Record) {
	return func(r *session.Record) { r.EndsAt = at }
}

func plainSession(r session.Record) session.Record {
	inUTC(&r.AuthTime, &r.MFATime, &r.RotatedAt, &r.CreatedAt, &r.LastUsedAt, &r.IdleAt, &r.EndsAt, &r.EndedAt)
	r.Methods = full(r.Methods)
	r.SecretHash, r.PreviousHash = full(r.SecretHash), full(r.PreviousHash)
	return r
}

func plainSessions(list []session.Record) []session.Record {
	out := []session.Record{}
	for _, r := range list {
		out = append(out, plainSession(r))
	}
	return out
}

func requireSession(t *testing.T, ctx context.Context, s session.Store, expected session.Record) {
	t.Helper()
	got, err := s.Session(ctx, expected.Subject.Tenant, expected.ID)
	require.NoError(t, err)
	require.Equal(t, plainSession(expected), plainSession(got))
}

// requireLive requires the subject's live sessions, in this order.
func requireLive(t *testing.T, ctx context.Context, s session.Store, sub authn.Subject, now time.Time, expected ...string) {
	t.Helper()
	require.Equal(t, full(expected), liveIDs(t, ctx, s, sub, now))
}

func liveIDs(t *testing.T, ctx context.Context, s session.Store, sub authn.Subject, now time.Time) []string {
	t.Helper()
	list, err := s.Sessions(ctx, sub, now)
	require.NoError(t, err)
	return idsOf(list)
}

func idsOf(list []session.Record) []string {
	ids := []string{}
	for _, r := range list {
		ids = append(ids, r.ID)
	}
	return ids
}

func sessionCreateAndRead(t *testing.T, ctx context.Context, s session.Store) {
	ada := subject("", "ada")
	requireSession(t, ctx, s, openSession(t, ctx, s, newSession(ada, "s1")))
	requireSession(t, ctx, s, openSession(t, ctx, s, newSession(ada, "s3"), func(r *session.Record) {
		r.Generation, r.PreviousHash, r.RotatedAt = 2, secretHash(2), base().Add(-tick)
	}))
	requireSession(t, ctx, s, openSession(t, ctx, s, newSession(ada, "s2"), func(r *session.Record) {
		r.Carrier, r.Methods, r.AuthTime, r.MFATime = authn.CarrierCookie, nil, time.Time{}, time.Time{}
		r.IP, r.UserAgent, r.Device = "", "", ""
		r.Confirmation = authn.Confirmation{}
	}))
	requireSession(t, ctx, s, openSession(t, ctx, s, newSession(ada, "s4"), func(r *session.Record) {
		r.Confirmation = authn.Confirmation{Network: netip.MustParsePrefix("2001:db8::1/128")}
	}))
	requireSession(t, ctx, s, openSession(t, ctx, s, newSession(ada, "s5"), func(r *session.Record) {
		r.Confirmation = authn.Confirmation{Certificate: authn.CertificateThumbprint([]byte("leaf"))}
	}))
	requireSession(t, ctx, s, openSession(t, ctx, s, newSession(ada, "s6"), func(r *session.Record) {
		r.Methods, r.MFATime, r.Actor, r.ActorSession = nil, time.Time{}, "root", "s0"
	}))
}

func sessionAbsent(t *testing.T, ctx context.Context, s session.Store) {
	ada := subject("", "ada")
	got, err := s.Session(ctx, "", "s1")
	assert.ErrorIs(t, err, authn.ErrNotFound)
	assert.Zero(t, got)
	assert.ErrorIs(t, s.RotateSession(ctx, rotation(newSession(ada, "s1"), base())), authn.ErrConflict)
	assert.NoError(t, s.TouchSessions(ctx, touch("", "s1", useAt(base()))))
	_, err = s.Session(ctx, "", "s1")
	assert.ErrorIs(t, err, authn.ErrNotFound, "a use must not create")
	ended, err := s.EndSessions(ctx, ada, session.Selection{}, base(), authn.EndLogout)
	assert.NoError(t, err)
	assert.Empty(t, ended)
	requireLive(t, ctx, s, ada, base())
	n, err := s.PruneSessions(ctx, base())
	assert.NoError(t, err)
	assert.Zero(t, n)
}

func sessionDuplicateID(t *testing.T, ctx context.Context, s session.Store) {
	first := openSession(t, ctx, s, newSession(subject("", "ada"), "s1"))
	old := openSession(t, ctx, s, newSession(subject("", "bob"), "s2"))
	for _, limit := range []session.Limit{{}, {Max: 1, Policy: session.EvictOldest}} {
		again := newSession(subject("", "bob"), "s1")
		again.SecretHash = secretHash(9)
		_, err := s.CreateSession(ctx, again, limit)
		assert.Error(t, err)
		assert.NotErrorIs(t, err, session.ErrLimit)
	}
	requireSession(t, ctx, s, first)
	requireSession(t, ctx, s, old)
	requireLive(t, ctx, s, subject("", "bob"), base(), "s2")
}

func sessionDeadIsRead(t *testing.T, ctx context.Context, s session.Store) {
	ada := subject("", "ada")
	idle := openSession(t, ctx, s, newSession(ada, "idle"), idleAt(base().Add(-time.Hour)))
	over := openSession(t, ctx, s, newSession(ada, "over"), endsAt(base().Add(-time.Hour)))
	out := openSession(t, ctx, s, newSession(ada, "out"))
	_, err := s.EndSessions(ctx, ada, session.Selection{Only: "out"}, base(), authn.EndLogout)
	require.NoError(t, err)
	out.EndedAt, out.EndReason = base(), authn.EndLogout
	for _, r := range []session.Record{idle, over, out} {
		requireSession(t, ctx, s, r)
	}
	requireLive(t, ctx, s, ada, base())
}

func sessionList(t *testing.T, ctx context.Context, s session.Store) {
	ada := subject("", "ada")
	for id, offset := range map[string]time.Duration{"b": 0, "c": -tick, "a": tick, "d": -time.Hour} {
		openSession(t, ctx, s, newSession(ada, id), lastUsed(base().Add(offset)))
	}
	openSession(t, ctx, s, newSession(subject("", "bob"), "bobs"))
	requireLive(t, ctx, s, ada, base(), "a", "b", "c", "d")
	require.NoError(t, s.TouchSessions(ctx, touch("", "d", useAt(base().Add(time.Second)))))
	requireLive(t, ctx, s, ada, base(), "d", "a", "b", "c")
	list, err := s.Sessions(ctx, subject("", "bob"), base())
	require.NoError(t, err)
	require.Equal(t, plainSessions([]session.Record{newSession(subject("", "bob"), "bobs")}), plainSessions(list))
}

func sessionOfTenant(t *testing.T, ctx context.Context, s session.Store) {
	requirePage := func(tenant authn.Tenant, after string, limit int, expected ...string) {
		t.Helper()
		list := []session.Record{}
		for more := true; more; {
			page, err := s.TenantSessions(ctx, tenant, base(), after, limit-len(list))
			require.NoError(t, err)
			require.LessOrEqual(t, len(page.Records), max(limit-len(list), 0))
			if n := len(page.Records); n > 0 && page.Next != "" {
				require.GreaterOrEqual(t, page.Next, page.Records[n-1].ID, "what was returned does not come again")
			}
			list = append(list, page.Records...)
			more, after = page.Next > after && len(list) < limit, page.Next
		}
		require.Equal(t, full(expected), idsOf(list))
	}
	requirePage("a", "", 9)
	b := openSession(t, ctx, s, newSession(subject("a", "bob"), "b"))
	openSession(t, ctx, s, newSession(subject("a", "ada"), "c"))
	openSession(t, ctx, s, newSession(subject("a", "ada"), "Z"))
	openSession(t, ctx, s, newSession(subject("a", "ada"), "idle"), idleAt(base()))
	openSession(t, ctx, s, newSession(subject("a", "ada"), "over"), endsAt(base()))
	openSession(t, ctx, s, newSession(subject("a", "eve"), "ended"))
	_, err := s.EndSessions(ctx, subject("a", "eve"), session.Selection{}, base(), authn.EndLogout)
	require.NoError(t, err)
	openSession(t, ctx, s, newSession(subject("", "ada"), "b"))
	openSession(t, ctx, s, newSession(subject("a2", "ada"), "d"))

	requirePage("a", "", 9, "Z", "b", "c")
	requirePage("a", "", 2, "Z", "b")
	requirePage("a", "Z", 1, "b")
	requirePage("a", "aa", 9, "b", "c")
	requirePage("a", "c", 9)
	requirePage("a", "", 0)
	requirePage("", "", 9, "b")
	page, err := s.TenantSessions(ctx, "a", base(), "Z", 1)
	require.NoError(t, err)
	require.Equal(t, plainSessions([]session.Record{b}), plainSessions(page.Records))
	require.NotEmpty(t, page.Next, "c comes after it")
}

func sessionTenants(t *testing.T, ctx context.Context, s session.Store) {
	a, b := subject("a", "ada"), subject("b", "ada")
	r := openSession(t, ctx, s, newSession(a, "s1"))
	foreign := newSession(b, "s1")
	_, err := s.Session(ctx, "b", "s1")
	assert.ErrorIs(t, err, authn.ErrNotFound)
	assert.ErrorIs(t, s.RotateSession(ctx, rotation(foreign, base())), authn.ErrConflict)
	assert.NoError(t, s.TouchSessions(ctx, touch("b", "s1", useAt(base().Add(time.Minute)))))
	for _, which := range []session.Selection{{}, {Only: "s1"}} {
		ended, err := s.EndSessions(ctx, b, which, base(), authn.EndRevoked)
		assert.NoError(t, err)
		assert.Empty(t, ended)
	}
	requireLive(t, ctx, s, b, base())
	evicted, err := s.CreateSession(ctx, foreign, session.Limit{Max: 1, Policy: session.EvictOldest})
	require.NoError(t, err)
	require.Empty(t, evicted)
	_, err = s.EndSessions(ctx, b, session.Selection{}, base(), authn.EndRevoked)
	require.NoError(t, err)
	requireSession(t, ctx, s, r)
	requireLive(t, ctx, s, a, base(), "s1")
}

func sessionZones(t *testing.T, ctx context.Context, s session.Store) {
	ada := subject("", "ada")
	r := openSession(t, ctx, s, newSession(ada, "s1"), func(r *session.Record) {
		for _, at := range []*time.Time{&r.AuthTime, &r.MFATime, &r.RotatedAt, &r.CreatedAt, &r.LastUsedAt, &r.IdleAt, &r.EndsAt} {
			*at = at.In(zone())
		}
	})
	requireSession(t, ctx, s, r)
	got, err := s.Session(ctx, "", "s1")
	require.NoError(t, err)
	requireUTC(t, got.AuthTime, got.MFATime, got.RotatedAt, got.CreatedAt, got.LastUsedAt, got.IdleAt, got.EndsAt)
	requireLive(t, ctx, s, ada, r.IdleAt.Add(-tick).In(zone()), "s1")
	requireLive(t, ctx, s, ada, r.IdleAt.In(zone()))
	use := useAt(base().Add(time.Minute))
	use.At, use.IdleAt = use.At.In(zone()), use.IdleAt.In(zone())
	require.NoError(t, s.TouchSessions(ctx, touch("", "s1", use)))
	requireSession(t, ctx, s, used(r, use))
	ended, err := s.EndSessions(ctx, ada, session.Selection{}, base().Add(time.Hour).In(zone()), authn.EndLogout)
	require.NoError(t, err)
	require.Len(t, ended, 1)
	assert.True(t, ended[0].EndedAt.Equal(base().Add(time.Hour)))
}

func sessionOddValues(t *testing.T, ctx context.Context, s session.Store) {
	var all []session.Record
	for _, odd := range oddTexts() {
		describe := func(r *session.Record) {
			r.IP, r.UserAgent, r.Device, r.DeviceID, r.Remember = odd, odd+longText(), odd, odd, false
			r.Methods = append([]string{"", "<&>"}, oddTexts()...)
			r.Actor, r.ActorSession = odd, odd
		}
		all = append(all,
			openSession(t, ctx, s, newSession(subject("", "ada"), odd), describe),
			openSession(t, ctx, s, newSession(subject(odd, "ada"), "s"), describe),
			openSession(t, ctx, s, newSession(subject("", odd), "of "+odd), describe))
	}
	for _, r := range all {
		requireSession(t, ctx, s, r)
	}
	for _, odd := range oddTexts() {
		requireLive(t, ctx, s, subject("", odd), base(), "of "+odd)
		requireLive(t, ctx, s, subject(odd, "ada"), base(), "s")
	}
}

func sessionAliasing(t *testing.T, ctx context.Context, s session.Store) {
	ada := subject("", "ada")
	spoil := func(list ...session.Record) {
		for _, r := range list {
			r.SecretHash[0]++
			r.Methods[0] = "spoilt"
		}
	}
	spoil(openSession(t, ctx, s, newSession(ada, "s1")))
	requireSession(t, ctx, s, newSession(ada, "s1"))

	got, err := s.Session(ctx, "", "s1")
	require.NoError(t, err)
	list, err := s.Sessions(ctx, ada, base())
	require.NoError(t, err)
	spoil(append(list, got)...)
	requireSession(t, ctx, s, newSession(ada, "s1"))

	next := rotation(newSession(ada, "s1"), base())
	require.NoError(t, s.RotateSession(ctx, next))
	next.NextHash[0]++
	expected := rotated(newSession(ada, "s1"), rotation(newSession(ada, "s1"), base()))
	requireSession(t, ctx, s, expected)

	expected.EndedAt, expected.EndReason = base(), authn.EndEvicted
	evicted, err := s.CreateSession(ctx, newSession(ada, "s2"), session.Limit{Max: 1, Policy: session.EvictOldest})
	require.NoError(t, err)
	spoil(evicted...)
	requireSession(t, ctx, s, expected)

	methods := []string{"hwk"}
	got, err = s.ProveSession(ctx, "", "s2", session.Proved{Methods: methods}, base())
	require.NoError(t, err)
	spoil(got)
	methods[0] = "spoilt"

	ended, err := s.EndSessions(ctx, ada, session.Selection{}, base(), authn.EndLogout)
	require.NoError(t, err)
	spoil(ended...)
	expected = newSession(ada, "s2")
	expected.Methods = append(expected.Methods, "hwk")
	expected.EndedAt, expected.EndReason = base(), authn.EndLogout
	requireSession(t, ctx, s, expected)
}

func sessionCancelled(t *testing.T, ctx context.Context, s session.Store) {
	ada := subject("", "ada")
	r := openSession(t, ctx, s, newSession(ada, "s1"))
	snapshot := func() any {
		list, err := s.Sessions(ctx, ada, base())
		require.NoError(t, err)
		return list
	}
	limit := session.Limit{Max: 1, Policy: session.EvictOldest}
	requireRefusesCancelled(t, snapshot, []call{
		{"CreateSession", func(ctx context.Context) error { return errOf(s.CreateSession(ctx, newSession(ada, "s2"), limit)) }},
		{"Session", func(ctx context.Context) error { return errOf(s.Session(ctx, "", "s1")) }},
		{"RotateSession", func(ctx context.Context) error { return s.RotateSession(ctx, rotation(r, base())) }},
		{"ProveSession", func(ctx context.Context) error {
			return errOf(s.ProveSession(ctx, "", "s1", session.Proved{Methods: []string{"hwk"}, AuthTime: base().Add(tick)}, base()))
		}},
		{"TouchSessions", func(ctx context.Context) error { return s.TouchSessions(ctx, touch("", "s1", useAt(base().Add(tick)))) }},
		{"EndSessions", func(ctx context.Context) error {
			return errOf(s.EndSessions(ctx, ada, session.Selection{}, base(), authn.EndLogout))
		}},
		{"Sessions", func(ctx context.Context) error { return errOf(s.Sessions(ctx, ada, base())) }},
		{"TenantSessions", func(ctx context.Context) error { return errOf(s.TenantSessions(ctx, "", base(), "", 9)) }},
		{"PruneSessions", func(ctx context.Context) error { return errOf(s.PruneSessions(ctx, base().Add(2*fullTime))) }},
	})
}
