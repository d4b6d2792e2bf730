package authmodule_test

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/fxtest"
	"github.com/authmodule/authmodule/internal/peer"
	"github.com/authmodule/authmodule/internal/sqlitetest"
	"github.com/authmodule/authmodule/setting"
)

// Item 33 of the original, V6.3.8, REL-24: with the real cost, an unknown
// address, a wrong password and a disabled account take the same time. The
// classes are sampled in turn; the figures are 2,000 samples each, and a
// median gap under 1 ms or a Mann-Whitney p above 0.01. Failures are counted all the
// while, and forgotten between the samples, so that none is locked.
func TestSoakLoginTiming(t *testing.T) {
	peer.Soak(t)
	const samples = 2000
	app := fxtest.NewConfigured(t, func(c *authmodule.Config) { c.Password = authn.PasswordConfig{} })
	user := app.User()
	disabled := app.User()
	require.NoError(t, app.Users.Disable(t.Context(), authn.Principal{}, disabled.Subject))
	requests := []authn.LoginRequest{
		{Password: password}, // nobody's
		{Email: user.Email, Password: password},
		{Email: disabled.Email, Password: fxtest.Password},
	}
	took := make([][]float64, len(requests))
	for i := range samples {
		for _, u := range []authn.User{user, disabled} {
			require.NoError(t, app.Throttle.Reopen(t.Context(), authn.Principal{}, u.Subject, authn.FactorPassword))
		}
		requests[0].Email = fmt.Sprintf("nobody%d@example.com", i)
		for class, request := range requests {
			start := time.Now()
			_, err := app.Users.Login(t.Context(), request)
			took[class] = append(took[class], time.Since(start).Seconds()*1000)
			require.ErrorIs(t, err, authn.ErrInvalidCredentials)
		}
	}
	for class := 1; class < len(requests); class++ {
		gap := math.Abs(median(took[0]) - median(took[class]))
		p := mannWhitney(took[0], took[class])
		t.Logf("unknown %.2f ms, class %d %.2f ms, p %.3f", median(took[0]), class, median(took[class]), p)
		assert.True(t, gap < 1 || p > 0.01, "class %d differs by %.2f ms, p %.4f", class, gap, p)
	}
}

func median(samples []float64) float64 {
	sorted := slices.Sorted(slices.Values(samples))
	return sorted[len(sorted)/2]
}

// mannWhitney returns the two-sided p of the rank-sum test, by the normal approximation.
func mannWhitney(a, b []float64) float64 {
	type sample struct {
		value float64
		first bool
	}
	var all []sample
	for _, v := range a {
		all = append(all, sample{v, true})
	}
	for _, v := range b {
		all = append(all, sample{v, false})
	}
	slices.SortFunc(all, func(x, y sample) int {
		switch {
		case x.value < y.value:
			return -1
		case x.value > y.value:
			return 1
		}
		return 0
	})
	var ranks float64
	for i, s := range all {
		if s.first {
			ranks += float64(i + 1)
		}
	}
	n, m := float64(len(a)), float64(len(b))
	u := ranks - n*(n+1)/2
	z := (u - n*m/2) / math.Sqrt(n*m*(n+m+1)/12)
	return math.Erfc(math.Abs(z) / math.Sqrt2)
}

// REL-01 in its long form: 20 rounds of 1,000 concurrent uses of one refresh
// token, each with exactly one success and no live descendant.
func TestSoakRefreshRace(t *testing.T) {
	peer.Soak(t)
	for _, driver := range []string{"memory", "sqlite"} {
		t.Run(driver, func(t *testing.T) {
			app := fxtest.NewConfigured(t, func(c *authmodule.Config) {
				if c.Store.Driver = driver; driver == "sqlite" {
					c.Store.DSN = setting.Secret(sqlitetest.Path(t))
					c.Store.TimeoutSeconds = authmodule.LongestStoreTimeoutSeconds // a thousand wait for one writer
				}
			})
			for round := range 20 {
				p := app.Principal()
				grant := app.Grant(p)
				winners := 0
				for _, err := range race(1000, func(int) error {
					_, err := app.Users.Refresh(t.Context(), grant.RefreshToken, authn.Client{})
					return err
				}) {
					if err == nil {
						winners++
					}
				}
				require.Equal(t, 1, winners, "round %d", round)
				live, err := app.SessionManager.List(t.Context(), p.Subject)
				require.NoError(t, err)
				require.Len(t, live, 1, "round %d: only the session that the principal was made with", round)
			}
		})
	}
}
