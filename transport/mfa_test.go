package transport_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/mfa"
	"github.com/authmodule/authmodule/session"
)

func withMFA(c *authmodule.Config) {
	c.MFA.Enabled = true
	unthrottled(c)
}

func answerOf(t testing.TB, w *httptest.ResponseRecorder) map[string]any {
	t.Helper()
	require.Equal(t, http.StatusOK, w.Code, w.Body)
	return members(t, w)
}

func members(t testing.TB, w *httptest.ResponseRecorder) map[string]any {
	t.Helper()
	var m map[string]any
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &m), w.Body)
	return m
}

// owner is an account with an app, whose time the test moves.
type owner struct {
	app    app
	email  string
	id     string
	secret string
	// codes are its recovery codes.
	codes []any
	// token is of the login that enrolled.
	token string
}

func (o owner) login(t testing.TB, more map[string]any) map[string]any {
	t.Helper()
	in := map[string]any{"email": o.email, "password": password}
	for k, v := range more {
		in[k] = v
	}
	return answerOf(t, o.app.Do(request("POST", "/auth/login", object(t, in))))
}

// code is what the app shows.
func (o owner) code(t testing.TB) string {
	t.Helper()
	code, err := totp.GenerateCode(o.secret, o.app.Now())
	require.NoError(t, err)
	return code
}

func (o owner) answer(t testing.TB, challenge any, factor, code string, more ...any) *httptest.ResponseRecorder {
	t.Helper()
	in := map[string]any{"challenge": challenge, "factor": factor, "code": code}
	for i := 0; i+1 < len(more); i += 2 {
		in[more[i].(string)] = more[i+1]
	}
	return o.app.Do(request("POST", "/auth/login/mfa", object(t, in)))
}

// enrolled registers an account and enrolls an app by the routes.
func enrolled(t testing.TB, app app) owner {
	t.Helper()
	user := app.User()
	o := owner{app: app, email: user.Email}
	o.token = o.login(t, nil)["access_token"].(string)
	w := app.Do(request("POST", "/auth/mfa/totp", `{"name":"phone"}`, bearer(o.token)...))
	require.Equal(t, http.StatusCreated, w.Code, w.Body)
	e := members(t, w)
	assert.True(t, strings.HasPrefix(e["uri"].(string), "otpauth://totp/"))
	assert.True(t, strings.HasPrefix(e["qr_png"].(string), "iVBOR"), "a PNG")
	o.secret, o.id = e["secret"].(string), e["id"].(string)
	w = app.Do(request("POST", "/auth/mfa/totp/confirm", object(t, map[string]any{"id": o.id, "code": "x" + o.code(t)}), bearer(o.token)...))
	require.Equal(t, "code_invalid", problem(t, w).Code)
	confirmed := answerOf(t, app.Do(request("POST", "/auth/mfa/totp/confirm", object(t, map[string]any{"id": o.id, "code": o.code(t)}), bearer(o.token)...)))
	o.codes = confirmed["recovery_codes"].([]any)
	app.Advance(mfa.Period)
	return o
}

// TOTP-10: a password alone is no session: not in the answer, not in the store, not by any route.
func TestPasswordAloneIsNoSession(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"token", "cookie"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			app := startConfigured(t, withMFA)
			o := enrolled(t, app)
			user, err := app.Users.UserByEmail(t.Context(), "", o.email)
			require.NoError(t, err)
			before, err := app.SessionManager.List(t.Context(), user.Subject)
			require.NoError(t, err)

			w := app.Do(request("POST", "/auth/login", object(t, map[string]any{"email": o.email, "password": password, "mode": mode})))
			held := answerOf(t, w)
			assert.Empty(t, w.Result().Cookies())
			challenge := held["challenge"].(string)
			assert.Equal(t, map[string]any{
				"mfa_required": true, "challenge": challenge, "expires_in": 300.0, "enroll": false, "factors": []any{mfa.NameTOTP, mfa.NameRecoveryCode},
			}, held)
			after, err := app.SessionManager.List(t.Context(), user.Subject)
			require.NoError(t, err)
			assert.Equal(t, before, after)
			for _, path := range []string{"/auth/me", "/auth/mfa", "/auth/sessions"} {
				w := app.Do(request("GET", path, "", "Authorization", "Bearer "+challenge))
				assert.Equal(t, http.StatusUnauthorized, w.Code)
				w = app.Do(request("GET", path, "", "Cookie", "__Host-session="+challenge))
				assert.Equal(t, http.StatusUnauthorized, w.Code)
			}
			for _, c := range []struct{ path, name string }{{"/auth/refresh", "refresh_token"}, {"/auth/login/continue", "continuation"}} {
				w := app.Do(request("POST", c.path, object(t, map[string]any{c.name: challenge})))
				assert.Equal(t, http.StatusUnauthorized, w.Code, c.path)
			}

			w = o.answer(t, challenge, mfa.NameTOTP, o.code(t))
			got := answerOf(t, w)
			if mode == "cookie" {
				assert.NotEmpty(t, got["session_id"])
				assert.NotEmpty(t, w.Result().Cookies())
				return
			}
			p, err := app.Users.AuthenticateToken(t.Context(), secretOf(got["access_token"].(string)), authn.Client{})
			require.NoError(t, err)
			assert.Equal(t, []string{"pwd", "otp", "mfa"}, p.Methods, "RFC 8176")
			w = o.answer(t, challenge, mfa.NameTOTP, o.code(t))
			assert.Equal(t, "challenge_invalid", problem(t, w).Code, "it works once")
		})
	}
}

// TOTP-02, V6.5.1: of a hundred answers at once to one challenge, or with one code to a challenge of their own, one opens a session.
func TestOneAnswerWins(t *testing.T) {
	t.Parallel()
	app := startConfigured(t, withMFA)
	o := enrolled(t, app)
	for _, shared := range []bool{true, false} {
		challenges := make([]any, 100)
		for i := range challenges {
			if i == 0 || !shared {
				challenges[i] = o.login(t, nil)["challenge"]
			} else {
				challenges[i] = challenges[0]
			}
		}
		code := o.code(t)
		var won atomic.Int64
		var wg sync.WaitGroup
		for _, challenge := range challenges {
			wg.Go(func() {
				if o.answer(t, challenge, mfa.NameTOTP, code).Code == http.StatusOK {
					won.Add(1)
				}
			})
		}
		wg.Wait()
		require.EqualValues(t, 1, won.Load())
		app.Advance(mfa.Period)
	}
}

// V6.7.2: a challenge has 256 random bits, and no two are alike.
func TestChallengesAreUnique(t *testing.T) {
	t.Parallel()
	o := enrolled(t, startConfigured(t, withMFA))
	seen := map[string]bool{}
	for range 200 {
		challenge := o.login(t, nil)["challenge"].(string)
		_, secret, _ := strings.Cut(challenge[len("mc_"):], "_")
		require.Len(t, secret, 52, "of base32")
		require.False(t, seen[secret])
		seen[secret] = true
	}
}

// V6.6.3: a challenge takes five wrong answers, and five minutes; it is of its own account.
func TestChallengeEnds(t *testing.T) {
	t.Parallel()
	app := startConfigured(t, withMFA)
	o, other := enrolled(t, app), enrolled(t, app)
	challenge := o.login(t, nil)["challenge"]
	for range 5 {
		require.Equal(t, "code_invalid", problem(t, o.answer(t, challenge, mfa.NameTOTP, "000000x")).Code)
	}
	require.Equal(t, "challenge_invalid", problem(t, o.answer(t, challenge, mfa.NameTOTP, o.code(t))).Code)

	challenge = o.login(t, nil)["challenge"]
	require.Equal(t, "code_invalid", problem(t, o.answer(t, challenge, mfa.NameTOTP, other.code(t))).Code)
	require.Equal(t, "code_invalid", problem(t, o.answer(t, challenge, "sms", o.code(t))).Code)
	app.Advance(5 * time.Minute)
	require.Equal(t, "challenge_invalid", problem(t, o.answer(t, challenge, mfa.NameTOTP, o.code(t))).Code)
	for _, text := range []string{"", "x", "mc_a_b", "cl_" + challenge.(string)[3:]} {
		require.Equal(t, "challenge_invalid", problem(t, o.answer(t, text, mfa.NameTOTP, o.code(t))).Code)
	}

	challenge = o.login(t, nil)["challenge"]
	user, err := app.Users.UserByEmail(t.Context(), "", o.email)
	require.NoError(t, err)
	_, err = app.SessionManager.RevokeAll(t.Context(), user.Subject)
	require.NoError(t, err)
	require.Equal(t, "challenge_invalid", problem(t, o.answer(t, challenge, mfa.NameTOTP, o.code(t))).Code, "logged out everywhere meanwhile")
	challenge = o.login(t, nil)["challenge"]
	require.NoError(t, app.Users.Disable(t.Context(), authn.Principal{}, user.Subject))
	require.Equal(t, http.StatusUnauthorized, o.answer(t, challenge, mfa.NameTOTP, o.code(t)).Code)
}

// TOTP-04, NIST-06, THR-05: wrong codes are counted for the account, whatever the challenge and the address; a right one does not help then.
func TestWrongCodesAreThrottled(t *testing.T) {
	t.Parallel()
	app := startConfigured(t, func(c *authmodule.Config) { c.MFA.Enabled = true })
	o := enrolled(t, app)
	app.Advance(time.Hour)
	for range 5 {
		w := o.answer(t, o.login(t, nil)["challenge"], mfa.NameTOTP, "000000x")
		require.Equal(t, "code_invalid", problem(t, w).Code)
	}
	challenge := o.login(t, nil)["challenge"]
	w := o.answer(t, challenge, mfa.NameTOTP, o.code(t))
	require.Equal(t, "throttled", problem(t, w).Code)
	require.NotEmpty(t, w.Header().Get("Retry-After"))
	answerOf(t, o.answer(t, challenge, mfa.NameRecoveryCode, o.codes[0].(string)))
	app.Advance(time.Minute)
	answerOf(t, o.answer(t, o.login(t, nil)["challenge"], mfa.NameTOTP, o.code(t)))
}

// The session limit comes after the second factor, and is not asked twice.
func TestLimitAfterSecondFactor(t *testing.T) {
	t.Parallel()
	app := startConfigured(t, func(c *authmodule.Config) {
		withMFA(c)
		c.Session.MaxPerUser, c.Session.OnLimit = 1, session.Ask
	})
	o := enrolled(t, app)
	held := answerOf(t, o.answer(t, o.login(t, nil)["challenge"], mfa.NameTOTP, o.code(t)))
	require.Equal(t, true, held["session_limit"])
	first := held["sessions"].([]any)[0].(map[string]any)["id"]
	w := app.Do(request("POST", "/auth/login/continue", object(t, map[string]any{"continuation": held["continuation"], "end": []any{first}})))
	p, err := app.Users.AuthenticateToken(t.Context(), secretOf(answerOf(t, w)["access_token"].(string)), authn.Client{})
	require.NoError(t, err)
	assert.Contains(t, p.Methods, "mfa")
}

// A login of a trusted device that the limit holds up goes on as such.
func TestLimitOfTrustedDevice(t *testing.T) {
	t.Parallel()
	app := startConfigured(t, func(c *authmodule.Config) {
		withMFA(c)
		c.MFA.TrustDays, c.Session.MaxPerUser, c.Session.OnLimit = 30, 1, session.Ask
	})
	o := enrolled(t, app)
	for range 2 {
		held := answerOf(t, o.answer(t, o.login(t, nil)["challenge"], mfa.NameTOTP, o.code(t), "trust_device", true))
		app.Advance(mfa.Period)
		require.Equal(t, true, held["session_limit"])
		held = o.login(t, map[string]any{"trusted_device": held["trusted_device"]})
		require.Equal(t, true, held["session_limit"])
		first := held["sessions"].([]any)[0].(map[string]any)["id"]
		w := app.Do(request("POST", "/auth/login/continue", object(t, map[string]any{"continuation": held["continuation"], "end": []any{first}})))
		require.NotEmpty(t, answerOf(t, w)["access_token"])
	}
}

// A trusted device is let in by the password; it cannot change factors.
func TestTrustedDeviceByRoutes(t *testing.T) {
	t.Parallel()
	app := startConfigured(t, func(c *authmodule.Config) { withMFA(c); c.MFA.TrustDays = 30 })
	o := enrolled(t, app)
	got := answerOf(t, o.answer(t, o.login(t, nil)["challenge"], mfa.NameTOTP, o.code(t), "trust_device", true, "device_name", "laptop"))
	secret := got["trusted_device"].(string)
	assert.Equal(t, (30 * 24 * time.Hour).Seconds(), got["trusted_for"])
	app.Advance(mfa.Period)
	token := o.login(t, map[string]any{"trusted_device": secret})["access_token"].(string)
	require.Equal(t, "insufficient_user_authentication", problem(t, app.Do(request("DELETE", "/auth/mfa/factors/"+o.id, "", bearer(token)...))).Code)
	require.Equal(t, "insufficient_user_authentication", problem(t, app.Do(request("POST", "/auth/mfa/totp", "{}", bearer(token)...))).Code)

	list := answerOf(t, app.Do(request("GET", "/auth/mfa/trusted-devices", "", bearer(token)...)))["trusted_devices"].([]any)
	require.Len(t, list, 1)
	id := list[0].(map[string]any)["id"].(string)
	assert.Equal(t, "laptop", list[0].(map[string]any)["name"])
	require.Equal(t, http.StatusNoContent, app.Do(request("DELETE", "/auth/mfa/trusted-devices/"+id, "", bearer(token)...)).Code)
	require.Equal(t, "factor_not_found", problem(t, app.Do(request("DELETE", "/auth/mfa/trusted-devices/"+id, "", bearer(token)...))).Code)
	require.Equal(t, true, o.login(t, map[string]any{"trusted_device": secret})["mfa_required"])

	challenge := o.login(t, map[string]any{"mode": "cookie"})["challenge"]
	w := o.answer(t, challenge, mfa.NameTOTP, o.code(t), "trust_device", true)
	assert.NotContains(t, answerOf(t, w), "trusted_device")
	var trust *http.Cookie
	for _, c := range w.Result().Cookies() {
		if c.Name == "__Host-trust" {
			trust = c
		}
	}
	require.NotNil(t, trust)
	assert.True(t, trust.HttpOnly && trust.Secure)
	w = app.Do(request("POST", "/auth/login", credentials(t, o.email, password), "Cookie", "__Host-trust="+trust.Value))
	assert.Contains(t, answerOf(t, w), "access_token")
}

// What must have a second factor and has none can enroll one in its login, and do nothing else.
func TestEnrollAtLogin(t *testing.T) {
	t.Parallel()
	app := startConfigured(t, func(c *authmodule.Config) { withMFA(c); c.MFA.Require = mfa.RequireEverybody })
	o := owner{app: app, email: app.User().Email}
	held := o.login(t, nil)
	require.Equal(t, true, held["enroll"])
	require.Equal(t, []any{mfa.NameTOTP}, held["factors"])
	begin := object(t, map[string]any{"challenge": held["challenge"], "factor": mfa.NameTOTP})
	e := answerOf(t, app.Do(request("POST", "/auth/login/mfa/begin", begin)))
	o.secret = e["secret"].(string)
	require.Equal(t, "code_invalid", problem(t, o.answer(t, held["challenge"], mfa.NameTOTP, "0")).Code)
	got := answerOf(t, o.answer(t, held["challenge"], mfa.NameTOTP, o.code(t)))
	assert.Len(t, got["recovery_codes"], mfa.RecoveryCodes)
	require.Equal(t, http.StatusOK, app.Do(request("GET", "/auth/me", "", bearer(got["access_token"].(string))...)).Code, "that session lives, whatever the enrollment ended")
	require.Equal(t, "challenge_invalid", problem(t, app.Do(request("POST", "/auth/login/mfa/begin", begin))).Code)
	assert.Equal(t, false, o.login(t, nil)["enroll"])
}

// TOTP-08: the routes of an account's own factors want a recent login, the first enrollment too.
func TestFactorRoutes(t *testing.T) {
	t.Parallel()
	app := startConfigured(t, func(c *authmodule.Config) { withMFA(c); c.HTTP.StepUpMinutes = 5 }) // less than a token's life
	o := enrolled(t, app)
	require.Equal(t, "insufficient_user_authentication", problem(t, app.Do(request("POST", "/auth/mfa/recovery-codes", "", bearer(o.token)...))).Code, "that login was by the password alone")
	token := answerOf(t, o.answer(t, o.login(t, nil)["challenge"], mfa.NameTOTP, o.code(t)))["access_token"].(string)
	own := answerOf(t, app.Do(request("GET", "/auth/mfa", "", bearer(token)...)))
	assert.Equal(t, float64(mfa.RecoveryCodes), own["recovery_codes_left"])
	assert.Equal(t, "phone", own["factors"].([]any)[0].(map[string]any)["name"])
	codes := answerOf(t, app.Do(request("POST", "/auth/mfa/recovery-codes", "", bearer(token)...)))["recovery_codes"].([]any)
	require.Equal(t, "code_invalid", problem(t, o.answer(t, o.login(t, nil)["challenge"], mfa.NameRecoveryCode, o.codes[0].(string))).Code)
	answerOf(t, o.answer(t, o.login(t, nil)["challenge"], mfa.NameRecoveryCode, codes[0].(string)))
	require.Equal(t, "factor_unavailable", problem(t, app.Do(request("POST", "/auth/mfa/email", "", bearer(token)...))).Code)

	require.Equal(t, "factor_not_found", problem(t, app.Do(request("DELETE", "/auth/mfa/factors/none", "", bearer(token)...))).Code)
	require.Equal(t, http.StatusNoContent, app.Do(request("DELETE", "/auth/mfa/factors/"+o.id, "", bearer(token)...)).Code)
	require.Equal(t, http.StatusOK, app.Do(request("GET", "/auth/me", "", bearer(token)...)).Code, "one's own session stays")
	next := o.login(t, nil)["access_token"].(string)
	app.Advance(6 * time.Minute)
	assert.Equal(t, "insufficient_user_authentication", problem(t, app.Do(request("POST", "/auth/mfa/totp", "{}", bearer(next)...))).Code)
	assert.Len(t, app.Events(audit.MFARemoved), 1)
}

// A canary: neither a log nor an event has a secret, a code or a challenge in it.
func TestMFASecretsAreNotLogged(t *testing.T) {
	t.Parallel()
	app := startConfigured(t, withMFA)
	o := enrolled(t, app)
	challenge := o.login(t, nil)["challenge"].(string)
	code := o.code(t)
	o.answer(t, challenge, mfa.NameTOTP, code)
	o.answer(t, challenge, mfa.NameTOTP, code)
	said := app.log.String()
	for _, e := range app.Events() {
		text, err := json.Marshal(e)
		require.NoError(t, err)
		said += string(text)
	}
	for _, canary := range []string{o.secret, challenge, challenge[len(challenge)-20:], o.codes[0].(string), code} {
		assert.NotContains(t, said, canary)
	}
}

// Where it is off there are no such routes, and no login asks for anything.
func TestMFAIsOffByDefault(t *testing.T) {
	t.Parallel()
	app := start(t)
	token := owner{app: app, email: app.User().Email}.login(t, nil)["access_token"].(string)
	for _, path := range []string{"/auth/mfa", "/auth/mfa/totp", "/auth/login/mfa"} {
		assert.Equal(t, http.StatusNotFound, app.Do(request("POST", path, "{}", bearer(token)...)).Code)
	}
}

// NIST-06: however slowly it is guessed, a factor takes a hundred wrong codes in a row at most; then the right one is refused too,
// until it is enrolled anew.
func TestSlowGuessesDisableTheFactor(t *testing.T) {
	t.Parallel()
	app := startConfigured(t, func(c *authmodule.Config) { c.MFA.Enabled = true })
	o := enrolled(t, app)
	guesses := 0
	for ; guesses <= 100; guesses++ {
		app.Advance(2 * time.Hour)
		w := o.answer(t, o.login(t, nil)["challenge"], mfa.NameTOTP, "000000x")
		if code := problem(t, w).Code; code != "code_invalid" {
			require.Equal(t, "authenticator_disabled", code)
			break
		}
	}
	require.LessOrEqual(t, guesses, 100)
	app.Advance(1000 * time.Hour)
	require.Equal(t, "authenticator_disabled", problem(t, o.answer(t, o.login(t, nil)["challenge"], mfa.NameTOTP, o.code(t))).Code)
	token := answerOf(t, o.answer(t, o.login(t, nil)["challenge"], mfa.NameRecoveryCode, o.codes[0].(string)))["access_token"].(string)

	e := members(t, app.Do(request("POST", "/auth/mfa/totp", "{}", bearer(token)...)))
	o.secret = e["secret"].(string)
	answerOf(t, app.Do(request("POST", "/auth/mfa/totp/confirm", object(t, map[string]any{"id": e["id"], "code": o.code(t)}), bearer(token)...)))
	app.Advance(mfa.Period)
	answerOf(t, o.answer(t, o.login(t, nil)["challenge"], mfa.NameTOTP, o.code(t)))
}

// V6.6.3: who was sent as many codes as may be is told when there may be another.
func TestTooManyCodesSayWhenToComeAgain(t *testing.T) {
	t.Parallel()
	m := startMails(t, func(c *authmodule.Config) { c.MFA.Enabled, c.MFA.EmailCode = true, true })
	user := m.User()
	for range mfa.CodesPerHour {
		require.NoError(t, m.MFA.EnrollEmail(t.Context(), user, authn.Client{}))
	}
	m.Advance(59*time.Minute + 500*time.Millisecond)
	w := m.Do(request("POST", "/auth/mfa/email", "", bearer(m.Token(m.caller(t, user)))...))
	require.Equal(t, http.StatusTooManyRequests, w.Code, w.Body)
	assert.Equal(t, "60", w.Header().Get("Retry-After"))
}
