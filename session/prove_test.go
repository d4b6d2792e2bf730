package session_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/store/memstore"
)

// STEP-02: what is proved makes a session fresh; refreshing, renewing and using it does not.
func TestSTEP02ProveAndNothingElseFreshens(t *testing.T) {
	t.Parallel()
	for _, carrier := range []authn.Carrier{authn.CarrierToken, authn.CarrierCookie} {
		f := newFixture(t, session.Config{})
		opened, secret := f.open(t, ada, carrier)
		prove := func(second bool, methods ...string) authn.Session {
			t.Helper()
			got, next, err := f.Prove(t.Context(), ada, opened.ID, secret, authn.Client{}, methods, f.now, second)
			require.NoError(t, err)
			require.Equal(t, carrier == authn.CarrierCookie, next != "")
			if next != "" {
				require.ErrorIs(t, f.resume(t, secret), authn.ErrSessionEnded, "the cookie before")
				secret = next
			}
			live, err := f.Live(t.Context(), "", opened.ID)
			require.NoError(t, err)
			require.Equal(t, live, got)
			return got
		}
		f.now = f.now.Add(10 * time.Minute)
		got := prove(false, "pwd")
		assert.Equal(t, f.now, got.AuthTime)
		assert.Zero(t, got.MFATime)
		f.now = f.now.Add(10 * time.Minute)
		got = prove(true, "otp", "mfa")
		assert.Equal(t, []time.Time{f.now, f.now}, []time.Time{got.AuthTime, got.MFATime})
		assert.Equal(t, []string{"pwd", "otp", "mfa"}, got.Methods)
		assert.Equal(t, opened.Ends, got.Ends, "it lives no longer")

		f.now = f.now.Add(10 * time.Minute)
		var err error
		if carrier == authn.CarrierCookie {
			_, secret, err = f.Renew(t.Context(), secret, authn.Client{})
			require.NoError(t, err)
			require.NoError(t, f.resume(t, secret))
		} else {
			_, _, err = f.Rotate(t.Context(), secret, authn.Client{}, issue)
			require.NoError(t, err)
		}
		later, err := f.Live(t.Context(), "", opened.ID)
		require.NoError(t, err)
		assert.Equal(t, got, later)
	}
}

// What cannot be proved, and changes nothing.
func TestWhatIsNotProved(t *testing.T) {
	t.Parallel()
	f := newFixture(t, session.Config{})
	eve := authn.Subject{ID: "eve"}
	token, refresh := f.open(t, ada, authn.CarrierToken)
	cookie, secret := f.open(t, ada, authn.CarrierCookie)
	_, other := f.open(t, ada, authn.CarrierCookie)
	ended, _ := f.open(t, ada, authn.CarrierToken)
	require.NoError(t, f.Revoke(t.Context(), ada, ended.ID))
	acted, _, err := f.Open(t.Context(), authn.Opening{Proof: authn.Proof{Subject: ada, Time: f.now}, Carrier: authn.CarrierToken, Actor: "root", ActorSession: "roots"})
	require.NoError(t, err)
	before := map[string]authn.Session{token.ID: token, cookie.ID: cookie, acted.ID: acted}
	f.now = f.now.Add(time.Minute)
	for name, tc := range map[string]struct {
		subject authn.Subject
		id      string
		cookie  setting.Secret
	}{
		"another account's":  {eve, token.ID, ""},
		"another tenant's":   {authn.Subject{Tenant: "acme", ID: ada.ID}, token.ID, ""},
		"ended":              {ada, ended.ID, ""},
		"unknown":            {ada, "x", ""},
		"no cookie":          {ada, cookie.ID, ""},
		"another's cookie":   {ada, cookie.ID, other},
		"a refresh token":    {ada, cookie.ID, refresh},
		"no cookie at all":   {ada, cookie.ID, "x"},
		"somebody's session": {eve, cookie.ID, secret},
		"in ada's name":      {ada, acted.ID, ""},
	} {
		_, next, err := f.Prove(t.Context(), tc.subject, tc.id, tc.cookie, authn.Client{}, []string{"hwk"}, f.now, true)
		assert.ErrorIs(t, err, authn.ErrSessionEnded, name)
		assert.Empty(t, next, name)
	}
	for id, expected := range before {
		have, err := f.Live(t.Context(), "", id)
		require.NoError(t, err)
		assert.Equal(t, expected, have)
	}
	require.NoError(t, f.resume(t, secret), "the cookie is as good as before")
	_, _, err = f.Prove(t.Context(), ada, cookie.ID, secret, authn.Client{}, nil, f.now, false)
	require.NoError(t, err)
	_, _, err = f.Prove(t.Context(), ada, cookie.ID, secret, authn.Client{}, nil, f.now, false)
	assert.ErrorIs(t, err, authn.ErrSessionRenewed)
}

// After an error either both are so or neither: the cookie is new and the session fresh, or the old one is good and nothing was proved.
func TestProofOfUncertainOutcome(t *testing.T) {
	t.Parallel()
	for name, stores := range map[string]bool{"stored": true, "not stored": false} {
		store := &uncertain{Store: memstore.New(), rotates: stores}
		m := managerOn(t, store, 7)
		opened, cookie, err := m.Open(t.Context(), authn.Opening{Proof: authn.Proof{Subject: ada, Methods: []string{"pwd"}, Time: start}, Carrier: authn.CarrierCookie})
		require.NoError(t, err)
		store.failing = true
		got, next, err := m.Prove(t.Context(), ada, opened.ID, cookie, authn.Client{}, []string{"otp", "mfa"}, start.Add(time.Second), true)
		if stores {
			require.NoError(t, err, name)
			assert.Equal(t, start.Add(time.Second), got.MFATime, name)
			cookie = next
		} else {
			require.ErrorIs(t, err, errLost, name)
		}
		live, err := m.Resume(t.Context(), cookie, authn.Client{})
		require.NoError(t, err, name)
		assert.Equal(t, stores, !live.MFATime.IsZero(), name)
	}
}

// unproving cannot store a proof.
type unproving struct{ *memstore.Store }

func (unproving) ProveSession(context.Context, authn.Tenant, string, session.Proved, time.Time) (session.Record, error) {
	return session.Record{}, errors.New("the disk is gone")
}

func TestProofThatCannotBeStored(t *testing.T) {
	t.Parallel()
	m := managerOn(t, unproving{memstore.New()}, 7)
	opened, _, err := m.Open(t.Context(), authn.Opening{Proof: authn.Proof{Subject: ada, Time: start}})
	require.NoError(t, err)
	got, _, err := m.Prove(t.Context(), ada, opened.ID, "", authn.Client{}, nil, start, true)
	require.ErrorContains(t, err, "the disk is gone")
	require.NotErrorIs(t, err, authn.ErrSessionEnded)
	assert.Zero(t, got)
}

// A session in somebody else's name has its own end, is remembered by nobody, and is no use of a device.
func TestSessionInSomebodyElsesName(t *testing.T) {
	t.Parallel()
	mail := &mailbox{}
	var events []audit.Event
	var store *memstore.Store
	f := newFixtureOf(t, session.Config{RememberDays: 90, MaxPerUser: 1}, func(d *session.Deps) {
		withEvents(&events)(d)
		store = memstore.New()
		d.Devices, d.Notifier = store, mail
	})
	own, _ := f.open(t, ada, authn.CarrierToken)
	events = nil
	o := authn.Opening{
		Proof: authn.Proof{Subject: ada, Time: f.now}, Carrier: authn.CarrierCookie, Remember: true, Client: authn.Client{UserAgent: firefox},
		Device: authn.DeviceClaim{Token: "token", Name: "laptop"}, Actor: "root", ActorSession: "roots", Lifetime: 30 * time.Minute,
	}
	acted, cookie, err := f.Open(t.Context(), o)
	require.NoError(t, err)
	assert.Equal(t, []any{"root", "roots", f.now.Add(30 * time.Minute)}, []any{acted.Actor, acted.ActorSession, acted.Ends})
	assert.Empty(t, events, "neither a device nor an eviction")
	devices, err := store.Devices(t.Context(), ada)
	require.NoError(t, err)
	assert.Len(t, devices, 1, "the owner's own")
	list, err := f.List(t.Context(), ada)
	require.NoError(t, err)
	require.Len(t, list, 2)
	for _, info := range list {
		assert.Equal(t, info.ID == acted.ID, info.Actor == "root")
		assert.False(t, info.Remember)
	}
	o.Lifetime = 100 * day
	long, _, err := f.Open(t.Context(), o)
	require.NoError(t, err)
	assert.Equal(t, own.Ends, long.Ends, "a lifetime makes no session longer")
	f.now = f.now.Add(30*time.Minute - time.Microsecond)
	require.NoError(t, f.resume(t, cookie))
	f.now = f.now.Add(time.Microsecond)
	require.ErrorIs(t, f.resume(t, cookie), authn.ErrSessionEnded)
	_, err = f.Live(t.Context(), "", own.ID)
	require.NoError(t, err)
	require.NoError(t, f.Revoke(t.Context(), ada, long.ID))
	require.Len(t, events, 1)
	assert.Equal(t, "root", events[0].Actor)
	assert.Empty(t, mail.got)
}
