package authmodule_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
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
	"github.com/authmodule/authmodule/internal/webtest"
	"github.com/authmodule/authmodule/mfa"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/store/memstore"
)

const notIt = "not the password, but long"

// Item 32: of a hundred guesses at once with a limit of five, a hundred were evaluated. TestGuessesAcrossNodes asks it of three nodes.
func TestItem32ConcurrentGuessesAreCounted(t *testing.T) {
	t.Parallel()
	app, hashes := newCounted(t, func(*authmodule.Config) {})
	user := app.User()
	locked := 0
	for _, err := range race(100, func(int) error {
		_, err := app.Users.Login(t.Context(), authn.LoginRequest{Email: user.Email, Password: notIt})
		return err
	}) {
		if isThrottled(err) || errors.Is(err, authn.ErrOverloaded) {
			locked++
		} else {
			require.ErrorIs(t, err, authn.ErrInvalidCredentials)
		}
	}
	assert.EqualValues(t, 5, hashes.reads.Load())
	assert.Equal(t, 95, locked)
}

// Item 36: locks were kept in the time that a process has run for, which means nothing to another one, and were read and written without a
// comparison. A lock outlives its process, to the second, and holds on all others.
func TestItem36LocksAreSharedAndOutliveTheirProcess(t *testing.T) {
	t.Parallel()
	for _, driver := range []string{"sqlite", "postgres"} {
		place := storeOf(t, driver)
		node := func() *fxtest.App {
			return fxtest.NewConfigured(t, func(c *authmodule.Config) { c.Store, c.JWT.SecretKey = place, "one secret for all nodes of this test" })
		}
		first, second := node(), node()
		user := first.User()
		try := func(app *fxtest.App, password setting.Secret) error {
			_, err := app.Users.Login(t.Context(), authn.LoginRequest{Email: user.Email, Password: password})
			return err
		}
		for i := range 5 {
			require.ErrorIs(t, try([]*fxtest.App{first, second}[i%2], notIt), authn.ErrInvalidCredentials)
		}
		restarted := node()
		for _, app := range []*fxtest.App{first, second, restarted} {
			require.ErrorIs(t, try(app, fxtest.Password), authn.ErrThrottled)
			app.Advance(55 * time.Second)
			require.ErrorIs(t, try(app, fxtest.Password), authn.ErrThrottled)
			app.Advance(10 * time.Second)
			require.NoError(t, try(app, fxtest.Password))
			app.Advance(-65 * time.Second)
		}
	}
}

// Item 39: a login of one's own made room for guesses at others, clients without an address shared one limit, and of the paths that take a secret two were limited.
// That the counters do not grow for ever is asked in store/memstore, and that proxies are named in transport.
func TestItem39LimitsByAddress(t *testing.T) {
	t.Parallel()
	app := fxtest.NewConfigured(t, func(c *authmodule.Config) { c.Throttle.AddressRateLimit = "10/minute" })
	own, home := app.User(), authn.Client{IP: netip.MustParseAddr("192.0.2.1")}
	try := func(email string, password setting.Secret, client authn.Client) error {
		_, err := app.Users.Login(t.Context(), authn.LoginRequest{Email: email, Password: password, Client: client})
		return err
	}
	for i := range 10 {
		require.ErrorIs(t, try(fmt.Sprintf("other%d@example.com", i), notIt, home), authn.ErrInvalidCredentials)
		if i < 9 {
			require.NoError(t, try(own.Email, fxtest.Password, home), "one's own login")
		}
	}
	require.ErrorIs(t, try("another@example.com", notIt, home), authn.ErrThrottled)
	for i := range 50 {
		require.ErrorIs(t, try(fmt.Sprintf("nobody%d@example.com", i), notIt, authn.Client{}), authn.ErrInvalidCredentials, "those without an address share no limit")
	}
}

// Item 39, THR-05: each path that takes a secret from a stranger is limited.
func TestItem39EveryPathIsLimited(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		most int
		send func(i int) *http.Request
	}{
		"login": {12, func(int) *http.Request {
			return webtest.Request("POST", "/auth/login", credentialsOf("ada@example.com", notIt))
		}},
		"refresh": {12, func(i int) *http.Request {
			return webtest.Request("POST", "/auth/refresh", fmt.Sprintf(`{"refresh_token":"rt_x%d_y"}`, i))
		}},
		"register": {12, func(int) *http.Request {
			return webtest.Request("POST", "/auth/register", credentialsOf("user1@example.com", password))
		}},
		"API key": {12, func(int) *http.Request {
			return webtest.Request("GET", "/auth/me", "", "Authorization", "ApiKey of the test")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := fxtest.NewConfigured(t, func(c *authmodule.Config) { c.Throttle.AddressRateLimit = "10/minute" }, fx.Provide(echo.New), fx.Invoke(echoauth.Mount))
			p := app.Principal()
			key := app.APIKey(p)
			id, err := app.APIKeys.List(t.Context(), p.Subject)
			require.NoError(t, err)
			require.NoError(t, app.APIKeys.Revoke(t.Context(), p, p.Subject, id[0].ID))
			for i := range c.most {
				r := c.send(i)
				if r.Header.Get("Authorization") != "" {
					r.Header.Set("Authorization", "ApiKey "+key)
				}
				if w := app.Do(r); w.Code == http.StatusTooManyRequests {
					assert.Positive(t, i)
					return
				}
			}
			assert.Fail(t, "it was never limited")
		})
	}
}

// Item 52: a code worked again within its window, a backup code ten times at once, an app before it was confirmed, guesses had no limit, the secret
// was in the profile, backup codes had 40 bits, and the label was not encoded.
func TestItem52SecondFactors(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	app := fxtest.NewConfigured(t, func(c *authmodule.Config) { c.MFA.Enabled, c.MFA.Issuer = true, "Arm & Leg" },
		authmodule.UseFactorStore(func() mfa.FactorStore { return store }), fx.Provide(echo.New), fx.Invoke(echoauth.Mount))
	user := app.User()
	query := authn.FactorQuery{Proof: authn.Proof{Subject: user.Subject}, User: user}
	redeem := func(factor string, code setting.Secret) error {
		_, err := app.MFA.Redeem(context.Background(), query, authn.FactorAnswer{Factor: factor, Code: code})
		return err
	}
	e, err := app.MFA.EnrollTOTP(t.Context(), user.Subject, "a&b=c?d e/"+user.Email, "")
	require.NoError(t, err)
	uri, err := url.Parse(e.URI.Reveal())
	require.NoError(t, err)
	assert.Equal(t, "/Arm & Leg:a&b=c?d e/"+user.Email, uri.Path, "the label comes back as it was")
	assert.Equal(t, []string{"Arm & Leg"}, uri.Query()["issuer"])
	assert.NotContains(t, uri.Query(), "b", "nor does it add a parameter")

	require.ErrorIs(t, redeem(mfa.NameTOTP, appCode(t, app, e.Secret)), authn.ErrFactorInvalid, "it is not confirmed")
	codes, err := app.MFA.ConfirmTOTP(t.Context(), user.Subject, e.ID, appCode(t, app, e.Secret), mfa.By{})
	require.NoError(t, err)
	require.ErrorIs(t, redeem(mfa.NameTOTP, appCode(t, app, e.Secret)), authn.ErrFactorInvalid, "the code was used to confirm")
	app.Advance(mfa.Period)
	require.NoError(t, redeem(mfa.NameTOTP, appCode(t, app, e.Secret)))
	require.ErrorIs(t, redeem(mfa.NameTOTP, appCode(t, app, e.Secret)), authn.ErrFactorInvalid, "again")

	won := 0
	for _, err := range race(10, func(int) error { return redeem(mfa.NameRecoveryCode, codes[0]) }) {
		if err == nil {
			won++
		}
	}
	assert.Equal(t, 1, won)
	assert.GreaterOrEqual(t, len(strings.ReplaceAll(codes[1].Reveal(), "-", ""))*5, 112, "bits")

	checked := 0
	for i := range 3000 {
		if err := redeem(mfa.NameTOTP, setting.Secret(fmt.Sprintf("%05dx", i))); !isThrottled(err) {
			require.ErrorIs(t, err, authn.ErrFactorInvalid)
			checked++
		}
	}
	assert.LessOrEqual(t, checked, 5)
	profile := app.Do(webtest.Request("GET", "/auth/me", "", webtest.Bearer(app.Token(authn.Principal{Subject: user.Subject}))...))
	require.Equal(t, http.StatusOK, profile.Code)
	assert.NotContains(t, webtest.Dump(profile)+fmt.Sprintf("%+v", user), e.Secret.Reveal())
}

func isThrottled(err error) bool { return errors.Is(err, authn.ErrThrottled) }
