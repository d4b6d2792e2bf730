package session_test

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/setting"
)

// Where a session is bound to, and the clients that it is not bound to.
var (
	home    = authn.Client{IP: netip.MustParseAddr("203.0.113.7"), Certificate: authn.CertificateThumbprint([]byte("leaf"))}
	abroad  = authn.Client{IP: netip.MustParseAddr("198.51.100.7"), Certificate: home.Certificate}
	unsure  = authn.Client{IP: home.IP}
	toHome  = authn.Confirmation{Certificate: home.Certificate, Network: netip.MustParsePrefix("203.0.113.7/32")}
	strange = map[string]authn.Client{"another address": abroad, "no certificate": unsure, "nothing": {}}
)

func (f *fixture) openBound(t *testing.T, carrier authn.Carrier) (authn.Session, setting.Secret) {
	t.Helper()
	proof := authn.Proof{Subject: ada, Methods: []string{"pwd"}, Time: f.now}
	opened, secret, err := f.Open(t.Context(), authn.Opening{Proof: proof, Carrier: carrier, Client: home, Confirmation: toHome})
	require.NoError(t, err)
	require.Equal(t, toHome, opened.Confirmation)
	return opened, secret
}

func withEvents(events *[]audit.Event) func(*session.Deps) {
	bus := audit.NewBus(nil, nil)
	bus.Subscribe(audit.ListenerFunc(func(_ context.Context, e audit.Event) { *events = append(*events, e) }))
	return func(d *session.Deps) { d.Events = bus }
}

// MTLS-05: rotation keeps the binding, in the session and for all that comes of it.
func TestRotationKeepsTheBinding(t *testing.T) {
	t.Parallel()
	f := newFixture(t, session.Config{})
	opened, refresh := f.openBound(t, authn.CarrierToken)
	for range 3 {
		var issued authn.Session
		rotated, next, err := f.Rotate(t.Context(), refresh, home, func(s authn.Session) error { issued = s; return nil })
		require.NoError(t, err)
		assert.Equal(t, toHome, rotated.Confirmation)
		assert.Equal(t, toHome, issued.Confirmation)
		refresh = next
	}
	live, err := f.Live(t.Context(), "", opened.ID)
	require.NoError(t, err)
	assert.Equal(t, toHome, live.Confirmation)
	peeked, err := f.Peek(t.Context(), refresh)
	require.NoError(t, err, "looking needs no proof")
	assert.Equal(t, toHome, peeked.Confirmation)
}

// REF-07: a proven refresh token at another client is theft, in the grace window too; one that proves nothing ends nothing.
func TestRefreshElsewhereEndsTheSession(t *testing.T) {
	t.Parallel()
	for name, client := range strange {
		for _, grace := range []setting.Count{0, 10} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				var events []audit.Event
				f := newFixtureOf(t, session.Config{RefreshGraceSeconds: grace}, withEvents(&events))
				opened, refresh := f.openBound(t, authn.CarrierToken)
				forged := setting.Secret(headOf(refresh) + "AAAAAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
				_, _, err := f.Rotate(t.Context(), forged, client, issue)
				require.ErrorIs(t, err, authn.ErrRefreshInvalid)
				require.NoError(t, f.lives(t, opened))
				presented := refresh
				if grace > 0 {
					_, _, err = f.Rotate(t.Context(), refresh, home, issue)
					require.NoError(t, err)
				}
				_, next, err := f.Rotate(t.Context(), presented, client, func(authn.Session) error {
					t.Error("something was issued")
					return nil
				})
				require.ErrorIs(t, err, authn.ErrTokenBinding)
				assert.Empty(t, next)
				require.ErrorIs(t, f.lives(t, opened), authn.ErrSessionEnded)
				_, _, err = f.Rotate(t.Context(), presented, home, issue)
				require.ErrorIs(t, err, authn.ErrRefreshInvalid)
				require.Len(t, events, 2)
				assert.Equal(t, audit.SessionEnded, events[0].Type)
				assert.Equal(t, string(authn.EndBinding), events[0].Reason)
				assert.Equal(t, audit.BindingFailed, events[1].Type)
				assert.Equal(t, client.IPText(), events[1].IP)
				assert.Equal(t, map[string]string{"credential": "refresh_token"}, events[1].Detail)
			})
		}
	}
}

// An old token is a reuse wherever it comes from.
func TestReuseElsewhereIsReuse(t *testing.T) {
	t.Parallel()
	f := newFixture(t, session.Config{})
	_, refresh := f.openBound(t, authn.CarrierToken)
	_, _, err := f.Rotate(t.Context(), refresh, home, issue)
	require.NoError(t, err)
	_, _, err = f.Rotate(t.Context(), refresh, abroad, issue)
	require.ErrorIs(t, err, authn.ErrRefreshReused)
}

// A cookie elsewhere is refused and is no use of the session: it neither prolongs nor describes it.
func TestBoundCookieElsewhere(t *testing.T) {
	t.Parallel()
	f := newFixture(t, session.Config{})
	_, cookie := f.openBound(t, authn.CarrierCookie)
	f.now = f.now.Add(time.Minute)
	before, err := f.List(t.Context(), ada)
	require.NoError(t, err)
	for name, client := range strange {
		resumed, err := f.Resume(t.Context(), cookie, client)
		require.ErrorIs(t, err, authn.ErrTokenBinding, name)
		assert.Zero(t, resumed)
	}
	after, err := f.List(t.Context(), ada)
	require.NoError(t, err)
	assert.Equal(t, before, after)
	resumed, err := f.Resume(t.Context(), cookie, home)
	require.NoError(t, err)
	assert.Equal(t, toHome, resumed.Confirmation)
}

func (f *fixture) lives(t *testing.T, s authn.Session) error {
	t.Helper()
	_, err := f.Live(t.Context(), s.Subject.Tenant, s.ID)
	return err
}
