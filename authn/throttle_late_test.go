package authn_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
)

// THR-01: an attempt that asked the time before the lock was set, since it waited for others or its node's clock is behind, is refused
// like any other: no limit lets it in, and it opens no new window.
func TestThrottleRefusesWhoLookedAtTheClockEarlier(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]authn.ThrottleConfig{
		"a window as long as the longest lock": {AccountRate: "5/hour"},
		"a longer window":                      {AccountRate: "5/day"},
		"one network":                          {AccountRate: "1000/second", PairRateLimit: "5/hour"},
		"all of one network":                   {AccountRate: "1000/second", PairRateLimit: "1000/second", AddressRateLimit: "5/minute"},
		"the longest lock":                     {LockSeconds: 60, LongestLockSeconds: 60},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGuesser(t, cfg)
			n, _ := g.failures(account("ada"))
			require.Equal(t, 5, n)
			locked := g.now
			for _, earlier := range []time.Duration{time.Microsecond, time.Millisecond, time.Second, 10 * time.Second, time.Minute} {
				g.now = locked.Add(-earlier)
				assert.Positive(t, g.fails(account("ada")), earlier)
			}
		})
	}
}

// The same for secrets that nobody can guess, which a node refuses by itself.
func TestBlockOutlivesAClockThatIsBehind(t *testing.T) {
	t.Parallel()
	g := newGuesser(t, authn.ThrottleConfig{AddressRateLimit: "5/minute"})
	for range 5 {
		require.NoError(t, g.nodes[0].Blocked(authn.FactorAPIKey, client("192.0.2.1")))
		g.nodes[0].Failed(t.Context(), authn.FactorAPIKey, client("192.0.2.1"))
	}
	g.now = g.now.Add(-time.Millisecond)
	require.ErrorIs(t, g.nodes[0].Blocked(authn.FactorAPIKey, client("192.0.2.1")), authn.ErrThrottled)
}

// Failures that were counted in a short window are not forgotten by one that looked at the time before it began.
func TestThrottleKeepsAWindowThatBeganLater(t *testing.T) {
	t.Parallel()
	g := newGuesser(t, authn.ThrottleConfig{AccountRate: "5/second"})
	for range 4 {
		require.Zero(t, g.fails(account("ada")))
	}
	g.now = g.now.Add(-3 * time.Second)
	n, _ := g.failures(account("ada"))
	assert.Equal(t, 1, n)
}
