package session_test

import (
	"context"
	"sync"
	"sync/atomic"
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

// FIX-01: the session keeps everything but its secret.
func TestRenew(t *testing.T) {
	t.Parallel()
	f := newFixture(t, session.Config{})
	opened, old := f.open(t, ada, authn.CarrierCookie)
	f.now = f.now.Add(30 * time.Minute)
	renewed, fresh, err := f.Renew(t.Context(), old, authn.Client{})
	require.NoError(t, err)
	assert.Equal(t, opened, renewed)
	assert.NotEqual(t, old, fresh)
	have, err := f.Resume(t.Context(), fresh, authn.Client{})
	require.NoError(t, err)
	assert.Equal(t, opened, have)
	_, err = f.Resume(t.Context(), old, authn.Client{})
	require.ErrorIs(t, err, authn.ErrSessionEnded)
	f.now = f.now.Add(59 * time.Minute)
	_, err = f.Live(t.Context(), ada.Tenant, opened.ID)
	require.NoError(t, err, "a renewal is a use")
}

// What cannot be renewed, and what the caller is told.
func TestWhatIsNotRenewed(t *testing.T) {
	t.Parallel()
	f := newFixture(t, session.Config{})
	_, token := f.open(t, ada, authn.CarrierToken)
	ended, dead := f.open(t, ada, authn.CarrierCookie)
	require.NoError(t, f.Revoke(t.Context(), ada, ended.ID))
	_, old := f.open(t, ada, authn.CarrierCookie)
	_, _, err := f.Renew(t.Context(), old, authn.Client{})
	require.NoError(t, err)
	for name, tc := range map[string]struct {
		have     setting.Secret
		expected error
	}{
		"nothing":                 {"", authn.ErrSessionEnded},
		"malformed":               {"cs_x_y", authn.ErrSessionEnded},
		"refresh token":           {token, authn.ErrSessionEnded},
		"refresh token as cookie": {"cs" + token[2:], authn.ErrSessionEnded},
		"ended":                   {dead, authn.ErrSessionEnded},
		"renewed before":          {old, authn.ErrSessionRenewed},
	} {
		_, secret, err := f.Renew(t.Context(), tc.have, authn.Client{})
		require.ErrorIs(t, err, tc.expected, name)
		assert.Empty(t, secret, name)
	}
	f.now = f.now.Add(time.Minute)
	_, _, err = f.Renew(t.Context(), old, authn.Client{})
	assert.ErrorIs(t, err, authn.ErrSessionEnded, "long after, it is just an old cookie")
}

// A bound session is renewed where it is bound to, and nowhere else; the attempt ends nothing.
func TestRenewKeepsTheBinding(t *testing.T) {
	t.Parallel()
	var events []audit.Event
	f := newFixtureOf(t, session.Config{}, withEvents(&events))
	_, cookie := f.openBound(t, authn.CarrierCookie)
	for name, client := range strange {
		events = nil
		_, _, err := f.Renew(t.Context(), cookie, client)
		require.ErrorIs(t, err, authn.ErrTokenBinding, name)
		require.Len(t, events, 1, name)
		assert.Equal(t, audit.BindingFailed, events[0].Type, name)
	}
	renewed, _, err := f.Renew(t.Context(), cookie, home)
	require.NoError(t, err)
	assert.Equal(t, toHome, renewed.Confirmation)
}

// Of concurrent calls exactly one succeeds.
func TestRenewalsAtOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t, session.Config{})
	_, old := f.open(t, ada, authn.CarrierCookie)
	var wg sync.WaitGroup
	var won atomic.Int64
	for range 16 {
		wg.Go(func() {
			_, fresh, err := f.Renew(t.Context(), old, authn.Client{})
			if err != nil {
				assert.ErrorIs(t, err, authn.ErrSessionRenewed)
				return
			}
			won.Add(1)
			_, err = f.Resume(t.Context(), fresh, authn.Client{})
			assert.NoError(t, err)
		})
	}
	wg.Wait()
	assert.EqualValues(t, 1, won.Load())
}

// After an error the old cookie is still good, or the new one is handed out; never neither.
func TestRenewalOfUncertainOutcome(t *testing.T) {
	t.Parallel()
	proof := authn.Proof{Subject: ada, Methods: []string{"pwd"}, Time: start}
	for name, renews := range map[string]bool{"stored": true, "not stored": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := &uncertain{Store: memstore.New(), rotates: renews}
			m := managerOn(t, store, 7)
			_, cookie, err := m.Open(t.Context(), authn.Opening{Proof: proof, Carrier: authn.CarrierCookie})
			require.NoError(t, err)
			store.failing = true
			_, next, err := m.Renew(t.Context(), cookie, authn.Client{})
			if renews {
				require.NoError(t, err)
				cookie = next
			} else {
				require.ErrorIs(t, err, errLost)
			}
			_, err = m.Resume(t.Context(), cookie, authn.Client{})
			assert.NoError(t, err)
		})
	}
}

// ending ends the session right before a secret is replaced.
type ending struct{ *memstore.Store }

func (s *ending) RotateSession(ctx context.Context, r session.Rotation) error {
	if _, err := s.EndSessions(ctx, ada, session.Selection{}, start, authn.EndLogout); err != nil {
		return err
	}
	return s.Store.RotateSession(ctx, r)
}

// A logout that comes first is not taken for another renewal.
func TestRenewalAfterALogout(t *testing.T) {
	t.Parallel()
	m := managerOn(t, &ending{memstore.New()}, 7)
	_, cookie, err := m.Open(t.Context(), authn.Opening{Proof: authn.Proof{Subject: ada, Time: start}, Carrier: authn.CarrierCookie})
	require.NoError(t, err)
	_, _, err = m.Renew(t.Context(), cookie, authn.Client{})
	assert.ErrorIs(t, err, authn.ErrSessionEnded)
}

// A cookie that went out of use is superseded for a minute, and just dead afterwards.
func TestSupersededCookies(t *testing.T) {
	t.Parallel()
	for name, out := range map[string]func(f *fixture, id string, cookie setting.Secret) error{
		"ended": func(f *fixture, id string, _ setting.Secret) error {
			return f.Close(t.Context(), ada, id, authn.EndSuperseded)
		},
		"renewed": func(f *fixture, _ string, cookie setting.Secret) error {
			_, _, err := f.Renew(t.Context(), cookie, authn.Client{})
			return err
		},
		"renewed twice": func(f *fixture, _ string, cookie setting.Secret) error {
			_, next, err := f.Renew(t.Context(), cookie, authn.Client{})
			if err == nil {
				_, _, err = f.Renew(t.Context(), next, authn.Client{})
			}
			return err
		},
		"idle": func(f *fixture, _ string, _ setting.Secret) error { f.now = f.now.Add(time.Hour); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, session.Config{})
			opened, cookie := f.open(t, ada, authn.CarrierCookie)
			require.NoError(t, out(f, opened.ID, cookie))
			resume := func() error {
				_, err := f.Resume(t.Context(), cookie, authn.Client{})
				require.ErrorIs(t, err, authn.ErrSessionEnded)
				return err
			}
			require.ErrorIs(t, resume(), authn.ErrCookieSuperseded)
			f.now = f.now.Add(time.Minute - time.Microsecond)
			require.ErrorIs(t, resume(), authn.ErrCookieSuperseded)
			f.now = f.now.Add(time.Microsecond)
			assert.NotErrorIs(t, resume(), authn.ErrCookieSuperseded)
		})
	}
	f := newFixture(t, session.Config{})
	_, err := f.Resume(t.Context(), "cs_x_y", authn.Client{})
	assert.NotErrorIs(t, err, authn.ErrCookieSuperseded)
}
