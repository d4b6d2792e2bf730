package authn_test

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/setting"
)

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
	for _, expected := range []int{90, 180, 360, 720, 1440, 2880, 3600, 3600} {
		n, wait := g.failures(account("ada"))
		assert.Equal(t, 5, n)
		assert.Equal(t, time.Duration(expected)*time.Second, wait)
		g.now = g.now.Add(wait - time.Microsecond)
		assert.Equal(t, time.Microsecond, g.fails(account("ada")))
		g.now = g.now.Add(time.Microsecond)
	}
	g.now = g.now.Add(5 * time.Hour)
	_, wait := g.failures(account("ada"))
	assert.Equal(t, 90*time.Second, wait, "after a long time the next lock is the first again")
}

// An owner who logs in between the guesses, and so takes back the lock that the login brought about, does not make the locks begin anew.
func TestThrottleSuccessKeepsTheLocksInARow(t *testing.T) {
	t.Parallel()
	g := newGuesser(t, authn.ThrottleConfig{PairRateLimit: "1000/day", LockSeconds: 90})
	for _, expected := range []int{90, 180} {
		_, wait := g.failures(account("ada"))
		require.Equal(t, time.Duration(expected)*time.Second, wait)
		g.now = g.now.Add(wait)
	}
	for range 4 {
		require.Zero(t, g.fails(account("ada")))
	}
	owner := account("ada")
	owner.Client = client("203.0.113.1")
	attempt, err := g.nodes[1].Attempt(t.Context(), owner)
	require.NoError(t, err)
	attempt.Succeed(t.Context())
	g.now = g.now.Add(time.Minute)
	_, err = g.store.PruneCounters(t.Context(), g.now)
	require.NoError(t, err)
	n, wait := g.failures(account("ada"))
	assert.Equal(t, 5, n)
	assert.Equal(t, 6*time.Minute, wait)
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
	assert.Equal(t, 5, guess(home), "the owner's device has a few left (THR-04)")
	other := home
	other.Device.Token = "cookie of the phone"
	assert.Equal(t, 5, guess(other), "and one more device")
	require.Len(t, g.typed(audit.AuthenticatorDisabled), 2)
	assert.Equal(t, "all_devices", g.typed(audit.AuthenticatorDisabled)[1].Reason)
	g.now = g.now.AddDate(10, 0, 0)
	_, err := g.store.PruneCounters(t.Context(), g.now)
	require.NoError(t, err)
	for _, x := range []authn.Target{account("ada"), home, other} {
		_, err := g.nodes[0].Attempt(t.Context(), x)
		require.ErrorIs(t, err, authn.ErrAuthenticatorDisabled, "attempt 101, with whatever secret")
	}
	_, err = g.nodes[0].Attempt(t.Context(), account("bob"))
	require.NoError(t, err)
	require.NoError(t, g.nodes[0].Reopen(t.Context(), authn.Principal{Subject: authn.Subject{ID: "root"}}, home.Subject, authn.FactorPassword))
	require.Zero(t, g.fails(account("ada")))
	assert.Equal(t, "root", g.typed(audit.AuthenticatorReopened)[0].Actor)
}

// THR-04: however few failures in a row there may be, strangers do not use all of them up.
func TestThrottleKeepsOneForKnownDevices(t *testing.T) {
	t.Parallel()
	for most, expected := range map[int]int{1: 1, 2: 1, 9: 8, 10: 9, 19: 18, 20: 18} {
		g := newGuesser(t, authn.ThrottleConfig{MaxConsecutiveFailures: setting.Count(most), AccountRate: "1000/second", PairRateLimit: "1000/second"})
		home := account("ada")
		g.known[home.Subject], home.Device.Token = "cookie", "cookie"
		made := 0
		for ; ; made++ {
			attempt, err := g.nodes[0].Attempt(t.Context(), account("ada"))
			if err != nil {
				require.ErrorIs(t, err, authn.ErrAuthenticatorDisabled)
				break
			}
			attempt.Fail(t.Context())
		}
		assert.Equal(t, expected, made, most)
		if _, err := g.nodes[0].Attempt(t.Context(), home); most > 1 {
			assert.NoError(t, err, most)
		}
	}
}

// THR-04: who has stolen the cookie of a device disables nothing for the owner's other devices, and has no more guesses for it. The device is like one that is
// not known until it succeeds.
func TestThrottleStolenDevice(t *testing.T) {
	t.Parallel()
	g := newGuesser(t, authn.ThrottleConfig{})
	home := account("ada")
	g.known[home.Subject], home.Device.Token = "cookie", "cookie of the laptop"
	phone := home
	phone.Device.Token = "cookie of the phone"
	guess := func() (made int) {
		for {
			attempt, err := g.nodes[made%3].Attempt(t.Context(), home)
			var over *authn.ThrottledError
			if errors.As(err, &over) {
				g.now = g.now.Add(over.RetryAfter)
				_, err := g.store.PruneCounters(t.Context(), g.now)
				require.NoError(t, err)
				continue
			}
			if err != nil {
				require.ErrorIs(t, err, authn.ErrAuthenticatorDisabled)
				return made
			}
			attempt.Fail(t.Context())
			made++
			require.LessOrEqual(t, made, 100)
		}
	}
	assert.Equal(t, 90, guess(), "as many as a stranger")
	require.Len(t, g.typed(audit.AuthenticatorDisabled), 1)
	assert.Equal(t, "unknown_devices", g.typed(audit.AuthenticatorDisabled)[0].Reason)
	attempt, err := g.nodes[0].Attempt(t.Context(), phone)
	require.NoError(t, err)
	attempt.Succeed(t.Context())

	g.now = g.now.Add(8 * time.Hour)
	for range 5 { // it is like a stranger: those who lock the account lock it too
		require.Zero(t, g.fails(account("ada")))
	}
	assert.Positive(t, g.fails(home))
	g.now = g.now.Add(8 * time.Hour)
	attempt, err = g.nodes[0].Attempt(t.Context(), home)
	require.NoError(t, err)
	attempt.Succeed(t.Context())
	g.failures(account("ada"))
	assert.Zero(t, g.fails(home), "it has succeeded, and is known again")
}

// What a device failed is kept for as long as the device would be, and no longer.
func TestThrottleForgetsDevicesThatAreGone(t *testing.T) {
	t.Parallel()
	g := newGuesser(t, authn.ThrottleConfig{})
	home := account("ada")
	g.known[home.Subject], home.Device.Token = "cookie", "cookie"
	g.failures(home)
	kept, err := g.store.PruneCounters(t.Context(), g.now.AddDate(0, 0, 399))
	require.NoError(t, err)
	dropped, err := g.store.PruneCounters(t.Context(), g.now.AddDate(0, 0, 401))
	require.NoError(t, err)
	assert.Equal(t, [2]int{0, 1}, [2]int{kept, dropped}, "the account's own failures in a row stay")
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
