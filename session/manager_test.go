package session_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/store/memstore"
)

var (
	start = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	ada   = authn.Subject{ID: "ada"}
	day   = 24 * time.Hour
)

type fixture struct {
	*session.Manager
	store *memstore.Store
	now   time.Time
}

func newFixture(t *testing.T, cfg session.Config) *fixture {
	t.Helper()
	return newFixtureOf(t, cfg, func(*session.Deps) {})
}

func newFixtureOf(t *testing.T, cfg session.Config, change func(*session.Deps)) *fixture {
	t.Helper()
	f := &fixture{store: memstore.New(), now: start}
	deps := session.Deps{
		Store: f.store, RefreshIdle: 7 * day, Now: func() time.Time { return f.now }, RefreshKey: bytes.Repeat([]byte{7}, 32),
	}
	change(&deps)
	manager, err := session.New(cfg, deps)
	require.NoError(t, err)
	f.Manager = manager
	return f
}

func (f *fixture) open(t *testing.T, s authn.Subject, carrier authn.Carrier) (authn.Session, setting.Secret) {
	t.Helper()
	opened, secret, err := f.Open(t.Context(), authn.Opening{Proof: authn.Proof{Subject: s, Methods: []string{"pwd"}, Time: f.now}, Carrier: carrier})
	require.NoError(t, err)
	return opened, secret
}

func (f *fixture) resume(t *testing.T, cookie setting.Secret) error {
	t.Helper()
	_, err := f.Resume(t.Context(), cookie, authn.Client{})
	return err
}

func issue(authn.Session) error { return nil }

func headOf(c setting.Secret) string   { return c.Reveal()[:strings.LastIndexByte(c.Reveal(), '_')+1] }
func secretOf(c setting.Secret) string { return strings.TrimPrefix(c.Reveal(), headOf(c)) }

// V7.3.1, V7.3.2: exact to the microsecond, and use extends up to the absolute end.
func TestCookieSessionEnds(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name     string
		cfg      session.Config
		uses     []time.Duration
		at       time.Duration
		expected error
	}{
		{"before the idle end", session.Config{}, nil, time.Hour - time.Microsecond, nil},
		{"at the idle end", session.Config{}, nil, time.Hour, authn.ErrSessionEnded},
		{"a use extends", session.Config{}, []time.Duration{50 * time.Minute}, 109 * time.Minute, nil},
		{"a use extends by the timeout only", session.Config{}, []time.Duration{50 * time.Minute}, 110 * time.Minute, authn.ErrSessionEnded},
		{"configured idle time", session.Config{TimeoutMinutes: 5}, nil, 5 * time.Minute, authn.ErrSessionEnded},
		{"use cannot pass the absolute end", session.Config{TimeoutMinutes: 24 * 60, AbsoluteTimeoutDays: 2},
			[]time.Duration{20 * time.Hour, 40 * time.Hour, 47 * time.Hour}, 48 * time.Hour, authn.ErrSessionEnded},
		{"before the absolute end", session.Config{TimeoutMinutes: 24 * 60, AbsoluteTimeoutDays: 2},
			[]time.Duration{20 * time.Hour, 40 * time.Hour, 47 * time.Hour}, 48*time.Hour - time.Microsecond, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, c.cfg)
			opened, cookie := f.open(t, ada, authn.CarrierCookie)
			for _, use := range c.uses {
				f.now = start.Add(use)
				require.NoError(t, f.resume(t, cookie))
			}
			f.now = start.Add(c.at)
			assert.ErrorIs(t, f.resume(t, cookie), c.expected)
			_, err := f.Live(t.Context(), "", opened.ID)
			assert.ErrorIs(t, err, c.expected)
			live, err := f.List(t.Context(), ada)
			require.NoError(t, err)
			assert.Equal(t, c.expected == nil, len(live) == 1)
		})
	}
}

// REF-06, V10.4.8: sliding never passes the absolute end; requests with an access token are no uses.
func TestTokenSessionEnds(t *testing.T) {
	t.Parallel()
	t.Run("unused for a week", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t, session.Config{})
		opened, refresh := f.open(t, ada, authn.CarrierToken)
		f.now = start.Add(7*day - time.Second)
		_, err := f.Live(t.Context(), "", opened.ID)
		require.NoError(t, err, "the cookie's idle time is not the token's")
		f.now = start.Add(7 * day)
		_, _, err = f.Rotate(t.Context(), refresh, authn.Client{}, issue)
		assert.ErrorIs(t, err, authn.ErrRefreshInvalid)
	})
	t.Run("rotated daily", func(t *testing.T) {
		t.Parallel()
		f := newFixture(t, session.Config{})
		_, refresh := f.open(t, ada, authn.CarrierToken)
		for d := 1; d < 30; d++ {
			f.now = start.Add(time.Duration(d) * day)
			opened, next, err := f.Rotate(t.Context(), refresh, authn.Client{}, issue)
			require.NoError(t, err, "day %d", d)
			assert.Equal(t, start, opened.AuthTime, "refreshing does not freshen the login")
			assert.Equal(t, start.Add(30*day), opened.Ends)
			refresh = next
		}
		f.now = start.Add(30 * day)
		_, _, err := f.Rotate(t.Context(), refresh, authn.Client{}, issue)
		assert.ErrorIs(t, err, authn.ErrRefreshInvalid)
	})
}

// REF-03: a proven ancestor at any distance ends the session; V7.2.4, REF-01.
func TestEveryAncestorProvesItself(t *testing.T) {
	t.Parallel()
	for distance := 1; distance <= 5; distance++ {
		t.Run(fmt.Sprint(distance), func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, session.Config{})
			_, first := f.open(t, ada, authn.CarrierToken)
			current := first
			for range distance {
				_, next, err := f.Rotate(t.Context(), current, authn.Client{}, issue)
				require.NoError(t, err)
				current = next
			}
			_, _, err := f.Rotate(t.Context(), first, authn.Client{}, issue)
			require.ErrorIs(t, err, authn.ErrRefreshReused)
			_, _, err = f.Rotate(t.Context(), current, authn.Client{}, issue)
			assert.ErrorIs(t, err, authn.ErrRefreshInvalid)
		})
	}
}

// REF-08: nothing is consumed when issuing fails.
func TestFailedIssueConsumesNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t, session.Config{})
	_, refresh := f.open(t, ada, authn.CarrierToken)
	broken := errors.New("no signer")
	_, _, err := f.Rotate(t.Context(), refresh, authn.Client{}, func(authn.Session) error { return broken })
	require.ErrorIs(t, err, broken)
	_, _, err = f.Rotate(t.Context(), refresh, authn.Client{}, issue)
	assert.NoError(t, err)
}

// V9.2.2 for opaque credentials: a cookie is no refresh token, nor the other way round, and another session's secret fits no other.
func TestCredentialsAreNotInterchangeable(t *testing.T) {
	t.Parallel()
	f := newFixture(t, session.Config{})
	_, cookie := f.open(t, ada, authn.CarrierCookie)
	_, refresh := f.open(t, ada, authn.CarrierToken)
	_, other := f.open(t, ada, authn.CarrierCookie)
	for name, bad := range map[string]setting.Secret{
		"refresh token": refresh, "empty": "", "renamed refresh token": "cs" + refresh[2:],
		"secret of another session": setting.Secret(headOf(cookie) + secretOf(other)),
		"public ID alone":           setting.Secret(headOf(cookie)),
		"upper case":                setting.Secret(strings.ToUpper(cookie.Reveal())),
		"extended":                  cookie + "a", "truncated": cookie[:len(cookie)-1],
	} {
		assert.ErrorIs(t, f.resume(t, bad), authn.ErrSessionEnded, name)
	}
	for name, bad := range map[string]setting.Secret{"cookie": cookie, "renamed cookie": "rt" + cookie[2:]} {
		_, _, err := f.Rotate(t.Context(), bad, authn.Client{}, issue)
		assert.ErrorIs(t, err, authn.ErrRefreshInvalid, name)
	}
	assert.NoError(t, f.resume(t, cookie))
}

// V8.4.1, TEN-01: one ID in two tenants is two accounts.
func TestTenantsDoNotShareSessions(t *testing.T) {
	t.Parallel()
	f := newFixture(t, session.Config{MaxPerUser: 1})
	inAcme, inBeta := authn.Subject{Tenant: "acme", ID: "1"}, authn.Subject{Tenant: "beta", ID: "1"}
	acme, cookie := f.open(t, inAcme, authn.CarrierCookie)
	f.open(t, inBeta, authn.CarrierCookie)
	assert.True(t, strings.HasPrefix(acme.ID, "acme."))
	assert.NoError(t, f.resume(t, cookie), "the limit counts each tenant's own")
	moved := setting.Secret(strings.Replace(cookie.Reveal(), "acme.", "beta.", 1))
	assert.ErrorIs(t, f.resume(t, moved), authn.ErrSessionEnded)
	assert.ErrorIs(t, f.Revoke(t.Context(), inBeta, acme.ID), authn.ErrNotFound)
	_, err := f.Live(t.Context(), "beta", acme.ID)
	assert.ErrorIs(t, err, authn.ErrSessionEnded)
}

// V7.5.2: the list shows device, address and last use, and nothing that authenticates.
func TestListShowsDevices(t *testing.T) {
	t.Parallel()
	f := newFixture(t, session.Config{})
	proof := authn.Proof{Subject: ada, Methods: []string{"pwd"}, Time: f.now}
	client := authn.Client{
		IP:        netip.MustParseAddr("198.51.100.7"),
		UserAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
	}
	_, secret, err := f.Open(t.Context(), authn.Opening{Proof: proof, Carrier: authn.CarrierCookie, Client: client})
	require.NoError(t, err)
	f.now = start.Add(time.Minute)
	f.open(t, ada, authn.CarrierToken)
	live, err := f.List(t.Context(), ada)
	require.NoError(t, err)
	require.Len(t, live, 2, "the last used first")
	assert.Equal(t, "Unknown device", live[0].Device)
	assert.Equal(t, "Firefox on Linux", live[1].Device)
	assert.Equal(t, "198.51.100.7", live[1].IP)
	assert.Equal(t, start, live[1].LastUsedAt)
	assert.Equal(t, start.Add(time.Hour), live[1].ExpiresAt)
	text := fmt.Sprintf("%+v", live)
	assert.NotContains(t, text, secret.Reveal()[strings.LastIndexByte(secret.Reveal(), '_')+1:])
}

func TestDeviceName(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, have, expected string }{
		{"none", "", "Unknown device"},
		{"chrome", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36", "Chrome on macOS"},
		{"safari on a phone", "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1", "Safari on iOS"},
		{"edge", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0", "Edge on Windows"},
		{"curl", "curl/8.5.0", "curl"},
		{"long", strings.Repeat("x", 100_000), ""},
		{"control characters", "evil\r\nSet-Cookie: a=b\x1b[31m", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := session.DeviceName(c.have)
			if c.expected != "" {
				assert.Equal(t, c.expected, got)
			}
			assert.LessOrEqual(t, len(got), 1024)
			assert.NotRegexp(t, `[^ -~]`, got)
		})
	}
}

// A manager does not print its key.
func TestManagerPrintsNoKey(t *testing.T) {
	t.Parallel()
	f := newFixture(t, session.Config{})
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		text := fmt.Sprintf(verb, f.Manager)
		assert.NotContains(t, text, "7 7 7 7")
		assert.NotContains(t, text, "07070707")
		assert.NotContains(t, text, "0x7, 0x7")
	}
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	_, err := session.New(session.Config{}, session.Deps{})
	assert.ErrorContains(t, err, "store")
	_, err = session.New(session.Config{}, session.Deps{Store: memstore.New(), RefreshKey: []byte("short")})
	assert.ErrorContains(t, err, "32")
}
