package authmodule_test

import (
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/echoauth"
	"github.com/authmodule/authmodule/fxtest"
	"github.com/authmodule/authmodule/internal/peer"
	"github.com/authmodule/authmodule/internal/webtest"
	"github.com/authmodule/authmodule/store/memstore"
)

// lockable is an application of which every name in emails is locked, with or without an account.
type lockable struct {
	*fxtest.App
	hashes *countingPasswords
	emails map[string]string
}

func newLocked(t *testing.T, driver string) lockable {
	t.Helper()
	l := lockable{hashes: &countingPasswords{PasswordStore: memstore.New()}}
	place := storeOf(t, driver)
	l.App = fxtest.NewConfigured(t, func(c *authmodule.Config) { c.Store, c.SecretKey, c.MFA.Enabled = place, goodSecret, true },
		fx.Provide(echo.New), fx.Invoke(echoauth.Mount), authmodule.UsePasswordStore(func() authn.PasswordStore { return l.hashes }))
	disabled := l.User()
	require.NoError(t, l.Users.Disable(t.Context(), authn.Principal{}, disabled.Subject))
	factored, _, _ := enrollApp(t, l.App)
	l.emails = map[string]string{"unknown": "nobody@example.com", "known": l.User().Email, "disabled": disabled.Email, "second factor": factored.Email}
	for _, email := range l.emails {
		for range 5 {
			w := l.login(email, "not the password, but long")
			require.Equal(t, http.StatusUnauthorized, w.Code, w.Body)
		}
	}
	return l
}

func (l lockable) login(email, password string) *httptest.ResponseRecorder {
	return l.Do(webtest.Request("POST", "/auth/login", credentialsOf(email, password)))
}

// V6.3.8, THR-03, TIM-01: what is locked is answered without a hash, and alike to the byte whether there is an account or not, is disabled or has a
// second factor, and whether the password is right.
func TestLockedAnswersAreAlike(t *testing.T) {
	t.Parallel()
	l := newLocked(t, "memory")
	before := l.hashes.reads.Load()
	expected := webtest.Dump(l.login("nobody@example.com", fxtest.Password))
	assert.Contains(t, expected, `"code":"throttled"`)
	for name, email := range l.emails {
		for _, password := range []string{fxtest.Password, "not the password, but long", ""} {
			w := l.login(email, password)
			if password != "" {
				assert.Equal(t, expected, webtest.Dump(w), name)
			}
			assert.Empty(t, w.Result().Cookies(), name)
		}
	}
	assert.Equal(t, before, l.hashes.reads.Load(), "a password was looked up")
}

// V6.3.8: 2,000 answers of each kind of locked name, in turn, take the same time.
func TestSoakLockedLoginTiming(t *testing.T) {
	peer.Soak(t)
	for _, driver := range []string{"memory", "sqlite", "postgres"} {
		t.Run(driver, func(t *testing.T) {
			l, took := newLocked(t, driver), map[string][]float64{}
			for i := range 2000 {
				for name, email := range l.emails { // in another order each time
					start := time.Now()
					w := l.login(email, fxtest.Password)
					took[name] = append(took[name], time.Since(start).Seconds()*1000)
					require.Equal(t, http.StatusTooManyRequests, w.Code, fmt.Sprint(i, w.Body))
				}
			}
			for name := range l.emails {
				gap, p := math.Abs(median(took["unknown"])-median(took[name])), mannWhitney(took["unknown"], took[name])
				t.Logf("unknown %.4f ms, %s %.4f ms, p %.3f", median(took["unknown"]), name, median(took[name]), p)
				assert.True(t, gap < 1 || p > 0.01, "%s differs by %.2f ms, p %.4f", name, gap, p)
			}
		})
	}
}
