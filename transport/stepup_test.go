package transport_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/account"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/echoauth"
	"github.com/authmodule/authmodule/mfa"
	"github.com/authmodule/authmodule/transport"
)

// proofRoutes are guarded by each guard about how callers proved who they are.
func proofRoutes() fx.Option {
	return fx.Invoke(func(e *echo.Echo) {
		ok := func(c echo.Context) error { return c.NoContent(http.StatusOK) }
		e.GET("/mfa", ok, echoauth.RequireMFA(0))
		e.GET("/mfa5", ok, echoauth.RequireMFA(5*time.Minute))
		e.GET("/recent", ok, echoauth.RequireRecentAuth(5*time.Minute))
		e.GET("/aal2", ok, echoauth.RequireACR(authn.ACR2))
	})
}

// stepUp sends one with a session's credential.
func stepUp(t testing.TB, app app, members map[string]any, headers []string) *httptest.ResponseRecorder {
	t.Helper()
	return app.Do(request("POST", "/auth/step-up", object(t, members), headers...))
}

// insufficient holds an answer to be a challenge for more proof, and returns it.
func insufficient(t testing.TB, w *httptest.ResponseRecorder) transport.Problem {
	t.Helper()
	p := problem(t, w)
	require.Equal(t, "insufficient_user_authentication", p.Code, w.Body)
	require.Contains(t, w.Header().Get("WWW-Authenticate"), `error="insufficient_user_authentication"`)
	return p
}

// STEP-01, V7.5.1, V7.5.3: who is refused is told where to prove more, does so, and passes; by a token, and by a cookie.
func TestSTEP01StepUp(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"token", "cookie"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			app := startConfigured(t, withMFA, proofRoutes())
			o := enrolled(t, app)
			w := o.answer(t, o.login(t, map[string]any{"mode": mode})["challenge"], mfa.NameTOTP, o.code(t))
			var headers []string
			if mode == "token" {
				headers = bearer(answerOf(t, w)["access_token"].(string))
			} else {
				headers = sent(cookieOf(t, w))
			}
			status := func(path string) int { return app.Do(request("GET", path, "", headers...)).Code }
			for _, path := range []string{"/mfa", "/mfa5", "/recent", "/aal2"} {
				require.Equal(t, http.StatusOK, status(path), path)
			}
			app.Advance(6 * time.Minute)
			require.Equal(t, http.StatusOK, status("/mfa"), "at any time in the session")
			p := insufficient(t, app.Do(request("GET", "/recent", "", headers...)))
			assert.Equal(t, "/auth/step-up", p.StepUp)
			assert.EqualValues(t, 300, p.MaxAge)

			before := answerOf(t, app.Do(request("GET", p.StepUp, "", headers...)))
			assert.Equal(t, []any{"password", mfa.NameTOTP, mfa.NameRecoveryCode}, before["factors"])
			assert.Equal(t, authn.ACR2, before["acr"])
			require.Equal(t, "invalid_credentials", problem(t, stepUp(t, app, map[string]any{"factor": "password", "password": "wrong password here"}, headers)).Code)
			require.Equal(t, "code_invalid", problem(t, stepUp(t, app, map[string]any{"factor": mfa.NameTOTP, "code": "000000x"}, headers)).Code)
			require.Equal(t, "code_invalid", problem(t, stepUp(t, app, map[string]any{"factor": "sms", "code": o.code(t)}, headers)).Code)
			faulty := problem(t, stepUp(t, app, map[string]any{"factor": "password"}, headers))
			assert.Equal(t, []transport.FieldFault{{Field: "password", Code: "required", Detail: faulty.Errors[0].Detail}}, faulty.Errors)

			old := headers
			step := func(members map[string]any) {
				t.Helper()
				old = headers
				w := stepUp(t, app, members, headers)
				if mode == "cookie" {
					require.Equal(t, http.StatusNoContent, w.Code, w.Body)
					c := cookieOf(t, w)
					assert.True(t, c.HttpOnly && c.Secure && c.Path == "/" && c.SameSite == http.SameSiteLaxMode)
					headers = sent(c)
					return
				}
				got := answerOf(t, w)
				assert.Equal(t, "Bearer", got["token_type"])
				assert.Positive(t, got["expires_in"])
				assert.Len(t, got, 3, "no refresh token")
				headers = bearer(got["access_token"].(string))
			}
			step(map[string]any{"factor": "password", "password": password})
			require.Equal(t, http.StatusOK, status("/recent"))
			insufficient(t, app.Do(request("GET", "/mfa5", "", headers...)))
			step(map[string]any{"factor": mfa.NameTOTP, "code": o.code(t)})
			require.Equal(t, http.StatusOK, status("/mfa5"))
			w = app.Do(request("GET", "/mfa5", "", old...))
			require.Equal(t, http.StatusUnauthorized, w.Code, "an old token keeps what it said, an old cookie is dead")
			after := answerOf(t, app.Do(request("GET", "/auth/me", "", headers...)))
			assert.Contains(t, after["mfa_time"], app.Now().UTC().Format("2006-01-02T15:04:05"))
			assert.Equal(t, authn.ACR2, after["acr"])
			assert.NotContains(t, after, "actor")
		})
	}
}

// STEP-02: refreshing makes nothing more recent.
func TestSTEP02RefreshIsNoProof(t *testing.T) {
	t.Parallel()
	app := start(t, proofRoutes())
	grant := owner{app: app, email: app.User().Email}.login(t, nil)
	app.Advance(6 * time.Minute)
	fresh := answerOf(t, app.Do(request("POST", "/auth/refresh", object(t, map[string]any{"refresh_token": grant["refresh_token"]}))))
	headers := bearer(fresh["access_token"].(string))
	insufficient(t, app.Do(request("GET", "/recent", "", headers...)))
	token := answerOf(t, stepUp(t, app, map[string]any{"factor": "password", "password": password}, headers))["access_token"].(string)
	require.Equal(t, http.StatusOK, app.Do(request("GET", "/recent", "", bearer(token)...)).Code)
	fresh = answerOf(t, app.Do(request("POST", "/auth/refresh", object(t, map[string]any{"refresh_token": fresh["refresh_token"]}))))
	require.Equal(t, http.StatusOK, app.Do(request("GET", "/recent", "", bearer(fresh["access_token"].(string))...)).Code, "the session was made fresh")
}

// V6.3.3: a route that wants a second factor lets nobody in by another way: not by the password, a cookie that was remembered, a
// refreshed token, an API key, a trusted device, a link or a code sent by e-mail, or a password that was set by a link; and one that wants two
// different ones not by a recovery code.
func TestV633EveryPathway(t *testing.T) {
	t.Parallel()
	m := startMails(t, func(c *authmodule.Config) {
		withMFA(c)
		c.MFA.TrustDays, c.Session.RememberDays = 30, 30
	}, proofRoutes())
	app := m.app
	plain := owner{app: app, email: app.User().Email}
	remembered := app.Do(request("POST", "/auth/login", object(t, map[string]any{"email": plain.email, "password": password, "mode": "cookie", "remember": true})))
	tokens := plain.login(t, nil)
	refreshed := answerOf(t, app.Do(request("POST", "/auth/refresh", object(t, map[string]any{"refresh_token": tokens["refresh_token"]}))))

	o := enrolled(t, app)
	full := answerOf(t, o.answer(t, o.login(t, nil)["challenge"], mfa.NameTOTP, o.code(t), "trust_device", true))
	headers := bearer(full["access_token"].(string))
	w := app.Do(request("POST", "/auth/api-keys", `{"name":"robot","scopes":["**"]}`, headers...))
	if w.Code != http.StatusCreated { // where nobody's scopes reach that far
		w = app.Do(request("POST", "/auth/api-keys", `{"name":"robot","scopes":[]}`, headers...))
	}
	require.Equal(t, http.StatusCreated, w.Code, w.Body)
	key := members(t, w)["key"].(string)
	trusted := o.login(t, map[string]any{"trusted_device": full["trusted_device"]})

	reader := app.User()
	require.Equal(t, http.StatusAccepted, m.post(t, "/login/link", map[string]any{"email": reader.Email}).Code)
	linked := answerOf(t, m.post(t, "/login/link/finish", map[string]any{"token": token(t, m.box.wait(t, account.NoticeMagicLink, 1))}))
	challenge, code := m.code(t, reader.Email)
	_, coded := m.finishCode(t, challenge, code)
	forgetful := app.User()
	require.Equal(t, http.StatusNoContent, m.reset(t, m.forgot(t, forgetful), newPassword).Code)
	reset := answerOf(t, m.post(t, "/login", map[string]any{"email": forgetful.Email, "password": newPassword}))
	recovered := answerOf(t, o.answer(t, o.login(t, nil)["challenge"], mfa.NameRecoveryCode, o.codes[0].(string)))
	w = app.Do(request("GET", "/aal2", "", bearer(recovered["access_token"].(string))...))
	assert.Equal(t, http.StatusUnauthorized, w.Code, "recovery code: %s", w.Body)

	for name, tc := range map[string]struct {
		headers []string
		status  int
	}{
		"second factor":     {headers, http.StatusOK},
		"password":          {bearer(tokens["access_token"].(string)), http.StatusUnauthorized},
		"refreshed":         {bearer(refreshed["access_token"].(string)), http.StatusUnauthorized},
		"remembered":        {sent(cookieOf(t, remembered)), http.StatusUnauthorized},
		"trusted device":    {bearer(trusted["access_token"].(string)), http.StatusUnauthorized},
		"before enrollment": {bearer(o.token), http.StatusUnauthorized},
		"link":              {bearer(linked["access_token"].(string)), http.StatusUnauthorized},
		"code":              {bearer(coded["access_token"].(string)), http.StatusUnauthorized},
		"after a reset":     {bearer(reset["access_token"].(string)), http.StatusUnauthorized},
		"API key":           {[]string{"Authorization", "ApiKey " + key}, http.StatusForbidden},
		"nobody":            {nil, http.StatusUnauthorized},
	} {
		for _, path := range []string{"/mfa", "/mfa5", "/aal2"} {
			w := app.Do(request("GET", path, "", tc.headers...))
			assert.Equal(t, tc.status, w.Code, "%s: %s: %s", name, path, w.Body)
		}
		if tc.headers != nil {
			assert.Equal(t, http.StatusOK, app.Do(request("GET", "/auth/me", "", tc.headers...)).Code, "%s: it is good for the rest", name)
		}
	}
	assert.Equal(t, "session_required", problem(t, app.Do(request("GET", "/mfa", "", "Authorization", "ApiKey "+key))).Code)
}

// A challenge of a step-up is sent with what the factor says, and is of one session. V6.6.2: it is none of a login, nor that one of a step-up.
func TestStepUpChallenge(t *testing.T) {
	t.Parallel()
	app := startConfigured(t, withMFA, proofRoutes(), authmodule.AddFactor(func() mfa.Factor { return stateful{"key"} }))
	o := owner{app: app, email: app.User().Email}
	login := func() []string {
		return bearer(answerOf(t, o.answer(t, begunLogin(t, o), "key", "good"))["access_token"].(string))
	}
	headers, others := login(), login()
	app.Advance(6 * time.Minute)
	insufficient(t, app.Do(request("GET", "/mfa5", "", headers...)))
	begun := answerOf(t, app.Do(request("POST", "/auth/step-up/begin", `{"factor":"key"}`, headers...)))
	assert.Equal(t, true, begun["options"])
	assert.Equal(t, 300.0, begun["expires_in"])
	step := map[string]any{"factor": "key", "code": "good", "challenge": begun["challenge"]}
	require.Equal(t, "challenge_invalid", problem(t, stepUp(t, app, step, others)).Code)
	begun = answerOf(t, app.Do(request("POST", "/auth/step-up/begin", `{"factor":"key"}`, headers...)))
	step["challenge"] = begun["challenge"]
	token := answerOf(t, stepUp(t, app, step, headers))["access_token"].(string)
	require.Equal(t, http.StatusOK, app.Do(request("GET", "/mfa5", "", bearer(token)...)).Code)
	require.Equal(t, "challenge_invalid", problem(t, stepUp(t, app, step, headers)).Code, "it works once")
	require.Equal(t, "code_invalid", problem(t, app.Do(request("POST", "/auth/step-up/begin", `{"factor":"password"}`, headers...))).Code)
	step["challenge"] = begunLogin(t, o)
	require.Equal(t, "challenge_invalid", problem(t, stepUp(t, app, step, headers)).Code)
	step["challenge"] = "sc" + step["challenge"].(string)[2:]
	require.Equal(t, "challenge_invalid", problem(t, stepUp(t, app, step, headers)).Code, "under the name of a step-up's")
	begun = answerOf(t, app.Do(request("POST", "/auth/step-up/begin", `{"factor":"key"}`, headers...)))
	for _, moved := range []string{begun["challenge"].(string), "mc" + begun["challenge"].(string)[2:]} {
		require.Equal(t, "challenge_invalid", problem(t, o.answer(t, moved, "key", "good")).Code)
	}
	require.NotContains(t, app.log.String(), begun["challenge"])
}

func begunLogin(t testing.TB, o owner) any {
	t.Helper()
	challenge := o.login(t, nil)["challenge"]
	answerOf(t, o.app.Do(request("POST", "/auth/login/mfa/begin", object(t, map[string]any{"challenge": challenge, "factor": "key"}))))
	return challenge
}

// A step-up is of one's own session: no key, and nothing that another site sends. Guesses are limited as at the login.
func TestStepUpIsRefused(t *testing.T) {
	t.Parallel()
	app := start(t)
	p := app.Principal()
	body := object(t, map[string]any{"factor": "password", "password": password})
	require.Equal(t, "session_required", problem(t, app.Do(request("POST", "/auth/step-up", body, "Authorization", "ApiKey "+app.APIKey(p)))).Code)
	require.Equal(t, "unauthenticated", problem(t, app.Do(request("POST", "/auth/step-up", body))).Code)
	cookie := sent(app.Cookie(p))
	require.Equal(t, "cross_origin", problem(t, app.Do(request("POST", "/auth/step-up", body, append([]string{"Sec-Fetch-Site", "cross-site"}, cookie...)...))).Code)
	for range 5 {
		require.Equal(t, "invalid_credentials", problem(t, stepUp(t, app, map[string]any{"factor": "password", "password": "wrong password here"}, cookie)).Code)
	}
	w := app.Do(request("POST", "/auth/step-up", body, cookie...))
	require.Equal(t, "throttled", problem(t, w).Code)
	require.NotEmpty(t, w.Header().Get("Retry-After"))
}

// V7.5.1: whatever changes credentials, and whatever acts on other accounts, wants a login of the last minutes. A route that
// changes something is on one of these lists, so that none is forgotten.
func TestV751SensitiveRoutes(t *testing.T) {
	t.Parallel()
	app := startMails(t, func(c *authmodule.Config) {
		withMFA(c)
		c.MFA.EmailCode = true
		c.HTTP.StepUpMinutes, c.HTTP.Impersonation, c.HTTP.KeyEndpoints, c.HTTP.RBACEndpoints, c.HTTP.SessionEndpoints = 2, true, true, true, true
		c.JWT.Managed.Enabled, c.SecretKey = true, "Zk2x0vWq8sT4nB6yJ1mC3eR5uP7aL9hDqX"
	})
	usual := map[string]bool{
		"POST /logout": true, "DELETE /sessions": true, "DELETE /sessions/{id}": true, "PATCH /devices/{id}": true,
		"POST /step-up": true, "POST /step-up/begin": true, "DELETE /mfa/trusted-devices": true, "DELETE /mfa/trusted-devices/{id}": true,
		"DELETE /users/{id}/sessions": true, "DELETE /tenant/sessions": true, "DELETE /tenant/sessions/{id}": true,
		"POST /policies/check": true, "POST /authorize/explain": true, // they change nothing
	}
	admin := app.Principal("admin")
	headers := bearer(app.Token(admin))
	app.Advance(3 * time.Minute)
	sensitive := 0
	for _, e := range app.gate.Endpoints() {
		if e.Need == transport.NeedNothing || e.Method == http.MethodGet || usual[e.Method+" "+e.Path] {
			continue
		}
		sensitive++
		path := strings.NewReplacer("{id}", admin.Subject.ID, "{kid}", "k", "{name}", "n").Replace(app.gate.Route(e))
		p := insufficient(t, app.Do(request(e.Method, path, "{}", headers...)))
		assert.EqualValues(t, 120, p.MaxAge, path)
		assert.True(t, e.Owner || e.Need == transport.NeedLogin, path)
	}
	assert.Equal(t, 27, sensitive)
}

// An account that has a second factor is asked for it at once, since a password would be refused after it: one proof is enough.
func TestSensitiveRoutesAskForOneProof(t *testing.T) {
	t.Parallel()
	app := startConfigured(t, func(c *authmodule.Config) { withMFA(c); c.HTTP.StepUpMinutes = 2 })
	o := enrolled(t, app)
	headers := bearer(answerOf(t, o.answer(t, o.login(t, nil)["challenge"], mfa.NameTOTP, o.code(t)))["access_token"].(string))
	app.Advance(3 * time.Minute)
	remove := func() *httptest.ResponseRecorder {
		return app.Do(request("DELETE", "/auth/mfa/factors/"+o.id, "", headers...))
	}
	p := insufficient(t, remove())
	assert.Equal(t, authn.ACR2, p.ACRValues)
	assert.EqualValues(t, 120, p.MaxAge)
	headers = bearer(answerOf(t, stepUp(t, app, map[string]any{"factor": mfa.NameTOTP, "code": o.code(t)}, headers))["access_token"].(string))
	require.Equal(t, http.StatusNoContent, remove().Code)
}

// V7.5.3: an old session that was stolen from an administrator makes nobody an administrator, who could then do the rest with a login of their own.
func TestV753OldLoginsGiveNoRoles(t *testing.T) {
	t.Parallel()
	o := startOffice(t)
	admin, other := o.as(t, "admin"), o.as(t, "author")
	grant := o.Grant(authn.Principal{Subject: authn.Subject{ID: admin.id}})
	o.Advance(16 * time.Minute)
	fresh, err := o.Users.Refresh(t.Context(), grant.RefreshToken, authn.Client{})
	require.NoError(t, err)
	header := bearer(fresh.AccessToken.Reveal())
	changes := []struct{ method, path, body string }{
		{"PUT", "/auth/users/" + other.id + "/roles/admin", ""}, {"DELETE", "/auth/users/" + other.id + "/roles/author", ""},
		{"PUT", "/auth/roles/helper", `{"permissions":["articles.read"]}`}, {"DELETE", "/auth/roles/helper", ""},
		{"PUT", "/auth/policies/all", `{"text":"permit (principal, action, resource);"}`}, {"DELETE", "/auth/policies/all", ""},
	}
	for _, c := range changes {
		insufficient(t, o.Do(request(c.method, c.path, c.body, header...)))
	}
	header = bearer(answerOf(t, stepUp(t, o.app, map[string]any{"factor": "password", "password": password}, header))["access_token"].(string))
	w := o.Do(request(changes[0].method, changes[0].path, "", header...))
	assert.Equal(t, http.StatusNoContent, w.Code, w.Body)
}
