package session_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/session"
)

// NIST-07: the limits of each level, a second to both sides, for cookies and for refresh tokens.
func TestPresets(t *testing.T) {
	t.Parallel()
	cases := []struct {
		preset         session.Preset
		idle, absolute time.Duration
	}{
		{session.AAL1, time.Hour, 30 * day},
		{session.AAL2, time.Hour, 24 * time.Hour},
		{session.AAL3, 15 * time.Minute, 12 * time.Hour},
	}
	for _, c := range cases {
		for _, remember := range []bool{false, true} {
			t.Run(string(c.preset), func(t *testing.T) {
				t.Parallel()
				opened := func() (*fixture, func() error) {
					f := newFixture(t, session.Config{Preset: c.preset, AbsoluteTimeoutDays: 90, RememberDays: 365})
					_, cookie, err := f.Open(t.Context(), authn.Opening{Proof: authn.Proof{Subject: ada, Time: f.now}, Carrier: authn.CarrierCookie, Remember: remember})
					require.NoError(t, err)
					return f, func() error { return f.resume(t, cookie) }
				}
				if !remember || c.preset != session.AAL1 {
					f, use := opened()
					f.now = start.Add(c.idle - time.Second)
					require.NoError(t, use())
					f.now = f.now.Add(c.idle)
					require.ErrorIs(t, use(), authn.ErrSessionEnded, "not used for %v", c.idle)
				}
				f, use := opened()
				for f.now.Add(c.idle - time.Second).Before(start.Add(c.absolute - time.Second)) {
					f.now = f.now.Add(c.idle - time.Second)
					require.NoError(t, use())
				}
				f.now = start.Add(c.absolute - time.Second)
				require.NoError(t, use())
				f.now = start.Add(c.absolute)
				require.ErrorIs(t, use(), authn.ErrSessionEnded)
			})
		}
	}
}

// NIST-07: a level limits the idle time of sessions with refresh tokens as well.
func TestPresetLimitsRefreshTokens(t *testing.T) {
	t.Parallel()
	f := newFixture(t, session.Config{Preset: session.AAL3, RememberDays: 90})
	for _, remember := range []bool{false, true} {
		f.now = start
		_, refresh, err := f.Open(t.Context(), authn.Opening{Proof: authn.Proof{Subject: ada, Time: f.now}, Carrier: authn.CarrierToken, Remember: remember})
		require.NoError(t, err)
		f.now = start.Add(15*time.Minute - time.Second)
		_, refresh, err = f.Rotate(t.Context(), refresh, authn.Client{}, issue)
		require.NoError(t, err)
		f.now = f.now.Add(15 * time.Minute)
		_, _, err = f.Rotate(t.Context(), refresh, authn.Client{}, issue)
		require.ErrorIs(t, err, authn.ErrRefreshInvalid)
	}
}

func TestUnknownPreset(t *testing.T) {
	t.Parallel()
	_, err := session.New(session.Config{Preset: "aal4"}, session.Deps{Store: newFixture(t, session.Config{}).store})
	assert.ErrorContains(t, err, "aal4")
}

// Remembering lengthens both times, for both carriers, and only where it is configured.
func TestRemember(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name           string
		cfg            session.Config
		carrier        authn.Carrier
		remember       bool
		idle, absolute time.Duration
	}{
		{"cookie", session.Config{RememberDays: 90, RememberIdleDays: 14}, authn.CarrierCookie, true, 14 * day, 90 * day},
		{"cookie, idle by default", session.Config{RememberDays: 90}, authn.CarrierCookie, true, 30 * day, 90 * day},
		{"cookie, short", session.Config{RememberDays: 3}, authn.CarrierCookie, true, 3 * day, 3 * day},
		{"cookie, not asked for", session.Config{RememberDays: 90}, authn.CarrierCookie, false, time.Hour, 30 * day},
		{"cookie, not configured", session.Config{}, authn.CarrierCookie, true, time.Hour, 30 * day},
		{"token", session.Config{RememberDays: 90}, authn.CarrierToken, true, 30 * day, 90 * day},
		{"token, idle longer anyway", session.Config{RememberDays: 90, RememberIdleDays: 2}, authn.CarrierToken, true, 7 * day, 90 * day},
		{"token, not configured", session.Config{}, authn.CarrierToken, true, 7 * day, 30 * day},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, c.cfg)
			opened, _, err := f.Open(t.Context(), authn.Opening{Proof: authn.Proof{Subject: ada, Time: f.now}, Carrier: c.carrier, Remember: c.remember})
			require.NoError(t, err)
			record, err := f.store.Session(t.Context(), "", opened.ID)
			require.NoError(t, err)
			assert.Equal(t, start.Add(c.idle), record.IdleAt)
			assert.Equal(t, start.Add(c.absolute), record.EndsAt)
			assert.Equal(t, start.Add(c.absolute), opened.Ends)
			assert.Equal(t, c.remember && c.cfg.RememberDays > 0, record.Remember)
		})
	}
}

// Shorter times, by a preset or by themselves, hold for the sessions that there are; longer ones for new sessions.
func TestShorterTimesTakeEffect(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		cfg      session.Config
		after    time.Duration
		expected error
	}{
		{"unused for less", session.Config{TimeoutMinutes: 10}, 10*time.Minute - time.Second, nil},
		{"unused for longer", session.Config{TimeoutMinutes: 10}, 10 * time.Minute, authn.ErrSessionEnded},
		{"preset", session.Config{Preset: session.AAL3}, 15 * time.Minute, authn.ErrSessionEnded},
		{"longer times are for new sessions", session.Config{TimeoutMinutes: 600}, time.Hour, authn.ErrSessionEnded},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, session.Config{})
			_, cookie := f.open(t, ada, authn.CarrierCookie)
			later := newFixtureOf(t, c.cfg, func(d *session.Deps) { d.Store = f.store })
			later.now = start.Add(c.after)
			list, err := later.List(t.Context(), ada)
			require.NoError(t, err)
			assert.Equal(t, c.expected == nil, len(list) == 1)
			require.ErrorIs(t, later.resume(t, cookie), c.expected)
		})
	}
}
