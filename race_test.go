package authmodule_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/fxtest"
	"github.com/authmodule/authmodule/session"
)

const (
	email    = "ada@example.com"
	password = "correct horse battery staple"
)

// onEveryDriver runs a test on memory, SQLite and PostgreSQL, with 20 and with 1,000 callers.
func onEveryDriver(t *testing.T, change func(*authmodule.Config), test func(t *testing.T, app *fxtest.App, callers int)) {
	for _, driver := range []string{"memory", "sqlite", "postgres"} {
		for _, callers := range []int{20, 1000} {
			t.Run(fmt.Sprintf("%s/%d", driver, callers), func(t *testing.T) {
				t.Parallel()
				if callers > 20 && testing.Short() {
					t.Skip("1,000 callers are left out by -short")
				}
				place := storeOf(t, driver)
				test(t, fxtest.NewConfigured(t, func(c *authmodule.Config) {
					c.Store = place
					change(c)
				}), callers)
			})
		}
	}
}

// race runs do in that many goroutines that start together, and returns the results.
func race[T any](callers int, do func(caller int) T) []T {
	results := make([]T, callers)
	var ready, done sync.WaitGroup
	start := make(chan struct{})
	for i := range callers {
		ready.Add(1)
		done.Go(func() {
			ready.Done()
			<-start
			results[i] = do(i)
		})
	}
	ready.Wait()
	close(start)
	done.Wait()
	return results
}

func unchanged(*authmodule.Config) {}

func register(t *testing.T, app *fxtest.App) authn.User {
	t.Helper()
	user, err := app.Users.Register(t.Context(), authn.RegisterRequest{Email: email, Password: password})
	require.NoError(t, err)
	return user
}

func login(ctx context.Context, app *fxtest.App, carrier authn.Carrier) (authn.Grant, error) {
	return app.Users.Login(ctx, authn.LoginRequest{Email: email, Password: password, Carrier: carrier})
}

// Item 3 of the original: 20 concurrent redemptions of one refresh token gave
// 20 successes. REF-02, REF-03.
func TestRefreshRace(t *testing.T) {
	t.Parallel()
	onEveryDriver(t, unchanged, func(t *testing.T, app *fxtest.App, callers int) {
		user := register(t, app)
		grant, err := login(t.Context(), app, authn.CarrierToken)
		require.NoError(t, err)
		type result struct {
			grant authn.Grant
			err   error
		}
		results := race(callers, func(int) result {
			next, err := app.Users.Refresh(t.Context(), grant.RefreshToken, authn.Client{})
			return result{next, err}
		})
		var winners []authn.Grant
		for _, r := range results {
			if r.err == nil {
				winners = append(winners, r.grant)
				continue
			}
			assert.True(t, errors.Is(r.err, authn.ErrRefreshReused) || errors.Is(r.err, authn.ErrRefreshInvalid), "%v", r.err)
		}
		require.Len(t, winners, 1, "exactly one caller wins")
		_, err = app.Users.Refresh(t.Context(), winners[0].RefreshToken, authn.Client{})
		require.ErrorIs(t, err, authn.ErrRefreshInvalid, "the reuse ended the session, and with it the child")
		_, err = app.Users.AuthenticateToken(t.Context(), winners[0].AccessToken, authn.Client{})
		require.ErrorIs(t, err, authn.ErrSessionEnded)
		live, err := app.SessionManager.List(t.Context(), user.Subject)
		require.NoError(t, err)
		assert.Empty(t, live)
		assert.NotEmpty(t, app.Events(audit.RefreshReused))
	})
}

// Item 25 of the original: 50 concurrent logins with limit 3 left 50 live sessions. REL-06.
func TestSessionLimitRace(t *testing.T) {
	t.Parallel()
	const limit = 5
	for _, policy := range []session.LimitPolicy{session.EvictOldest, session.Refuse} {
		t.Run(string(policy), func(t *testing.T) {
			t.Parallel()
			limited := func(c *authmodule.Config) {
				c.Session.MaxPerUser, c.Session.OnLimit = limit, policy
				c.Throttle.InsecureDisabled = true // so many logins under way at once would have to wait
			}
			onEveryDriver(t, limited, func(t *testing.T, app *fxtest.App, callers int) {
				user := register(t, app)
				results := race(callers, func(int) error {
					_, err := login(t.Context(), app, authn.CarrierToken)
					return err
				})
				succeeded := 0
				for _, err := range results {
					if err == nil {
						succeeded++
						continue
					}
					assert.ErrorIs(t, err, authn.ErrSessionLimit)
				}
				live, err := app.SessionManager.List(t.Context(), user.Subject)
				require.NoError(t, err)
				assert.Len(t, live, limit, "exactly the limit is live")
				if policy == session.Refuse {
					assert.Equal(t, limit, succeeded)
				} else {
					assert.Equal(t, callers, succeeded)
				}
			})
		})
	}
}

// Item 37 of the original: a concurrent duplicate e-mail was an uncaught error,
// and addresses that differ by case were different users.
func TestRegistrationRace(t *testing.T) {
	t.Parallel()
	onEveryDriver(t, unchanged, func(t *testing.T, app *fxtest.App, callers int) {
		spellings := []string{"ada@example.com", "ADA@example.com", "Ada@Example.COM"}
		results := race(callers, func(i int) error {
			_, err := app.Users.Register(t.Context(), authn.RegisterRequest{Email: spellings[i%len(spellings)], Password: password})
			return err
		})
		winners := 0
		for _, err := range results {
			if err == nil {
				winners++
				continue
			}
			assert.ErrorIs(t, err, authn.ErrEmailTaken)
		}
		assert.Equal(t, 1, winners, "exactly one caller wins")
		users, err := app.Users.Users(t.Context(), "", "", callers)
		require.NoError(t, err)
		assert.Len(t, users, 1)
		_, err = login(t.Context(), app, authn.CarrierToken)
		assert.NoError(t, err, "the winner's password is the one that counts")
	})
}
