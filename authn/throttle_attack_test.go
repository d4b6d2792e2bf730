package authn_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
)

// attack guesses for so long, at each step from each network at each account, and returns how many guesses were looked at
// in all, at the account that had most of them, and from the network that had most of them in a minute.
func (g *guesser) attack(accounts, networks int, lasts, step time.Duration) (all, atOne, fromOne int) {
	g.t.Helper()
	at, end := map[int]int{}, g.now.Add(lasts)
	from := map[[2]int64]int{}
	for ; g.now.Before(end); g.now = g.now.Add(step) {
		for n := range networks {
			for a := range accounts {
				x := account(fmt.Sprint("user", a))
				x.Client.IP = netip.AddrFrom4([4]byte{10, byte(n >> 8), byte(n), 1})
				attempt, err := g.nodes[(a+n)%3].Attempt(g.t.Context(), x)
				if err != nil {
					require.True(g.t, errors.Is(err, authn.ErrThrottled) || errors.Is(err, authn.ErrAuthenticatorDisabled), err)
					continue
				}
				attempt.Fail(g.t.Context())
				minute := [2]int64{int64(n), g.now.Unix() / 60}
				all, at[a], from[minute] = all+1, at[a]+1, from[minute]+1
				atOne, fromOne = max(atOne, at[a]), max(fromOne, from[minute])
			}
		}
	}
	return all, atOne, fromOne
}

// V6.3.1: however an attack is spread, an account is guessed at 90 times at most, and a network guesses 200 times in any minute of the
// clock, which two windows may share. With six digits and three codes that are good, that is a chance of 1 in 3,700 for each account.
func TestThrottleUnderAttack(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name               string
		accounts, networks int
		lasts, step        time.Duration
		most               int
	}{
		{"one account, many networks", 1, 60, 24 * time.Hour, 5 * time.Minute, 90},
		{"one account, one network", 1, 1, 5 * 24 * time.Hour, 20 * time.Second, 90},
		{"many accounts, one network", 500, 1, 5 * time.Minute, 5 * time.Second, 600},
		{"many accounts, many networks", 10, 10, 24 * time.Hour, 7 * time.Minute, 10 * 90},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			g := newGuesser(t, authn.ThrottleConfig{})
			all, atOne, fromOne := g.attack(tc.accounts, tc.networks, tc.lasts, tc.step)
			t.Logf("%d guesses, %d at one account, %d from one network in a minute", all, atOne, fromOne)
			assert.LessOrEqual(t, all, tc.most)
			assert.LessOrEqual(t, atOne, 90)
			assert.LessOrEqual(t, fromOne, 200)
			assert.Positive(t, all)
		})
	}
}

// Whatever happens in whatever order, clocks that jump among it: no window has more failures than it may, the failures in a row are those
// since the last success, and never more than the cap.
func TestThrottleHoldsInAnyOrder(t *testing.T) {
	t.Parallel()
	for seed := range uint64(30) {
		g, random := newGuesser(t, authn.ThrottleConfig{PairRateLimit: "1000/minute", AddressRateLimit: "1000/minute", MaxConsecutiveFailures: 30}), rand.New(rand.NewPCG(seed, 1))
		subject, inRow, disabled := account("ada").Subject, int64(0), false
		var failed []time.Time
		for range 400 {
			g.now = g.now.Add(time.Duration(random.Int64N(int64(40 * time.Second))))
			if random.IntN(50) == 0 {
				g.now = g.now.Add(time.Duration(random.Int64N(int64(48 * time.Hour))))
				_, err := g.store.PruneCounters(t.Context(), g.now)
				require.NoError(t, err)
			}
			attempt, err := g.nodes[random.IntN(3)].Attempt(t.Context(), account("ada"))
			switch {
			case errors.Is(err, authn.ErrAuthenticatorDisabled):
				disabled = true
				require.EqualValues(t, 27, inRow, "seed %d", seed)
			case errors.Is(err, authn.ErrThrottled):
			case err != nil:
				require.NoError(t, err)
			default:
				require.False(t, disabled, "seed %d: what is disabled stays so", seed)
				switch random.IntN(12) {
				case 0:
					attempt.Succeed(t.Context())
					inRow = 0
				case 1:
					attempt.Cancel(t.Context())
				default:
					attempt.Fail(t.Context())
					inRow++
					failed = append(failed, g.now)
				}
			}
			c, err := g.nodes[0].Counter(t.Context(), subject, authn.FactorPassword)
			require.NoError(t, err)
			require.Equal(t, inRow, c.Consecutive, "seed %d", seed)
			require.LessOrEqual(t, c.Failures, int64(5), "seed %d", seed)
			require.Zero(t, c.Pending, "seed %d", seed)
		}
		for i := 9; i < len(failed); i++ { // two windows may meet, three may not
			require.Greater(t, failed[i].Sub(failed[i-9]), 55*time.Second, "seed %d", seed)
		}
	}
}
