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
	"github.com/authmodule/authmodule/account"
	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/internal/webtest"
	"github.com/authmodule/authmodule/mfa"
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

// THR-05: whatever takes a secret, or sends mail, for a stranger or for whoever holds a session, is limited: after a few wrong ones the answer is 429.
func TestTHR05EveryFactorIsLimited(t *testing.T) {
	t.Parallel()
	for name, c := range guessed() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := startMails(t, func(c *authmodule.Config) {
				c.MFA.Enabled, c.MFA.EmailCode, c.Throttle.AddressRateLimit = true, true, "10/minute"
			})
			guess := c(t, m)
			for i := range 11 {
				w := guess(i)
				if w.Code == http.StatusTooManyRequests {
					requireThrottled(t, w)
					assert.GreaterOrEqual(t, i, 4, "too early")
					return
				}
				assert.NotContains(t, []int{http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed}, w.Code, w.Body.String())
				assert.Less(t, w.Code, 500, w.Body.String())
			}
			assert.Fail(t, "it was never limited")
		})
	}
}

// guessed are the ways to try secrets, each with what makes the next guess.
func guessed() map[string]func(t *testing.T, m mails) func(i int) *httptest.ResponseRecorder {
	type guess = func(i int) *httptest.ResponseRecorder
	always := func(path string, members map[string]any) func(*testing.T, mails) guess {
		return func(t *testing.T, m mails) guess {
			return func(int) *httptest.ResponseRecorder { return m.post(t, path, members) }
		}
	}
	atLogin := func(factor string) func(*testing.T, mails) guess {
		return func(t *testing.T, m mails) guess {
			o := withMailbox(t, m)
			return func(int) *httptest.ResponseRecorder {
				return o.answer(t, o.login(t, nil)["challenge"], factor, "000000x")
			}
		}
	}
	asOwner := func(path string, members map[string]any) func(*testing.T, mails) guess {
		return func(t *testing.T, m mails) guess {
			header := bearer(m.Token(m.caller(t, m.User())))
			return func(int) *httptest.ResponseRecorder { return m.post(t, path, members, header...) }
		}
	}
	all := map[string]func(*testing.T, mails) guess{
		"password": func(t *testing.T, m mails) guess {
			return always("/login", map[string]any{"email": m.User().Email, "password": wrong})(t, m)
		},
		"password of nobody": always("/login", map[string]any{"email": "nobody@example.com", "password": wrong}),
		"app":                atLogin(mfa.NameTOTP), "recovery code": atLogin(mfa.NameRecoveryCode), "code by e-mail": atLogin(mfa.NameEmailCode),
		"current password": asOwner("/password", map[string]any{"current_password": wrong, "password": newPassword}),
		"password again":   asOwner("/step-up", map[string]any{"factor": "password", "password": wrong}),
		"app again": func(t *testing.T, m mails) guess {
			o := withMailbox(t, m)
			header := bearer(answerOf(t, o.answer(t, o.login(t, nil)["challenge"], mfa.NameTOTP, o.code(t)))["access_token"].(string))
			return func(int) *httptest.ResponseRecorder {
				return m.post(t, "/step-up", map[string]any{"factor": mfa.NameTOTP, "code": "000000x"}, header...)
			}
		},
		"enrollment": func(t *testing.T, m mails) guess {
			header := bearer(m.Token(m.caller(t, m.User())))
			id := members(t, m.post(t, "/mfa/totp", map[string]any{}, header...))["id"]
			return func(int) *httptest.ResponseRecorder {
				return m.post(t, "/mfa/totp/confirm", map[string]any{"id": id, "code": "000000x"}, header...)
			}
		},
		"reset link": func(t *testing.T, m mails) guess {
			good := m.forgot(t, m.User())
			return always("/password/reset", map[string]any{"token": good[:len(good)-4] + "aaaa", "password": newPassword})(t, m)
		},
		"link that verifies":  always("/email/verify", map[string]any{"token": "ev_x_y"}),
		"link to an address":  always("/email/confirm", map[string]any{"token": "ec_x_y"}),
		"link that logs in":   always("/login/link/finish", map[string]any{"token": "ll_x_y"}),
		"challenge of a code": always("/login/code/finish", map[string]any{"challenge": "lc_x_y", "code": "00000000"}),
		"code that logs in": func(t *testing.T, m mails) guess {
			user, challenge := m.User(), ""
			return func(i int) *httptest.ResponseRecorder {
				if i%(account.CodeTries-1) == 0 {
					challenge, _ = m.code(t, user.Email)
				}
				return m.post(t, "/login/code/finish", map[string]any{"challenge": challenge, "code": "0000000x"})
			}
		},
		"refresh token": always("/refresh", map[string]any{"refresh_token": "rt_x_y"}),
		"API key": func(t *testing.T, m mails) guess {
			p := m.caller(t, m.User())
			key := m.APIKey(p)
			list, err := m.APIKeys.List(t.Context(), p.Subject)
			require.NoError(t, err)
			require.NoError(t, m.APIKeys.Revoke(t.Context(), p, p.Subject, list[0].ID))
			return func(int) *httptest.ResponseRecorder { return m.Do(request("GET", "/auth/me", "", asKey(key)...)) }
		},
		"registration": func(t *testing.T, m mails) guess {
			return func(i int) *httptest.ResponseRecorder {
				return m.post(t, "/register", map[string]any{"email": fmt.Sprintf("n%d@example.com", i), "password": password})
			}
		},
	}
	for _, path := range []string{"/password/forgot", "/email/verify/resend", "/login/link", "/login/code"} {
		all["mail by "+path] = func(t *testing.T, m mails) guess {
			return func(i int) *httptest.ResponseRecorder {
				return m.post(t, path, map[string]any{"email": fmt.Sprintf("n%d@example.com", i)})
			}
		}
	}
	return all
}

// withMailbox is an account with an app and a mailbox for second factors.
func withMailbox(t testing.TB, m mails) owner {
	t.Helper()
	o := enrolled(t, m.app)
	user, err := m.Users.UserByEmail(t.Context(), "", o.email)
	require.NoError(t, err)
	require.NoError(t, m.MFA.EnrollEmail(t.Context(), user, authn.Client{}))
	_, err = m.MFA.ConfirmEmail(t.Context(), user.Subject, m.box.wait(t, account.NoticeFactorCode, 1).Code, mfa.By{})
	require.NoError(t, err)
	return o
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
