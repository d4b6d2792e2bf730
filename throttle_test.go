package authmodule_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/fxtest"
	"github.com/authmodule/authmodule/internal/peer"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/store/memstore"
)

// spellings are those of one address, for which there is one account.
func spellings(email string) []string {
	fullWidth := strings.Map(func(r rune) rune {
		if r > ' ' && r < 0x7f && r != '@' && r != '.' {
			return r - '!' + '！'
		}
		return r
	}, email)
	return []string{email, strings.ToUpper(email), strings.ToUpper(email[:1]) + email[1:], fullWidth}
}

// guess makes wrong guesses at once, in turn at each node, each from a network of its own, and returns how many passwords were checked.
func (c appsOverStore) guess(t *testing.T, email string, guesses int) (checked int) {
	t.Helper()
	spelled := spellings(email)
	refused := race(guesses, func(i int) bool {
		_, err := c[i%len(c)].Users.Login(t.Context(), authn.LoginRequest{
			Email: spelled[i%len(spelled)], Password: setting.Secret(fmt.Sprint("a guess, the one with the number ", i)),
			Client: authn.Client{IP: netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 1})},
		})
		if !assert.Error(t, err) {
			return false
		}
		return errors.Is(err, authn.ErrThrottled) || errors.Is(err, authn.ErrOverloaded)
	})
	for _, node := range c {
		for _, e := range node.Events(audit.LoginFailed) {
			if e.Reason == "invalid_credentials" {
				checked++
			}
		}
	}
	count := 0
	for _, r := range refused {
		if r {
			count++
		}
	}
	require.Equal(t, guesses, count+checked, "a guess was neither checked nor refused")
	return checked
}

// THR-01, THR-02, original item 32: guesses at once, on three nodes, in all spellings: no more passwords are checked than the limit says.
func TestGuessesAcrossNodes(t *testing.T) {
	t.Parallel()
	for _, driver := range []string{"memory", "sqlite"} {
		for _, known := range []bool{true, false} {
			t.Run(fmt.Sprint(driver, ", known ", known), func(t *testing.T) {
				t.Parallel()
				guessAcrossNodes(t, driver, known, 120)
			})
		}
	}
}

func TestSoakGuessesAcrossNodes(t *testing.T) {
	peer.Soak(t)
	for _, driver := range []string{"memory", "sqlite", "postgres", "postgres, serializable"} {
		t.Run(driver, func(t *testing.T) { guessAcrossNodes(t, driver, true, 10_000) })
	}
}

func guessAcrossNodes(t *testing.T, driver string, known bool, guesses int) {
	t.Helper()
	nodes := newAppsOverStore(t, driver, func(*authmodule.Config) {})
	email := "nobody@example.com"
	if known {
		email = nodes[0].User().Email
	}
	began := time.Now()
	checked := nodes.guess(t, email, guesses)
	t.Logf("%d guesses: %d checked, %v", guesses, checked, time.Since(began))
	assert.LessOrEqual(t, checked, 5)
	assert.Positive(t, checked)
}

// countingPasswords counts the reads of hashes, one for each password that is checked, whether there is such an account or not.
type countingPasswords struct {
	authn.PasswordStore
	reads atomic.Int64
}

func (c *countingPasswords) PasswordHash(ctx context.Context, s authn.Subject) (string, error) {
	c.reads.Add(1)
	return c.PasswordStore.PasswordHash(ctx, s)
}

func newCounted(t *testing.T, change func(*authmodule.Config)) (*fxtest.App, *countingPasswords) {
	t.Helper()
	hashes := &countingPasswords{PasswordStore: memstore.New()}
	return fxtest.NewConfigured(t, change, authmodule.UsePasswordStore(func() authn.PasswordStore { return hashes })), hashes
}

// THR-03, V6.3.8: what is locked is answered without a hash, alike whether there is an account or not; the right password waits as well.
func TestLockedLoginsHashNothing(t *testing.T) {
	t.Parallel()
	app, hashes := newCounted(t, func(*authmodule.Config) {})
	for _, email := range []string{app.User().Email, "nobody@example.com"} {
		before := hashes.reads.Load()
		for i := range 20 {
			password := setting.Secret("not the password, but long")
			if i >= 5 {
				password = fxtest.Password
			}
			_, err := app.Users.Login(t.Context(), authn.LoginRequest{Email: email, Password: password})
			if i < 5 {
				require.ErrorIs(t, err, authn.ErrInvalidCredentials)
				continue
			}
			require.ErrorIs(t, err, authn.ErrThrottled)
			assert.Equal(t, "authn: too many failed attempts: try again in 60 s", err.Error())
		}
		assert.EqualValues(t, 5, hashes.reads.Load()-before)
	}
	events := app.Events(audit.LoginThrottled)
	require.Len(t, events, 2)
	assert.Equal(t, "password", events[0].Reason)
	assert.Equal(t, "name", events[1].Reason)
}

// NIST-06: after the last failure in a row the right password fails as a wrong one does, until it is opened or set anew.
func TestPasswordIsDisabledAfterTooManyFailures(t *testing.T) {
	t.Parallel()
	app, _ := newCounted(t, func(c *authmodule.Config) { c.Throttle.MaxConsecutiveFailures = 20 })
	user := app.User()
	login := func(password setting.Secret) error {
		_, err := app.Users.Login(t.Context(), authn.LoginRequest{Email: user.Email, Password: password})
		return err
	}
	wrong := func() {
		t.Helper()
		require.ErrorIs(t, login("not the password, but long"), authn.ErrInvalidCredentials)
	}
	for range 17 {
		wrong()
		app.Advance(2 * time.Hour)
	}
	require.NoError(t, login(fxtest.Password))
	succeeded := app.Events(audit.LoginSucceeded)
	assert.Equal(t, "17", succeeded[len(succeeded)-1].Detail["failures"], "V6.3.5")
	for range 18 {
		require.Empty(t, app.Events(audit.AuthenticatorDisabled))
		wrong()
		app.Advance(2 * time.Hour)
	}
	require.Len(t, app.Events(audit.AuthenticatorDisabled), 1)
	app.Advance(24 * 365 * time.Hour)
	for range 3 {
		require.ErrorIs(t, login(fxtest.Password), authn.ErrInvalidCredentials)
	}
	failed := app.Events(audit.LoginFailed)
	assert.Equal(t, "authenticator_disabled", failed[len(failed)-1].Reason)
	require.NoError(t, app.Throttle.Reopen(t.Context(), authn.Principal{}, user.Subject, authn.FactorPassword))
	require.NoError(t, login(fxtest.Password))
}

// A right password at a disabled account is a failure like any other: who guesses it learns nothing from the throttle.
func TestDisabledAccountsAreThrottledAlike(t *testing.T) {
	t.Parallel()
	app, hashes := newCounted(t, func(*authmodule.Config) {})
	user := app.User()
	require.NoError(t, app.Users.Disable(t.Context(), authn.Principal{}, user.Subject))
	for i := range 8 {
		_, err := app.Users.Login(t.Context(), authn.LoginRequest{Email: user.Email, Password: fxtest.Password})
		if i < 5 {
			require.ErrorIs(t, err, authn.ErrInvalidCredentials)
		} else {
			require.ErrorIs(t, err, authn.ErrThrottled)
		}
	}
	assert.EqualValues(t, 5, hashes.reads.Load())
}

// Logins that succeed count nowhere, however many come one after the other from one network.
func TestSuccessesNeverCount(t *testing.T) {
	t.Parallel()
	app, _ := newCounted(t, func(*authmodule.Config) {})
	client := authn.Client{IP: netip.MustParseAddr("192.0.2.1")}
	for range 150 {
		user := app.User()
		_, err := app.Users.Login(t.Context(), authn.LoginRequest{Email: user.Email, Password: fxtest.Password, Client: client})
		require.NoError(t, err)
	}
}

// Many logins of one account at once, as of the jobs of a build, wait for each other and succeed.
func TestLoginsOfOneAccountAtOnce(t *testing.T) {
	t.Parallel()
	nodes := newAppsOverStore(t, "memory", func(*authmodule.Config) {})
	user := nodes[0].User()
	for _, err := range race(20, func(i int) error {
		_, err := nodes[i%len(nodes)].Users.Login(t.Context(), authn.LoginRequest{Email: user.Email, Password: fxtest.Password})
		return err
	}) {
		assert.NoError(t, err)
	}
}
