package authmodule_test

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/fxtest"
	"github.com/authmodule/authmodule/internal/webtest"
	"github.com/authmodule/authmodule/mfa"
	"github.com/authmodule/authmodule/setting"
)

type body = map[string]any

// canaryFlows are what the canary is taken through. Each keeps the secrets that it makes.
func canaryFlows() map[string]func(c *canaryApp) {
	return map[string]func(c *canaryApp){
		"register and log in": canaryLogin,
		"malformed requests":  canaryMalformed,
		"refresh and revoke":  canaryTokens,
		"cookies":             canaryCookies,
		"continuation":        canaryContinuation,
		"second factors":      canaryFactors,
		"factors at login":    canaryFactorLogin,
		"API keys":            canaryAPIKeys,
		"set-up":              canarySetup,
		"throttled":           canaryThrottled,
		"every route":         canaryEveryRoute,
		"configuration":       canaryConfiguration,
		"values":              canaryValues,
	}
}

// canaryWord is a password of this test alone.
const canaryWord = "cAnArY-word-6e1d0b7f3a92c845 of nobody"

// account registers somebody with the canary's password, and keeps the hash as well.
func (c *canaryApp) account(email string) authn.User {
	c.t.Helper()
	c.keep("password", canaryWord)
	made := c.got("POST", "/auth/register", body{"email": email, "password": canaryWord})
	user, err := c.Users.User(c.t.Context(), authn.Subject{ID: made["id"].(string)})
	require.NoError(c.t, err)
	hash, err := c.hashes.PasswordHash(c.t.Context(), user.Subject)
	require.NoError(c.t, err)
	c.keep("hash", hash[strings.LastIndex(hash, "$")+1:])
	return user
}

func (c *canaryApp) login(email string, more body) map[string]any {
	c.t.Helper()
	in := body{"email": email, "password": canaryWord}
	for k, v := range more {
		in[k] = v
	}
	return c.got("POST", "/auth/login", in)
}

// bearer returns the header of the token of a login.
func (c *canaryApp) bearer(email string) []string {
	c.t.Helper()
	return webtest.Bearer(c.login(email, nil)["access_token"].(string))
}

func canaryLogin(c *canaryApp) {
	user := c.account("ada@example.com")
	const other = "cAnArY-other-41f7c2d98e03b65a of nobody"
	c.keep("wrong password", other)
	c.refused("POST", "/auth/register", body{"email": "ada@example.com", "password": other})
	c.refused("POST", "/auth/register", body{"email": "no address", "password": other})
	c.refused("POST", "/auth/register", body{"email": "bob@example.com", "password": other + strings.Repeat("x", 5000)})
	c.keep("short password", "cAnArY-81")
	c.refused("POST", "/auth/register", body{"email": "bob@example.com", "password": "cAnArY-81"})
	for _, email := range []string{"ada@example.com", "nobody@example.com", "no address"} {
		c.refused("POST", "/auth/login", body{"email": email, "password": other})
	}
	c.login("ada@example.com", body{"device_name": "laptop"})
	c.login("ada@example.com", body{"mode": "cookie", "remember": true})
	require.NoError(c.t, c.Users.Disable(c.t.Context(), authn.Principal{}, user.Subject))
	c.refused("POST", "/auth/login", body{"email": "ada@example.com", "password": canaryWord})
	for _, r := range []authn.LoginRequest{{Email: "ada@example.com", Password: canaryWord}, {Email: "no", Password: other}, {Tenant: "A b", Password: other}} {
		_, err := c.Users.Login(c.t.Context(), r)
		c.failed("a login", err)
		c.show("a login", r, &r)
	}
}

// A secret is in a request where none belongs, or in one that cannot be read.
func canaryMalformed(c *canaryApp) {
	c.account("ada@example.com")
	c.bearer("ada@example.com")
	for _, path := range []string{"/auth/login", "/auth/register", "/auth/refresh", "/auth/login/mfa", "/auth/login/continue", "/auth/setup", "/auth/revoke"} {
		for _, text := range []string{
			`{"email":"ada@example.com","password":"` + canaryWord, `{"password":["` + canaryWord + `"]}`, `{"password":{"x":"` + canaryWord + `"}}`,
			`["` + canaryWord + `"]`, canaryWord, `{"password":"` + canaryWord + `","password":"` + canaryWord + `"}`, `{"` + canaryWord + `":1}`,
			`{"email":"ada@example.com","password":"` + canaryWord + `"} ` + canaryWord, `{"password":"\ud800` + canaryWord + `"}`,
			`{"email":["` + canaryWord + `"],"token":7,"challenge":{},"continuation":[],"refresh_token":null}`,
		} {
			c.refuse(webtest.Request("POST", path, text))
			c.refuse(webtest.Request("POST", path, text, "Content-Type", "text/plain"))
			c.refuse(webtest.Request("POST", path+"?password="+strings.ReplaceAll(canaryWord, " ", "+"), text))
		}
	}
	for _, value := range []string{canaryWord, "Bearer " + canaryWord, "Bearer " + canaryWord + ".x.y", "Basic " + canaryWord, "ApiKey " + canaryWord, "Bearer", "bearer\t" + canaryWord} {
		c.refuse(webtest.Request("GET", "/auth/me", "", "Authorization", value))
	}
	for _, cookie := range []string{"__Host-session=" + canaryWord, "__Host-session=cs_x_" + canaryWord, "__Host-trust=" + canaryWord + "; __Host-device=" + canaryWord} {
		c.refuse(webtest.Request("GET", "/auth/me", "", "Cookie", strings.ReplaceAll(cookie, " ", "-")))
	}
}

// refuse sends a request, which must be refused.
func (c *canaryApp) refuse(r *http.Request) {
	c.t.Helper()
	require.GreaterOrEqual(c.t, c.send(r).Code, http.StatusBadRequest)
}

func canaryTokens(c *canaryApp) {
	c.account("ada@example.com")
	in := c.login("ada@example.com", nil)
	next := c.got("POST", "/auth/refresh", body{"refresh_token": in["refresh_token"]})
	header := webtest.Bearer(next["access_token"].(string))
	c.got("GET", "/auth/me", nil, header...)
	c.got("GET", "/auth/sessions", nil, header...)
	form := func(path, token string) *http.Request {
		return webtest.Request("POST", path, "token="+token, append(header, "Content-Type", "application/x-www-form-urlencoded")...)
	}
	for _, token := range []string{next["access_token"].(string), next["refresh_token"].(string), "at_x_" + "unknown"} {
		c.send(form("/auth/introspect", token))
	}
	c.refused("POST", "/auth/refresh", body{"refresh_token": in["refresh_token"]}) // reuse
	c.refused("GET", "/auth/me", nil, header...)
	again := c.login("ada@example.com", nil)
	access := again["access_token"].(string)
	header = webtest.Bearer(access)
	c.refused("POST", "/auth/refresh", body{"refresh_token": access})
	c.refused("GET", "/auth/me", nil, webtest.Bearer(again["refresh_token"].(string))...)
	c.refused("GET", "/auth/me", nil, webtest.Bearer(access[:len(access)-2])...)
	c.refused("GET", "/auth/me", nil, webtest.Bearer(access+"A")...)
	c.send(form("/auth/revoke", again["refresh_token"].(string)))
	c.refused("GET", "/auth/me", nil, header...)
	_, err := c.Users.AuthenticateToken(c.t.Context(), setting.Secret(access), authn.Client{})
	c.failed("a revoked token", err)
	last := c.login("ada@example.com", nil)
	c.Advance(48 * time.Hour)
	c.refused("GET", "/auth/me", nil, webtest.Bearer(last["access_token"].(string))...)
}

func canaryCookies(c *canaryApp) {
	c.account("ada@example.com")
	w := c.do("POST", "/auth/login", body{"email": "ada@example.com", "password": canaryWord, "mode": "cookie"})
	require.Equal(c.t, http.StatusOK, w.Code, w.Body)
	var sent []string
	for _, cookie := range w.Result().Cookies() {
		c.keep("cookie", cookie.Value)
		sent = append(sent, cookie.Name+"="+cookie.Value)
	}
	header := []string{"Cookie", strings.Join(sent, "; ")}
	c.got("GET", "/auth/me", nil, header...)
	c.got("GET", "/auth/devices", nil, header...)
	c.login("ada@example.com", body{"mode": "cookie"})
	c.refused("POST", "/auth/logout", nil, append(header, "Origin", "https://evil.example.com", "Sec-Fetch-Site", "cross-site")...)
	c.got("POST", "/auth/logout", nil, header...)
	c.refused("GET", "/auth/me", nil, header...)
}

func canaryContinuation(c *canaryApp) {
	c.account("ada@example.com")
	for range 3 {
		c.login("ada@example.com", nil)
	}
	held := c.login("ada@example.com", nil)
	require.Equal(c.t, true, held["session_limit"])
	first := held["sessions"].([]any)[0].(map[string]any)["id"]
	c.got("POST", "/auth/login/continue", body{"continuation": held["continuation"], "end": []any{first}})
	c.refused("POST", "/auth/login/continue", body{"continuation": held["continuation"], "end": []any{first}})
	c.refused("POST", "/auth/refresh", body{"refresh_token": held["continuation"]})
	_, err := c.Users.Login(c.t.Context(), authn.LoginRequest{Email: "ada@example.com", Password: canaryWord})
	var limit *authn.SessionLimitError
	require.ErrorAs(c.t, err, &limit)
	c.keep("continuation", limit.Continuation.Reveal())
	c.failed("a login over the limit", err)
	_, err = c.Users.ContinueLogin(c.t.Context(), authn.ContinueRequest{Continuation: limit.Continuation + "x"})
	c.failed("a continuation", err)
	c.show("a continuation", authn.ContinueRequest{Continuation: limit.Continuation}, *limit)
}

// code is what an app of eight digits shows.
func (c *canaryApp) code(secret string) string {
	c.t.Helper()
	code, err := totp.GenerateCodeCustom(secret, c.Now(), totp.ValidateOpts{Period: 30, Digits: otp.DigitsEight})
	require.NoError(c.t, err)
	c.keep("code", code)
	return code
}

// app enrolls an app for an account that has a token, and returns its secret, its ID and its recovery codes.
func (c *canaryApp) app(header []string) (secret, id string, codes []any) {
	c.t.Helper()
	e := c.got("POST", "/auth/mfa/totp", body{"name": "phone"}, header...)
	secret, id = e["secret"].(string), e["id"].(string)
	c.keep("app", secret, string(rawBase32(c.t, secret)), e["uri"].(string))
	c.refused("POST", "/auth/mfa/totp/confirm", body{"id": id, "code": "x" + c.code(secret)}, header...)
	done := c.got("POST", "/auth/mfa/totp/confirm", body{"id": id, "code": c.code(secret)}, header...)
	c.Advance(mfa.Period)
	return secret, id, done["recovery_codes"].([]any)
}

func canaryFactors(c *canaryApp) {
	user := c.account("ada@example.com")
	secret, id, codes := c.app(c.bearer("ada@example.com"))
	held := c.login("ada@example.com", nil)
	header := webtest.Bearer(c.got("POST", "/auth/login/mfa", body{"challenge": held["challenge"], "factor": "totp", "code": c.code(secret)})["access_token"].(string))
	c.got("GET", "/auth/mfa", nil, header...)
	c.got("POST", "/auth/mfa/recovery-codes", nil, header...)
	c.got("POST", "/auth/mfa/email", nil, header...)
	c.keep("mailed code", c.mail.to(user).Reveal())
	c.refused("POST", "/auth/mfa/email/confirm", body{"code": "x" + c.mail.to(user).Reveal()}, header...)
	c.got("POST", "/auth/mfa/email/confirm", body{"code": c.mail.to(user).Reveal()}, header...)
	c.refused("POST", "/auth/mfa/email", nil, header...)
	list, err := c.MFA.Overview(c.t.Context(), user.Subject)
	require.NoError(c.t, err)
	e, err := c.MFA.EnrollTOTP(c.t.Context(), user.Subject, user.Email, "tablet")
	require.NoError(c.t, err)
	c.keep("app", e.Secret.Reveal(), string(rawBase32(c.t, e.Secret.Reveal())))
	c.show("factors", list, e, &e, mfa.By{})
	_, err = c.MFA.ConfirmTOTP(c.t.Context(), user.Subject, e.ID, setting.Secret(c.code(secret)), mfa.By{})
	c.failed("a confirmation", err)
	query := authn.FactorQuery{Proof: authn.Proof{Subject: user.Subject}, User: user}
	for _, code := range []string{c.code(secret) + "x", codes[0].(string)} {
		a := authn.FactorAnswer{Factor: mfa.NameTOTP, Code: setting.Secret(code)}
		_, err = c.MFA.Redeem(c.t.Context(), query, a)
		c.failed("a code", err)
		c.show("an answer", a, &a)
	}
	c.refused("DELETE", "/auth/mfa/factors/none", nil, header...)
	c.got("DELETE", "/auth/mfa/factors/"+id, nil, header...)
	require.NoError(c.t, c.MFA.Reset(c.t.Context(), user.Subject, mfa.By{}))
}

func canaryFactorLogin(c *canaryApp) {
	user := c.account("ada@example.com")
	secret, _, codes := c.app(c.bearer("ada@example.com"))
	answer := func(code string, more body) body {
		in := body{"challenge": c.login("ada@example.com", nil)["challenge"], "factor": "totp", "code": code}
		for k, v := range more {
			in[k] = v
		}
		return in
	}
	in := answer(c.code(secret), body{"trust_device": true, "device_name": "laptop"})
	got := c.got("POST", "/auth/login/mfa", in)
	c.refused("POST", "/auth/login/mfa", in)
	c.Advance(mfa.Period)
	c.login("ada@example.com", body{"trusted_device": got["trusted_device"]})
	c.login("ada@example.com", body{"trusted_device": "x" + got["trusted_device"].(string)})
	c.refused("POST", "/auth/login/mfa", answer("x"+c.code(secret), nil))
	c.refused("POST", "/auth/login/mfa", answer(codes[1].(string), nil))
	c.got("POST", "/auth/login/mfa", answer(codes[1].(string), body{"factor": "recovery_code"}))
	c.refused("POST", "/auth/login/mfa", answer(codes[1].(string), body{"factor": "recovery_code"}))
	c.refused("POST", "/auth/login/mfa/begin", body{"challenge": c.login("ada@example.com", nil)["challenge"], "factor": "email_code"})
	_, err := c.Users.Login(c.t.Context(), authn.LoginRequest{Email: "ada@example.com", Password: canaryWord})
	var needed *authn.MFARequiredError
	require.ErrorAs(c.t, err, &needed)
	c.keep("challenge", needed.Challenge.Reveal())
	c.failed("a login that needs a factor", err)
	a := authn.ChallengeAnswer{Challenge: needed.Challenge, Factor: "totp", Code: setting.Secret(c.code(secret))}
	grant, err := c.Users.AnswerChallenge(c.t.Context(), a)
	if err == nil {
		c.keep("access_token", grant.AccessToken.Reveal())
		c.keep("refresh_token", grant.RefreshToken.Reveal())
	}
	c.show("a challenge", a, *needed, grant, &grant, got["trusted_device"] == nil, user)
}

func canaryAPIKeys(c *canaryApp) {
	c.account("ada@example.com")
	header := c.bearer("ada@example.com")
	made := c.got("POST", "/auth/api-keys", body{"name": "ci"}, header...)
	asKey := func(key any) []string { return []string{"Authorization", "ApiKey " + key.(string)} }
	c.got("GET", "/auth/me", nil, asKey(made["key"])...)
	c.refused("POST", "/auth/api-keys", body{"name": "ci", "scopes": []any{"not.mine"}}, header...)
	next := c.got("POST", "/auth/api-keys/"+made["id"].(string)+"/rotate", body{}, header...)
	c.refused("GET", "/auth/me", nil, asKey(made["key"].(string)+"x")...)
	c.got("GET", "/auth/api-keys", nil, header...)
	c.got("DELETE", "/auth/api-keys/"+made["id"].(string), nil, header...)
	c.refused("GET", "/auth/me", nil, asKey(next["key"])...)
	_, err := c.APIKeys.Authenticate(c.t.Context(), setting.Secret(next["key"].(string)), authn.Client{})
	c.failed("a revoked key", err)
}

// The link that the start logs is meant to be read there; any other token is not.
func canarySetup(c *canaryApp) {
	c.keep("password", canaryWord)
	token, err := c.AdminSetup().Issue(c.t.Context())
	require.NoError(c.t, err)
	c.keep("set-up token", token.Reveal())
	c.refused("POST", "/auth/setup", body{"token": token.Reveal() + "x", "password": canaryWord})
	c.refused("POST", "/auth/setup", body{"token": token.Reveal(), "password": "short"})
	c.got("POST", "/auth/setup", body{"token": token.Reveal(), "password": canaryWord})
	c.refused("POST", "/auth/setup", body{"token": token.Reveal(), "password": canaryWord})
	_, err = c.AdminSetup().Redeem(c.t.Context(), token, canaryWord, authn.Client{})
	c.failed("a set-up token", err)
	c.login("root@example.com", nil)
}

func canaryThrottled(c *canaryApp) {
	user := c.account("ada@example.com")
	const other = "cAnArY-guess-93be01f6d7a2c854 of nobody"
	c.keep("guess", other)
	for range 95 {
		c.refused("POST", "/auth/login", body{"email": "ada@example.com", "password": other})
	}
	c.refused("POST", "/auth/login", body{"email": "ada@example.com", "password": canaryWord}) // disabled
	require.NoError(c.t, c.Throttle.Reopen(c.t.Context(), authn.Principal{}, user.Subject, authn.FactorPassword))
	c.login("ada@example.com", nil)
	for range 1100 {
		if c.do("POST", "/auth/refresh", body{"refresh_token": "rt_cAnArYcAnArY_forged"}).Code == http.StatusTooManyRequests {
			return
		}
	}
	assert.Fail(c.t, "refreshing was never throttled")
}

// canaryEveryRoute puts every secret there is where a caller can put one, at each route of the module, as nobody, as a user and as an administrator.
func canaryEveryRoute(c *canaryApp) {
	c.account("ada@example.com")
	admin := c.account("root@example.com")
	require.NoError(c.t, c.AuthorizationService.Assign(c.t.Context(), authn.Principal{}, admin.Subject, "admin"))
	const word = "cAnArYeverywhere4b8f20c1d6e7a935"
	c.keep("a secret where it does not belong", word)
	in := body{}
	for _, name := range []string{"email", "password", "current_password", "token", "refresh_token", "challenge", "continuation", "code", "factor", "trusted_device", "key", "secret", "client_secret"} {
		if name != "email" && name != "factor" {
			in[name] = word
		}
	}
	routes := 0
	for _, route := range c.auth.Routes().Routes {
		if !route.Own {
			continue
		}
		routes++
		path := strings.NewReplacer(":id", "some", ":name", "some", ":kid", "some", "{id}", "some", "{name}", "some").Replace(route.Path)
		callers := [][]string{nil, {"Authorization", "Bearer " + word}, {"Authorization", "ApiKey " + word}, {"Cookie", "__Host-session=cs_x_" + word}}
		for _, email := range []string{"ada@example.com", "root@example.com"} {
			user, err := c.Users.UserByEmail(c.t.Context(), "", email)
			if errors.Is(err, authn.ErrNotFound) { // it has just deleted itself
				user, err = c.account(email), nil
			}
			require.NoError(c.t, err)
			_, err = c.SessionManager.RevokeAll(c.t.Context(), user.Subject)
			require.NoError(c.t, err)
			c.Advance(time.Second)
			callers = append(callers, c.bearer(email))
		}
		for _, caller := range callers {
			c.do(route.Method, path, in, append([]string{"X-Canary", word, "Referer", "https://app.example.com/?t=" + word}, caller...)...)
			c.send(webtest.Request(route.Method, path+"?access_token="+word+"&token="+word, "token="+word+"&password="+word,
				append([]string{"Content-Type", "application/x-www-form-urlencoded"}, caller...)...))
		}
	}
	c.t.Logf("%d routes", routes)
	require.Greater(c.t, routes, 40)
}

func canaryConfiguration(c *canaryApp) {
	c.show("the configuration", c.cfg, &c.cfg, struct{ C authmodule.Config }{c.cfg}, struct{ C *authmodule.Config }{&c.cfg}, []authmodule.Config{c.cfg}, map[string]authmodule.Config{"c": c.cfg})
	c.show("a part of the configuration", c.cfg.Password, c.cfg.JWT, c.cfg.MFA, c.cfg.Store, c.cfg.HTTP, c.cfg.Throttle, c.cfg.RBAC)
	bad := c.cfg
	bad.JWT.Algorithm, bad.MFA.Digits, bad.Password.MinLength, bad.LoginRateLimit = "none", 7, 3, "often"
	c.failed("a configuration", bad.Validate())
}

func canaryValues(c *canaryApp) {
	c.account("ada@example.com")
	grant, err := c.Users.Login(c.t.Context(), authn.LoginRequest{Email: "ada@example.com", Password: canaryWord, Carrier: authn.CarrierCookie})
	require.NoError(c.t, err)
	tokens, err := c.Users.Login(c.t.Context(), authn.LoginRequest{Email: "ada@example.com", Password: canaryWord})
	require.NoError(c.t, err)
	c.keep("cookie", grant.Cookie.Reveal())
	c.keep("access_token", tokens.AccessToken.Reveal())
	c.keep("refresh_token", tokens.RefreshToken.Reveal())
	p, err := c.Users.AuthenticateToken(c.t.Context(), tokens.AccessToken, authn.Client{})
	require.NoError(c.t, err)
	claims, err := c.TokenManager.Verify(c.t.Context(), tokens.AccessToken)
	require.NoError(c.t, err)
	c.show("a value", grant, &grant, tokens, &tokens, p, claims, p.Remembering(), fxtest.Password != "",
		authn.RegisterRequest{Password: canaryWord}, &authn.RegisterRequest{Password: canaryWord}, authn.NewPassword{Password: canaryWord},
		authn.LoginRequest{Password: canaryWord, Trust: setting.Secret(canaryWord), Replaces: grant.Cookie}, authn.Completion{Replaces: grant.Cookie, Trust: grant.Cookie},
		authn.FactorResult{Trust: grant.Cookie, RecoveryCodes: []setting.Secret{grant.Cookie}}, authn.FactorQuery{Trust: grant.Cookie}, authn.DeviceClaim{Token: grant.Cookie},
		authn.FactorBegun{Public: setting.Secret(canaryWord)}, authn.FactorAnswer{Code: canaryWord}, authn.ChallengeAnswer{Code: canaryWord, Replaces: grant.Cookie})
}
