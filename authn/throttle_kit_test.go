package authn_test

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/store/memstore"
)

// guesser makes attempts on throttles that share a store and a clock.
type guesser struct {
	t      *testing.T
	store  authn.CounterStore
	now    time.Time
	known  knownDevices
	events []audit.Event
	nodes  []*authn.Throttle
}

// knownDevices knows the device with that token, and others whose tokens begin with it.
type knownDevices map[authn.Subject]setting.Secret

func (k knownDevices) KnownDevice(_ context.Context, s authn.Subject, claim authn.DeviceClaim) (string, error) {
	if token, found := k[s]; found && strings.HasPrefix(claim.Token.Reveal(), token.Reveal()) {
		return claim.Token.Reveal(), nil
	}
	return "", nil
}

func newGuesser(t *testing.T, cfg authn.ThrottleConfig) *guesser {
	t.Helper()
	return newGuesserOver(t, memstore.New(), cfg)
}

func newGuesserOver(t *testing.T, store authn.CounterStore, cfg authn.ThrottleConfig) *guesser {
	t.Helper()
	g := &guesser{t: t, store: store, now: time.Date(2026, 3, 1, 12, 30, 15, 123456789, time.UTC), known: knownDevices{}}
	bus := audit.NewBus(nil, func() time.Time { return g.now })
	var mu sync.Mutex
	bus.Subscribe(audit.ListenerFunc(func(_ context.Context, e audit.Event) {
		mu.Lock()
		defer mu.Unlock()
		g.events = append(g.events, e)
	}))
	for range 3 {
		node, err := authn.NewThrottle(cfg, authn.ThrottleDeps{Counters: store, Devices: g.known, Events: bus, Now: func() time.Time { return g.now }})
		require.NoError(t, err)
		g.nodes = append(g.nodes, node)
	}
	return g
}

func (g *guesser) typed(what audit.Type) (list []audit.Event) {
	for _, e := range g.events {
		if e.Type == what {
			list = append(list, e)
		}
	}
	return list
}

func client(ip string) authn.Client { return authn.Client{IP: netip.MustParseAddr(ip)} }

func account(id string) authn.Target {
	return authn.Target{Factor: authn.FactorPassword, Subject: authn.Subject{Tenant: "acme", ID: id}, Client: client("192.0.2.1")}
}

// fails makes an attempt that fails, and returns for how long the throttle refuses it instead.
func (g *guesser) fails(x authn.Target) time.Duration {
	g.t.Helper()
	attempt, err := g.nodes[0].Attempt(g.t.Context(), x)
	var over *authn.ThrottledError
	if errors.As(err, &over) {
		require.ErrorIs(g.t, err, authn.ErrThrottled)
		require.Positive(g.t, over.RetryAfter)
		return over.RetryAfter
	}
	require.NoError(g.t, err)
	attempt.Fail(g.t.Context())
	return 0
}

// failures makes attempts that fail until one is refused, and returns how many failed and for how long the next must wait.
func (g *guesser) failures(x authn.Target) (n int, wait time.Duration) {
	g.t.Helper()
	for {
		if wait := g.fails(x); wait > 0 {
			return n, wait
		}
		n++
		require.Less(g.t, n, 1000, "nothing stops the guesses")
	}
}
