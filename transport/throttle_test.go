package transport_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/internal/webtest"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/transport"
)

// unthrottled is for tests that fail often on purpose.
func unthrottled(c *authmodule.Config) {
	c.LoginRateLimit, c.Throttle.PairRateLimit, c.Throttle.AddressRateLimit = "100000/second", "100000/second", "100000/second"
}

const wrong = "not the password, but long"

// requireThrottled requires the answer to too many failures, and returns for how long it says to wait.
func requireThrottled(t *testing.T, w *httptest.ResponseRecorder) int {
	t.Helper()
	require.Equal(t, http.StatusTooManyRequests, w.Code)
	require.Equal(t, "throttled", problem(t, w).Code)
	seconds, err := strconv.Atoi(w.Header().Get("Retry-After"))
	require.NoError(t, err)
	require.Positive(t, seconds)
	return seconds
}

// THR-02, THR-03: after five failures in any spelling the answer is 429, byte-equal for addresses with and without an
// account, for the right password as well, and tells when to come again.
func TestLoginThrottle(t *testing.T) {
	t.Parallel()
	app := start(t)
	user := app.User()
	var answers []string
	for _, email := range []string{user.Email, "nobody@example.com"} {
		for i := range 5 {
			spelled := []string{email, strings.ToUpper(email), " " + email, strings.Replace(email, "e", "ｅ", 1)}[i%4]
			w := app.Do(request("POST", "/auth/login", credentials(t, strings.TrimSpace(spelled), wrong)))
			require.Equal(t, "invalid_credentials", problem(t, w).Code)
		}
		for _, secret := range []string{wrong, password} {
			w := app.Do(request("POST", "/auth/login", credentials(t, email, secret)))
			assert.Equal(t, 60, requireThrottled(t, w))
			answers = append(answers, dump(t, w))
		}
	}
	for _, other := range answers[1:] {
		assert.Equal(t, answers[0], other)
	}
	app.Advance(time.Minute)
	login(t, app, user.Email, "token")
}

// THR-04: who guesses at an account keeps its owner out neither on a browser that the owner has used, nor for ever.
func TestLockedOutByOthers(t *testing.T) {
	t.Parallel()
	app := start(t)
	user := app.User()
	in := func(secret string) string {
		return object(t, map[string]any{"email": user.Email, "password": secret, "mode": "cookie"})
	}
	first := app.Do(request("POST", "/auth/login", in(password)))
	require.Equal(t, http.StatusOK, first.Code)
	var device *http.Cookie
	for _, c := range first.Result().Cookies() {
		if c.Name == transport.DeviceCookieName {
			device = c
		}
	}
	require.NotNil(t, device)
	for range 5 {
		app.Do(request("POST", "/auth/login", in(wrong)))
	}
	requireThrottled(t, app.Do(request("POST", "/auth/login", in(password))))
	assert.Equal(t, http.StatusOK, app.Do(request("POST", "/auth/login", in(password), webtest.Sent(device)...)).Code)
	for range 5 {
		assert.Equal(t, http.StatusUnauthorized, app.Do(request("POST", "/auth/login", in(wrong), webtest.Sent(device)...)).Code)
	}
	requireThrottled(t, app.Do(request("POST", "/auth/login", in(password), webtest.Sent(device)...)))
	forged := *device
	forged.Value = strings.Repeat("A", len(device.Value))
	app.Advance(time.Hour)
	assert.Equal(t, http.StatusOK, app.Do(request("POST", "/auth/login", in(password), webtest.Sent(&forged)...)).Code)
}

// THR-04: who ends the other sessions, or chooses another password, has the other devices forgotten, a thief's among them; the owner's own stays known.
func TestOtherDevicesAreForgotten(t *testing.T) {
	t.Parallel()
	for name, act := range map[string]func(*testing.T, app, []string) *httptest.ResponseRecorder{
		"sessions": func(_ *testing.T, app app, own []string) *httptest.ResponseRecorder {
			return app.Do(request("DELETE", "/auth/sessions", "", own...))
		},
		"password": func(t *testing.T, app app, own []string) *httptest.ResponseRecorder {
			return app.Do(request("POST", "/auth/password", object(t, map[string]any{"current_password": password, "password": password + " anew"}), own...))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := start(t)
			user := app.User()
			secret := password
			in := func(headers ...string) *httptest.ResponseRecorder {
				return app.Do(request("POST", "/auth/login", object(t, map[string]any{"email": user.Email, "password": secret, "mode": "cookie"}), headers...))
			}
			cookie := func(w *httptest.ResponseRecorder, name string) []string {
				require.Equal(t, http.StatusOK, w.Code)
				for _, c := range w.Result().Cookies() {
					if c.Name == name {
						return webtest.Sent(c)
					}
				}
				require.Fail(t, "no cookie "+name)
				return nil
			}
			own := in()
			other := cookie(in(), transport.DeviceCookieName)
			require.Equal(t, http.StatusNoContent, act(t, app, append(cookie(own, transport.CookieName), "Sec-Fetch-Site", "same-origin")).Code)
			secret = wrong
			for range 5 {
				require.Equal(t, http.StatusUnauthorized, in().Code)
			}
			secret = password
			if name == "password" {
				secret += " anew"
			}
			requireThrottled(t, in(other...))
			assert.Equal(t, http.StatusOK, in(cookie(own, transport.DeviceCookieName)...).Code)
		})
	}
}

// IP-01, IP-02, V4.1.3: the address that counts is the peer's; what an untrusted peer says of others does not get it more guesses.
func TestThrottleByAddress(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		change  func(*authmodule.Config)
		limited bool
	}{
		{"forged header", same, true},
		{"behind a trusted proxy", trusting("192.0.2.1/32"), false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			app := startConfigured(t, func(c *authmodule.Config) {
				c.Throttle.AddressRateLimit = "10/minute"
				tc.change(c)
			})
			refused := 0
			for i := range 30 {
				r := request("POST", "/auth/login", credentials(t, fmt.Sprintf("guess%d@example.com", i), wrong),
					"X-Forwarded-For", fmt.Sprintf("203.0.%d.7", i), "X-Real-IP", "203.0.113.9", "Forwarded", "for=203.0.113.9")
				if w := app.Do(r); w.Code == http.StatusTooManyRequests {
					refused++
				}
			}
			if tc.limited {
				assert.Equal(t, 20, refused)
			} else {
				assert.Zero(t, refused)
			}
		})
	}
}

// THR-05: refresh tokens and API keys that are not good are limited by address; good ones never count, and those that the node has seen go on.
func TestSecretsAreThrottled(t *testing.T) {
	t.Parallel()
	app := startKeys(t, func(c *authmodule.Config) { c.Throttle.AddressRateLimit = "10/minute" })
	user := app.User()
	grant := app.Grant(authn.Principal{Subject: user.Subject})
	owner := app.Principal()
	key, forged := app.APIKey(app.Principal()), app.APIKey(owner)
	refresh := func(token string) *httptest.ResponseRecorder {
		return app.Do(request("POST", "/auth/refresh", object(t, map[string]any{"refresh_token": token})))
	}
	token := grant.RefreshToken.Reveal()
	for range 30 {
		have := answer(t, refresh(token), http.StatusOK)
		token = have["refresh_token"].(string)
		require.Equal(t, http.StatusOK, app.status("GET", "/auth/me", asKey(key)...))
	}
	for range 10 {
		assert.Equal(t, "refresh_invalid", problem(t, refresh("rt_forged")).Code)
	}
	requireThrottled(t, refresh("rt_forged"))
	token = answer(t, refresh(token), http.StatusOK)["refresh_token"].(string)
	assert.Len(t, app.Events(audit.LoginThrottled), 1)

	p, err := app.APIKeys.Authenticate(t.Context(), setting.Secret(forged), authn.Client{})
	require.NoError(t, err)
	require.NoError(t, app.APIKeys.Revoke(t.Context(), owner, owner.Subject, p.KeyID))
	for range 10 {
		assert.Equal(t, "api_key_invalid", problem(t, app.Do(request("GET", "/auth/me", "", asKey(forged)...))).Code)
	}
	requireThrottled(t, app.Do(request("GET", "/auth/me", "", asKey(forged)...)))
	assert.Equal(t, http.StatusOK, app.status("GET", "/auth/me", asKey(key)...), "what is remembered asks nobody")
	app.Advance(time.Minute)
	assert.Equal(t, "api_key_invalid", problem(t, app.Do(request("GET", "/auth/me", "", asKey(forged)...))).Code)
	answer(t, refresh(token), http.StatusOK)
}

// Who tries which addresses have accounts by registering them is stopped; who registers is not.
func TestRegistrationIsThrottled(t *testing.T) {
	t.Parallel()
	app := startConfigured(t, func(c *authmodule.Config) { c.Throttle.AddressRateLimit = "10/minute" })
	user := app.User()
	register := func(email string) *httptest.ResponseRecorder {
		return app.Do(request("POST", "/auth/register", credentials(t, email, password)))
	}
	for i := range 15 {
		answer(t, register(fmt.Sprintf("new%d@example.com", i)), http.StatusCreated)
	}
	for range 10 {
		assert.Equal(t, "email_taken", problem(t, register(user.Email)).Code)
	}
	requireThrottled(t, register(user.Email))
	app.Advance(time.Minute)
	answer(t, register("another@example.com"), http.StatusCreated)
}

// REL-11: a store of counters that does not answer lets nobody log in, and says so.
func TestLoginWithoutCounters(t *testing.T) {
	t.Parallel()
	store := newFaulty()
	app := start(t, store.option())
	user := app.User()
	for _, h := range []harm{harmError, harmPanic, harmLost} {
		seen := map[string]bool{}
		for n := 1; ; n++ {
			store.arm(n, h)
			w := app.Do(request("POST", "/auth/login", credentials(t, user.Email, password)))
			failed := store.disarm()
			if failed == "" {
				break
			}
			if strings.HasSuffix(failed, "Counter") && !seen["PasswordHash"] {
				assert.Equal(t, http.StatusServiceUnavailable, w.Code, "%s of %s", h, failed)
			}
			seen[failed] = true
		}
		assert.True(t, seen["Counter"] && seen["PutCounter"])
	}
	c, err := app.Throttle.Counter(t.Context(), user.Subject, authn.FactorPassword)
	require.NoError(t, err)
	assert.Zero(t, c.Consecutive)
}
