package authn_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/store/memstore"
)

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
				assert.Less(t, time.Since(began), 6*time.Second)
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
		"long lock":   {LongestLockSeconds: 86_401},
		"overflow":    {LockSeconds: 18_446_744_074}, // nanoseconds that begin anew at 0
		"network":     {IPv4Prefix: 33},
		"no network":  {IPv6Prefix: 1},
	} {
		_, err := authn.NewThrottle(cfg, authn.ThrottleDeps{Counters: memstore.New()})
		assert.Error(t, err, name)
	}
	_, err = authn.NewThrottle(authn.ThrottleConfig{}, authn.ThrottleDeps{})
	assert.ErrorContains(t, err, "store of counters")
}

// NIST-06: an attempt at what is disabled, which the store or another node breaks off half way, takes no failure away: else each would give one more guess.
func TestThrottleStaysDisabledWhenAttemptsBreakOff(t *testing.T) {
	t.Parallel()
	broken := false
	store := &troubled{CounterStore: memstore.New(), put: func(k authn.CounterKey) error {
		if broken && k.Kind == authn.CounterAddress {
			return errors.New("broken")
		}
		return nil
	}}
	g := newGuesserOver(t, store, authn.ThrottleConfig{MaxConsecutiveFailures: 4, AccountRate: "100/minute", PairRateLimit: "100/minute"})
	for range 3 {
		require.Zero(t, g.fails(account("ada")))
	}
	broken = true
	for range 5 {
		_, err := g.nodes[0].Attempt(t.Context(), account("ada"))
		require.Error(t, err)
	}
	broken = false
	_, err := g.nodes[0].Attempt(t.Context(), account("ada"))
	require.ErrorIs(t, err, authn.ErrAuthenticatorDisabled)
}
