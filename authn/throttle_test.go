package authn_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
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

type knownDevices map[authn.Subject]setting.Secret

func (k knownDevices) KnownDevice(_ context.Context, s authn.Subject, claim authn.DeviceClaim) (string, error) {
	if token, found := k[s]; found && token == claim.Token {
		return "laptop", nil
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

// THR-01, original item 32: of many attempts at once on several nodes no more than the limit is made.
func TestThrottleCountsBeforeTheAttempt(t *testing.T) {
	t.Parallel()
	for name, target := range map[string]authn.Target{
		"account":                   account("ada"),
		"name that has no account":  {Factor: authn.FactorPassword, Name: "nobody@example.com"},
		"account without a network": {Factor: authn.FactorTOTP, Subject: authn.Subject{ID: "ada"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGuesser(t, authn.ThrottleConfig{})
			var made atomic.Int64
			var done sync.WaitGroup
			for i := range 600 {
				done.Go(func() {
					x := target
					if x.Client.IP.IsValid() {
						x.Client.IP = netip.AddrFrom4([4]byte{10, byte(i), byte(i >> 8), 1})
					}
					attempt, err := g.nodes[i%3].Attempt(t.Context(), x)
					if err != nil {
						assert.ErrorIs(t, err, authn.ErrThrottled)
						return
					}
					made.Add(1)
					attempt.Fail(t.Context())
				})
			}
			done.Wait()
			assert.EqualValues(t, 5, made.Load())
			assert.Len(t, g.typed(audit.LoginThrottled), 1)
		})
	}
}

// The lock grows from half a minute to an hour, and no further.
func TestThrottleDelayGrows(t *testing.T) {
	t.Parallel()
	g := newGuesser(t, authn.ThrottleConfig{PairRateLimit: "1000/day", LockSeconds: 90})
	for _, expected := range []time.Duration{90, 180, 360, 720, 1440, 2880, 3600, 3600} {
		n, wait := g.failures(account("ada"))
		assert.Equal(t, 5, n)
		assert.Equal(t, expected*time.Second, wait)
		g.now = g.now.Add(wait - time.Microsecond)
		assert.Equal(t, time.Microsecond, g.fails(account("ada")))
		g.now = g.now.Add(time.Microsecond)
	}
	g.now = g.now.Add(5 * time.Hour)
	_, wait := g.failures(account("ada"))
	assert.Equal(t, 90*time.Second, wait, "after a long time the next lock is the first again")
}

// The first lock lasts to the end of the window at least, so that the rate holds.
func TestThrottleLockHoldsTheRate(t *testing.T) {
	t.Parallel()
	g := newGuesser(t, authn.ThrottleConfig{AccountRate: "3/hour"})
	n, wait := g.failures(account("ada"))
	assert.Equal(t, 3, n)
	assert.Equal(t, time.Hour, wait)
}

// Only failures count: a success takes its own attempt back, and neither other attempts nor those at other accounts.
func TestThrottleSuccessResetsOnlyWhatItUsed(t *testing.T) {
	t.Parallel()
	g := newGuesser(t, authn.ThrottleConfig{})
	succeed := func(x authn.Target) {
		attempt, err := g.nodes[1].Attempt(t.Context(), x)
		require.NoError(t, err)
		attempt.Succeed(t.Context())
		attempt.Fail(t.Context()) // is over already
	}
	for range 300 {
		succeed(account("ada"))
	}
	totp := account("ada")
	totp.Factor = authn.FactorTOTP
	for range 4 {
		g.fails(account("ada"))
		g.fails(totp)
		g.fails(account("bob"))
	}
	succeed(account("ada"))
	for _, tc := range []struct {
		factor   authn.Factor
		id       string
		expected int64
	}{{authn.FactorPassword, "ada", 0}, {authn.FactorTOTP, "ada", 4}, {authn.FactorPassword, "bob", 4}} {
		c, err := g.nodes[2].Counter(t.Context(), authn.Subject{Tenant: "acme", ID: tc.id}, tc.factor)
		require.NoError(t, err)
		assert.Equal(t, tc.expected, c.Consecutive, tc)
		assert.EqualValues(t, 4, c.Failures, "an owner's success gives nobody more guesses")
	}
	n, _ := g.failures(account("ada"))
	assert.Equal(t, 1, n)
}

// The attempt that fills the window locks it while it is under way, and opens it again when it has not failed. Who comes meanwhile waits.
func TestThrottleWaitsForAttemptsUnderWay(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		end  func(*authn.Attempt)
		wait time.Duration
	}{
		"success":  {func(a *authn.Attempt) { a.Done(t.Context(), true, nil) }, 0},
		"not made": {func(a *authn.Attempt) { a.Done(t.Context(), false, authn.ErrOverloaded) }, 0},
		"failure":  {func(a *authn.Attempt) { a.Done(t.Context(), false, nil) }, time.Minute},
		"too long": {func(*authn.Attempt) {}, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := newGuesser(t, authn.ThrottleConfig{})
				for range 4 {
					g.fails(account("ada"))
				}
				attempt, err := g.nodes[0].Attempt(t.Context(), account("ada"))
				require.NoError(t, err)
				began := time.Now()
				waited := make(chan time.Duration)
				go func() { waited <- g.fails(account("ada")) }()
				synctest.Wait()
				time.Sleep(500 * time.Millisecond)
				tc.end(attempt)
				assert.Equal(t, tc.wait, <-waited)
				assert.Less(t, time.Since(began), 3*time.Second)
			})
		})
	}
}

// Who waits may leave.
func TestThrottleWaitEndsWithItsCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGuesser(t, authn.ThrottleConfig{AccountRate: "1/minute"})
		_, err := g.nodes[0].Attempt(t.Context(), account("ada"))
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		_, err = g.nodes[1].Attempt(ctx, account("ada"))
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

// An attempt of which nothing is heard any more, as after a crash, is a failure; and hanging up helps neither way.
func TestThrottleAbandonedAttempts(t *testing.T) {
	t.Parallel()
	g := newGuesser(t, authn.ThrottleConfig{})
	for range 4 {
		_, err := g.nodes[0].Attempt(t.Context(), account("ada"))
		require.NoError(t, err)
	}
	ctx, hangUp := context.WithCancel(t.Context())
	attempt, err := g.nodes[0].Attempt(ctx, account("ada"))
	require.NoError(t, err)
	hangUp()
	attempt.Succeed(ctx)
	require.Zero(t, g.fails(account("ada")))
	g.now = g.now.Add(10 * time.Second)
	assert.Equal(t, 50*time.Second, g.fails(account("ada")))
}

// NIST-06: at most 100 failures in a row, whatever locks end and clocks do in between; then the right secret is of no use either.
func TestThrottleDisablesForGood(t *testing.T) {
	t.Parallel()
	g := newGuesser(t, authn.ThrottleConfig{})
	g.known[authn.Subject{Tenant: "acme", ID: "ada"}] = "cookie"
	home := account("ada")
	home.Device.Token = "cookie"
	guess := func(x authn.Target) (made int) {
		for {
			attempt, err := g.nodes[made%3].Attempt(t.Context(), x)
			var over *authn.ThrottledError
			switch {
			case errors.As(err, &over):
				jump := over.RetryAfter
				if made%7 == 0 { // and the janitor runs, and a clock is put back and on again
					jump += 40 * 24 * time.Hour
					_, err := g.store.PruneCounters(t.Context(), g.now.Add(jump))
					require.NoError(t, err)
				}
				g.now = g.now.Add(jump)
				continue
			case errors.Is(err, authn.ErrAuthenticatorDisabled):
				return made
			}
			require.NoError(t, err)
			attempt.Fail(t.Context())
			made++
			require.LessOrEqual(t, made, 100)
		}
	}
	strangers := guess(account("ada"))
	assert.Equal(t, 90, strangers)
	require.Len(t, g.typed(audit.AuthenticatorDisabled), 1)
	assert.Equal(t, "unknown_devices", g.typed(audit.AuthenticatorDisabled)[0].Reason)
	assert.Equal(t, 10, guess(home), "the owner's device has a few left (THR-04)")
	require.Len(t, g.typed(audit.AuthenticatorDisabled), 2)
	assert.Equal(t, "all_devices", g.typed(audit.AuthenticatorDisabled)[1].Reason)
	g.now = g.now.AddDate(10, 0, 0)
	_, err := g.store.PruneCounters(t.Context(), g.now)
	require.NoError(t, err)
	for _, x := range []authn.Target{account("ada"), home} {
		_, err := g.nodes[0].Attempt(t.Context(), x)
		require.ErrorIs(t, err, authn.ErrAuthenticatorDisabled, "attempt 101, with whatever secret")
	}
	_, err = g.nodes[0].Attempt(t.Context(), account("bob"))
	require.NoError(t, err)
	require.NoError(t, g.nodes[0].Reopen(t.Context(), authn.Principal{Subject: authn.Subject{ID: "root"}}, home.Subject, authn.FactorPassword))
	require.Zero(t, g.fails(account("ada")))
	assert.Equal(t, "root", g.typed(audit.AuthenticatorReopened)[0].Actor)
}

// THR-04: who locks an account out does not lock out the device that it is used on, and the other way round.
func TestThrottleKnownDeviceStaysOpen(t *testing.T) {
	t.Parallel()
	g := newGuesser(t, authn.ThrottleConfig{AddressRateLimit: "5/minute"})
	g.known[authn.Subject{Tenant: "acme", ID: "ada"}] = "cookie"
	home, fresh, bob := account("ada"), account("ada"), account("bob")
	home.Device.Token, bob.Device.Token = "cookie", "cookie"
	fresh.Device = authn.DeviceClaim{Token: "cookie", Fresh: true}
	g.failures(account("ada"))
	assert.Positive(t, g.fails(fresh), "a cookie that was made for this request is none")
	assert.Positive(t, g.fails(bob), "nor is that of another account")
	attempt, err := g.nodes[0].Attempt(t.Context(), home)
	require.NoError(t, err)
	attempt.Succeed(t.Context())
	n, _ := g.failures(home)
	assert.Equal(t, 5, n, "it has a limit of its own")
	c, err := g.nodes[0].Counter(t.Context(), home.Subject, authn.FactorPassword)
	require.NoError(t, err)
	assert.EqualValues(t, 5, c.Consecutive, "its failures in a row count as well")
}

// One client that guesses at one account is locked by itself before the account is for long; one that tries many is locked for all.
func TestThrottleNetworks(t *testing.T) {
	t.Parallel()
	g := newGuesser(t, authn.ThrottleConfig{})
	for range 99 {
		g.fails(authn.Target{Factor: authn.FactorPassword, Name: fmt.Sprint(g.now.UnixNano(), len(g.events)), Client: client("198.51.100.7")})
		g.now = g.now.Add(time.Millisecond)
	}
	_, err := g.nodes[0].Attempt(t.Context(), authn.Target{Factor: authn.FactorPassword, Client: client("198.51.100.200")})
	require.NoError(t, err, "the hundredth, from the same network")
	x := account("carol")
	x.Client = client("198.51.100.9")
	assert.Positive(t, g.fails(x), "and the next, whoever it is aimed at")
	x.Client = client("198.51.101.9")
	assert.Zero(t, g.fails(x))

	made := 0
	for made < 20 {
		n, wait := g.failures(account("ada"))
		if made += n; made < 20 {
			g.now = g.now.Add(wait)
		}
	}
	assert.Equal(t, 20, made)
	g.now = g.now.Add(10 * time.Minute)
	assert.Positive(t, g.fails(account("ada")), "from this network no more within the hour")
	x = account("ada")
	x.Client = client("203.0.113.1")
	assert.Zero(t, g.fails(x), "but from any other")
}

// IP-03, IP-04: one client has one counter, in whatever form its address comes; who has none shares none.
func TestThrottleNetworkOf(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		a, b string
		same bool
	}{
		{"192.0.2.1", "192.0.2.254", true},
		{"192.0.2.1", "::ffff:192.0.2.9", true},
		{"::ffff:192.0.2.1", "::ffff:192.0.3.1", false},
		{"192.0.2.1", "192.0.3.1", false},
		{"2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", true},
		{"2001:db8::1", "2001:db8:0:1::1", false},
		{"fe80::1%eth0", "fe80::1%eth1", true},
		{"::1", "127.0.0.1", false},
		{"", "", false},
	} {
		g := newGuesser(t, authn.ThrottleConfig{AddressRateLimit: "1/minute"})
		x, y := account("ada"), account("bob")
		x.Client, y.Client = authn.Client{}, authn.Client{}
		if tc.a != "" {
			x.Client, y.Client = client(tc.a), client(tc.b)
		}
		require.Zero(t, g.fails(x))
		assert.Equal(t, tc.same, g.fails(y) > 0, "%+v", tc)
	}
}

// A clock that was far ahead locks nobody for as long.
func TestThrottleOutlivesWrongClocks(t *testing.T) {
	t.Parallel()
	g := newGuesser(t, authn.ThrottleConfig{})
	right := g.now
	g.now = right.AddDate(5, 0, 0)
	g.failures(account("ada"))
	g.now = right
	n, wait := g.failures(account("ada"))
	assert.Equal(t, 5, n)
	assert.LessOrEqual(t, wait, time.Hour)
	c, err := g.nodes[0].Counter(t.Context(), account("ada").Subject, authn.FactorPassword)
	require.NoError(t, err)
	assert.EqualValues(t, 10, c.Consecutive)
}

// troubled is a store that fails, or that another node always gets to first.
type troubled struct {
	authn.CounterStore
	put func(k authn.CounterKey) error
}

func (s *troubled) PutCounter(ctx context.Context, k authn.CounterKey, c authn.Counter, version int64) error {
	if err := s.put(k); err != nil {
		return err
	}
	return s.CounterStore.PutCounter(ctx, k, c, version)
}

// A store that does not answer lets nobody pass, and an attempt that was refused half way is counted nowhere.
func TestThrottleFailsClosed(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for name, tc := range map[string]struct{ have, expected error }{
		"store":                   {broken, broken},
		"always another first":    {authn.ErrConflict, authn.ErrThrottled},
		"too late for the caller": {context.DeadlineExceeded, context.DeadlineExceeded},
	} {
		store := &troubled{CounterStore: memstore.New(), put: func(k authn.CounterKey) error {
			if k.Kind == authn.CounterAddress {
				return tc.have
			}
			return nil
		}}
		g := newGuesserOver(t, store, authn.ThrottleConfig{})
		for range 10 {
			attempt, err := g.nodes[0].Attempt(t.Context(), account("ada"))
			require.ErrorIs(t, err, tc.expected, name)
			require.Nil(t, attempt)
		}
		c, err := g.nodes[0].Counter(t.Context(), account("ada").Subject, authn.FactorPassword)
		require.NoError(t, err)
		assert.Zero(t, c.Failures+c.Consecutive, name)
	}
}

// THR-05: secrets that nobody can guess are looked at without a store, until too many were wrong.
func TestThrottleBlocks(t *testing.T) {
	t.Parallel()
	g := newGuesser(t, authn.ThrottleConfig{AddressRateLimit: "10/minute"})
	node, x := g.nodes[0], client("192.0.2.1")
	for range 10 {
		require.NoError(t, node.Blocked(authn.FactorAPIKey, x))
		node.Failed(t.Context(), authn.FactorAPIKey, x)
	}
	var over *authn.ThrottledError
	require.ErrorAs(t, node.Blocked(authn.FactorAPIKey, x), &over)
	assert.InDelta(t, time.Minute, over.RetryAfter, float64(time.Microsecond))
	assert.Len(t, g.typed(audit.LoginThrottled), 1)
	require.NoError(t, node.Blocked(authn.FactorRefresh, x))
	require.NoError(t, node.Blocked(authn.FactorAPIKey, client("198.51.100.1")))
	require.NoError(t, g.nodes[1].Blocked(authn.FactorAPIKey, x), "another node does not know yet")
	g.nodes[1].Failed(t.Context(), authn.FactorAPIKey, x)
	require.Error(t, g.nodes[1].Blocked(authn.FactorAPIKey, x), "but from the first failure on")
	g.now = g.now.Add(time.Minute)
	require.NoError(t, node.Blocked(authn.FactorAPIKey, x))
	for range 20 {
		node.Failed(t.Context(), authn.FactorAPIKey, authn.Client{})
	}
	require.NoError(t, node.Blocked(authn.FactorAPIKey, authn.Client{}), "those without an address share nothing")
}

// What is disabled by name limits nothing; a configuration that cannot be is refused.
func TestThrottleConfiguration(t *testing.T) {
	t.Parallel()
	off, err := authn.NewThrottle(authn.ThrottleConfig{InsecureDisabled: true}, authn.ThrottleDeps{})
	require.NoError(t, err)
	require.Nil(t, off)
	for range 100 {
		attempt, err := off.Attempt(t.Context(), account("ada"))
		require.NoError(t, err)
		attempt.Fail(t.Context())
		off.Failed(t.Context(), authn.FactorAPIKey, client("192.0.2.1"))
		require.NoError(t, off.Blocked(authn.FactorAPIKey, client("192.0.2.1")))
	}
	require.NoError(t, off.Reopen(t.Context(), authn.Principal{}, authn.Subject{}, authn.FactorPassword))
	for name, cfg := range map[string]authn.ThrottleConfig{
		"rate":        {AccountRate: "many"},
		"consecutive": {MaxConsecutiveFailures: 101},
		"locks":       {LockSeconds: 60, LongestLockSeconds: 30},
		"network":     {IPv4Prefix: 33},
		"no network":  {IPv6Prefix: 1},
	} {
		_, err := authn.NewThrottle(cfg, authn.ThrottleDeps{Counters: memstore.New()})
		assert.Error(t, err, name)
	}
	_, err = authn.NewThrottle(authn.ThrottleConfig{}, authn.ThrottleDeps{})
	assert.ErrorContains(t, err, "store of counters")
}
