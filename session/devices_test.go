package session_test

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/store/memstore"
)

// mailbox keeps what owners are told; err is what it answers.
type mailbox struct {
	mu   sync.Mutex
	got  []session.NewDevice
	err  error
	what any
}

func (m *mailbox) NotifyNewDevice(_ context.Context, n session.NewDevice) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.what != nil {
		panic(m.what)
	}
	m.got = append(m.got, n)
	return m.err
}

type atlas map[string]string

func (a atlas) Locate(_ context.Context, ip netip.Addr) (string, error) {
	place, found := a[ip.String()]
	if !found {
		return "", errors.New("not on the map")
	}
	return place, nil
}

const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

func deviceFixture(t *testing.T, mail *mailbox) (*fixture, *[]audit.Event) {
	t.Helper()
	var events []audit.Event
	bus := audit.NewBus(slog.New(slog.DiscardHandler), time.Now)
	bus.Subscribe(audit.ListenerFunc(func(_ context.Context, e audit.Event) {
		if e.Type == audit.DeviceAdded || e.Type == audit.DeviceRenamed {
			events = append(events, e)
		}
	}))
	f := newFixtureOf(t, session.Config{}, func(d *session.Deps) {
		d.Devices, d.Notifier, d.Locator, d.Events, d.Log = d.Store.(session.DeviceStore), mail, atlas{"192.0.2.1": "Graz, Austria"}, bus, slog.New(slog.DiscardHandler)
	})
	return f, &events
}

func (f *fixture) loginFrom(t *testing.T, s authn.Subject, agent string, claim authn.DeviceClaim) authn.Session {
	t.Helper()
	opened, _, err := f.Open(t.Context(), authn.Opening{
		Proof: authn.Proof{Subject: s, Time: f.now}, Carrier: authn.CarrierToken, Device: claim,
		Client: authn.Client{UserAgent: agent, IP: netip.MustParseAddr("192.0.2.1")},
	})
	require.NoError(t, err)
	return opened
}

// A device is its cookie where there is one, else what it is and calls itself.
func TestNewDevices(t *testing.T) {
	t.Parallel()
	mail := &mailbox{}
	f, events := deviceFixture(t, mail)
	bob := authn.Subject{ID: "bob"}
	for _, c := range []struct {
		name   string
		owner  authn.Subject
		agent  string
		claim  authn.DeviceClaim
		reason string
	}{
		{"the first", ada, firefox, authn.DeviceClaim{Token: "one"}, "first"},
		{"known", ada, firefox, authn.DeviceClaim{Token: "one"}, ""},
		{"known by its cookie in another browser version", ada, "curl/8", authn.DeviceClaim{Token: "one"}, ""},
		{"another cookie", ada, firefox, authn.DeviceClaim{Token: "two"}, "another"},
		{"no cookie", ada, firefox, authn.DeviceClaim{}, "another"},
		{"a newer version of it", ada, strings.ReplaceAll(firefox, "140", "141"), authn.DeviceClaim{}, ""},
		{"another agent", ada, "curl/8.5", authn.DeviceClaim{}, "another"},
		{"with a name", ada, "curl/8.5", authn.DeviceClaim{Name: "build server"}, "another"},
		{"with that name again", ada, "curl/8.6", authn.DeviceClaim{Name: "build server"}, ""},
		{"another account on the first device", bob, firefox, authn.DeviceClaim{Token: "one"}, "first"},
	} {
		before := len(*events)
		opened := f.loginFrom(t, c.owner, c.agent, c.claim)
		if c.reason == "" {
			require.Len(t, *events, before, c.name)
			continue
		}
		require.Len(t, *events, before+1, c.name)
		e := (*events)[before]
		assert.Equal(t, c.reason, e.Reason, c.name)
		assert.Equal(t, opened.ID, e.SessionID)
		assert.Equal(t, c.owner.ID, e.Subject)
	}
	require.NoError(t, f.Flush(t.Context()))
	require.Len(t, mail.got, 4, "the first device of an account is nothing to tell of")
	assert.Equal(t, "Firefox on Linux", mail.got[0].Session.Device)
	assert.Equal(t, "Graz, Austria", mail.got[0].Session.Place)
	assert.Equal(t, "build server", mail.got[3].Session.DeviceName)
	for _, s := range []authn.Subject{ada, bob} {
		devices, err := f.Devices(t.Context(), s)
		require.NoError(t, err)
		for _, d := range devices {
			assert.NotContains(t, d.ID, "one", "the ID tells nothing of the cookie")
		}
	}
	adas, _ := f.Devices(t.Context(), ada)
	bobs, _ := f.Devices(t.Context(), bob)
	require.Len(t, adas, 5)
	require.Len(t, bobs, 1)
	assert.NotContains(t, []string{adas[0].ID, adas[1].ID, adas[2].ID, adas[3].ID, adas[4].ID}, bobs[0].ID, "one browser is not the same ID for two accounts")
}

// A notifier that fails or panics stops no login and no other notice.
func TestNotifierThatFails(t *testing.T) {
	t.Parallel()
	for _, mail := range []*mailbox{{err: errors.New("no mail today")}, {what: "boom"}} {
		f, events := deviceFixture(t, mail)
		for _, token := range []setting.Secret{"a", "b", "c"} {
			f.loginFrom(t, ada, firefox, authn.DeviceClaim{Token: token})
		}
		require.Len(t, *events, 3)
		require.NoError(t, f.Flush(t.Context()))
	}
}

// REL-18: what waits for the notifier is bounded, and a login does not wait for it.
func TestNoticesAreBounded(t *testing.T) {
	t.Parallel()
	mail := &mailbox{}
	f, events := deviceFixture(t, mail)
	for i := range 400 {
		f.loginFrom(t, ada, firefox, authn.DeviceClaim{Token: setting.Secret(strings.Repeat("x", i+1))})
	}
	require.Len(t, *events, 400)
	require.NoError(t, f.Flush(t.Context()))
	assert.Len(t, mail.got, 256)
	devices, err := f.Devices(t.Context(), ada)
	require.NoError(t, err)
	assert.Len(t, devices, 50)
}

func TestRenameDevice(t *testing.T) {
	t.Parallel()
	f, events := deviceFixture(t, &mailbox{})
	f.loginFrom(t, ada, firefox, authn.DeviceClaim{Token: "one", Name: "old"})
	list, err := f.List(t.Context(), ada)
	require.NoError(t, err)
	require.Equal(t, "old", list[0].DeviceName)
	id := list[0].DeviceID

	require.NoError(t, f.RenameDevice(t.Context(), ada, id, "Ada's laptop"))
	f.loginFrom(t, ada, firefox, authn.DeviceClaim{Token: "one", Name: "old"})
	list, err = f.List(t.Context(), ada)
	require.NoError(t, err)
	require.Len(t, list, 2)
	for _, info := range list {
		assert.Equal(t, "Ada's laptop", info.DeviceName, "the owner's name stands")
		assert.Equal(t, "Firefox on Linux", info.Device)
		assert.Equal(t, "Graz, Austria", info.Place)
	}
	assert.Equal(t, audit.DeviceRenamed, (*events)[1].Type)
	assert.Equal(t, id, (*events)[1].Detail["device_id"])

	for name, c := range map[string]struct {
		owner    authn.Subject
		id, name string
	}{
		"somebody else's": {authn.Subject{ID: "eve"}, id, "x"}, "another tenant's": {authn.Subject{Tenant: "t", ID: "ada"}, id, "x"},
		"unknown": {ada, "absent", "x"}, "none": {ada, "", "x"},
	} {
		assert.ErrorIs(t, f.RenameDevice(t.Context(), c.owner, c.id, c.name), authn.ErrNotFound, name)
	}
	for _, bad := range []string{strings.Repeat("x", 65), "two\nlines", "\u202eabc", "\xff"} {
		var field *authn.FieldError
		assert.ErrorAs(t, f.RenameDevice(t.Context(), ada, id, bad), &field, "%q", bad)
	}
}

// Devices outlive sessions, and are forgotten when they are not used for 400 days.
func TestDevicesAreForgotten(t *testing.T) {
	t.Parallel()
	f, events := deviceFixture(t, &mailbox{})
	f.loginFrom(t, ada, firefox, authn.DeviceClaim{Token: "one"})
	f.now = start.Add(399 * day)
	_, err := f.Prune(t.Context())
	require.NoError(t, err)
	f.loginFrom(t, ada, firefox, authn.DeviceClaim{Token: "one"})
	require.Len(t, *events, 1)
	f.now = f.now.Add(401 * day)
	_, err = f.Prune(t.Context())
	require.NoError(t, err)
	f.loginFrom(t, ada, firefox, authn.DeviceClaim{Token: "one"})
	require.Len(t, *events, 2)
}

// slowMail does not answer before it is told to stop.
type slowMail struct{}

func (slowMail) NotifyNewDevice(ctx context.Context, _ session.NewDevice) error {
	<-ctx.Done()
	return ctx.Err()
}

// A notifier that hangs holds up neither the uses of sessions, which other nodes would miss, nor the stop.
func TestNotifierThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New()
		m, err := session.New(session.Config{TimeoutMinutes: 1}, session.Deps{Store: store, Devices: store, Notifier: slowMail{}, Log: slog.New(slog.DiscardHandler)})
		require.NoError(t, err)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); m.Run(ctx) }()
		on := func(token setting.Secret) setting.Secret {
			_, cookie, err := m.Open(t.Context(), authn.Opening{
				Proof: authn.Proof{Subject: ada, Time: time.Now()}, Carrier: authn.CarrierCookie, Device: authn.DeviceClaim{Token: token},
			})
			require.NoError(t, err)
			return cookie
		}
		cookie := on("one")
		time.Sleep(52 * time.Second)
		require.NoError(t, resume(t, m, cookie))
		for i := range 50 {
			on(setting.Secret(rune('a' + i)))
		}
		time.Sleep(10 * time.Second)
		require.NoError(t, resume(t, node(t, store, session.Config{TimeoutMinutes: 1}), cookie), "used 10 of 60 seconds ago")
		stop()
		<-done
		late, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		began := time.Now()
		require.NoError(t, m.Flush(late))
		assert.LessOrEqual(t, time.Since(began), 5*time.Second)
	})
}

// THR-04: with the other sessions the other devices are forgotten. Without a session that stays nothing is, or nobody would be told of the next device.
func TestRevokeOthersForgetsOtherDevices(t *testing.T) {
	t.Parallel()
	mail := &mailbox{}
	f, _ := deviceFixture(t, mail)
	own := f.loginFrom(t, ada, firefox, authn.DeviceClaim{Token: "one"})
	f.loginFrom(t, ada, firefox, authn.DeviceClaim{Token: "two"})
	bobs := f.loginFrom(t, authn.Subject{ID: "bob"}, firefox, authn.DeviceClaim{Token: "one"})
	known := func() (tokens []setting.Secret) {
		for _, token := range []setting.Secret{"one", "two"} {
			id, err := f.KnownDevice(t.Context(), ada, authn.DeviceClaim{Token: token})
			require.NoError(t, err)
			if id != "" {
				tokens = append(tokens, token)
			}
		}
		return tokens
	}
	for _, keep := range []string{"", bobs.ID, "none"} {
		require.NoError(t, f.ForgetOtherDevices(t.Context(), ada, keep))
		require.Equal(t, []setting.Secret{"one", "two"}, known(), keep)
	}
	ended, err := f.RevokeOthers(t.Context(), ada, own.ID)
	require.NoError(t, err)
	assert.Equal(t, 1, ended)
	assert.Equal(t, []setting.Secret{"one"}, known())
	f.loginFrom(t, ada, firefox, authn.DeviceClaim{Token: "two"})
	require.NoError(t, f.Flush(t.Context()))
	assert.Len(t, mail.got, 2, "it is a new one again")
	_, err = f.RevokeAll(t.Context(), ada)
	require.NoError(t, err)
	assert.Len(t, known(), 2)
}

// leaving is a store of sessions whose caller hangs up once they have ended.
type leaving struct {
	session.Store
	leave func()
}

func (l leaving) EndSessions(ctx context.Context, s authn.Subject, which session.Selection, now time.Time, why authn.EndReason) ([]session.Record, error) {
	defer l.leave()
	return l.Store.EndSessions(ctx, s, which, now, why)
}

// THR-04: who ends the other sessions and hangs up has the other devices forgotten all the same.
func TestRevokeOthersByWhoHangsUp(t *testing.T) {
	t.Parallel()
	ctx, leave := context.WithCancel(t.Context())
	f := newFixtureOf(t, session.Config{}, func(d *session.Deps) {
		d.Devices, d.Store = d.Store.(session.DeviceStore), leaving{d.Store, leave}
	})
	own := f.loginFrom(t, ada, firefox, authn.DeviceClaim{Token: "one"})
	f.loginFrom(t, ada, firefox, authn.DeviceClaim{Token: "two"})
	_, err := f.RevokeOthers(ctx, ada, own.ID)
	require.NoError(t, err)
	require.Error(t, ctx.Err())
	devices, err := f.Devices(t.Context(), ada)
	require.NoError(t, err)
	require.Len(t, devices, 1)
	id, err := f.KnownDevice(t.Context(), ada, authn.DeviceClaim{Token: "one"})
	require.NoError(t, err)
	assert.Equal(t, devices[0].ID, id)
}

// THR-04: a thief who was seen on so many devices that the owner's was dropped leaves that one known, so that the owner is told of the next.
func TestForgetOtherDevicesLeavesOneThatWasDropped(t *testing.T) {
	t.Parallel()
	mail := &mailbox{}
	f, _ := deviceFixture(t, mail)
	own := f.loginFrom(t, ada, firefox, authn.DeviceClaim{Token: "own"})
	for i := range 50 {
		f.now = f.now.Add(time.Second)
		f.loginFrom(t, ada, firefox, authn.DeviceClaim{Token: setting.Secret(rune('a' + i))})
	}
	id, err := f.KnownDevice(t.Context(), ada, authn.DeviceClaim{Token: "own"})
	require.NoError(t, err)
	require.Empty(t, id)
	require.NoError(t, f.ForgetOtherDevices(t.Context(), ada, own.ID))
	devices, err := f.Devices(t.Context(), ada)
	require.NoError(t, err)
	require.Len(t, devices, 1)
	id, err = f.KnownDevice(t.Context(), ada, authn.DeviceClaim{Token: "own"})
	require.NoError(t, err)
	assert.Equal(t, devices[0].ID, id)
	require.NoError(t, f.Flush(t.Context()))
	told := len(mail.got)
	f.loginFrom(t, ada, firefox, authn.DeviceClaim{Token: "a"})
	require.NoError(t, f.Flush(t.Context()))
	assert.Len(t, mail.got, told+1)
}
