package transport_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/transport"
)

func asking(c *authmodule.Config) {
	c.Session.MaxPerUser, c.Session.OnLimit = 2, session.Ask
}

func loginWith(t *testing.T, app app, email string, members map[string]any, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	all := map[string]any{"email": email, "password": password}
	for name, value := range members {
		all[name] = value
	}
	return app.Do(request("POST", "/auth/login", object(t, all), headers...))
}

func heldUp(t *testing.T, w *httptest.ResponseRecorder) (continuation string, sessions []string) {
	t.Helper()
	have := answer(t, w, http.StatusOK)
	require.Equal(t, true, have["session_limit"], "%v", have)
	require.NotContains(t, have, "access_token")
	require.Empty(t, w.Header().Values("Set-Cookie"))
	assert.EqualValues(t, 300, have["expires_in"])
	for _, one := range have["sessions"].([]any) {
		view := one.(map[string]any)
		assert.Equal(t, false, view["current"])
		sessions = append(sessions, view["id"].(string))
	}
	return have["continuation"].(string), sessions
}

func goOn(t *testing.T, app app, continuation string, end ...string) *httptest.ResponseRecorder {
	t.Helper()
	return app.Do(request("POST", "/auth/login/continue", object(t, map[string]any{"continuation": continuation, "end": append([]string{}, end...)})))
}

// A login beyond the limit lists the sessions, and goes on when the user has chosen one to end.
func TestLimitAsks(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"token", "cookie"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			app := startConfigured(t, asking)
			user := app.User()
			first, second := login(t, app, user.Email, mode), login(t, app, user.Email, mode)
			continuation, sessions := heldUp(t, loginWith(t, app, user.Email, map[string]any{"mode": mode}))
			assert.ElementsMatch(t, []string{first.session, second.session}, sessions)

			w := goOn(t, app, continuation, first.session)
			have := answer(t, w, http.StatusOK)
			if mode == "token" {
				assert.NotEmpty(t, have["access_token"])
				assert.NotEmpty(t, have["refresh_token"])
			} else {
				assert.NotEmpty(t, cookieOf(t, w).Value)
			}
			assert.False(t, first.lives(t, app))
			assert.Equal(t, "continuation_invalid", problem(t, goOn(t, app, continuation, second.session)).Code, "once")
			assert.True(t, second.lives(t, app), "a used continuation ends nothing")
		})
	}
}

func TestLimitAsksAgain(t *testing.T) {
	t.Parallel()
	app := startConfigured(t, asking)
	user, stranger := app.User(), app.User()
	login(t, app, user.Email, "token")
	login(t, app, user.Email, "token")
	foreign := login(t, app, stranger.Email, "cookie")
	continuation, _ := heldUp(t, loginWith(t, app, user.Email, nil))
	next, sessions := heldUp(t, goOn(t, app, continuation, foreign.session, "absent"))
	assert.True(t, foreign.lives(t, app), "another account's session is not to be ended so")
	assert.NotEqual(t, continuation, next)
	answer(t, goOn(t, app, next, sessions...), http.StatusOK)
}

// The account is judged when the login goes on, not when it began.
func TestContinuationIsJudgedAnew(t *testing.T) {
	t.Parallel()
	app := startConfigured(t, asking)
	user := app.User()
	first := login(t, app, user.Email, "token")
	login(t, app, user.Email, "token")
	for name, c := range map[string]struct {
		spoil func(continuation string) string
		code  string
	}{
		"of another kind": {func(string) string { return first.refresh }, "continuation_invalid"},
		"forged":          {func(c string) string { return c[:len(c)-4] + "aaaa" }, "continuation_invalid"},
		"empty":           {func(string) string { return "" }, "continuation_invalid"},
	} {
		continuation, _ := heldUp(t, loginWith(t, app, user.Email, nil))
		p := problem(t, goOn(t, app, c.spoil(continuation), first.session))
		assert.Equal(t, c.code, p.Code, name)
		assert.Equal(t, http.StatusUnauthorized, p.Status, name)
	}
	late, _ := heldUp(t, loginWith(t, app, user.Email, nil))
	app.Advance(authn.ContinuationLifetime)
	assert.Equal(t, "continuation_invalid", problem(t, goOn(t, app, late, first.session)).Code)

	disabled, _ := heldUp(t, loginWith(t, app, user.Email, nil))
	require.NoError(t, app.Users.Disable(t.Context(), authn.Principal{}, user.Subject))
	assert.Equal(t, "continuation_invalid", problem(t, goOn(t, app, disabled)).Code)
}

// REL-03, REL-06: a continuation is used once, and the limit holds, whoever comes first.
func TestContinuationRace(t *testing.T) {
	t.Parallel()
	app := startConfigured(t, asking)
	user := app.User()
	login(t, app, user.Email, "token")
	login(t, app, user.Email, "token")
	continuation, sessions := heldUp(t, loginWith(t, app, user.Email, nil))
	var wg sync.WaitGroup
	codes := make([]int, 50)
	for i := range codes {
		wg.Go(func() { codes[i] = goOn(t, app, continuation, sessions[0]).Code })
	}
	wg.Wait()
	count := map[int]int{}
	for _, code := range codes {
		count[code]++
	}
	assert.Equal(t, map[int]int{http.StatusOK: 1, http.StatusUnauthorized: 49}, count)
	live, err := app.SessionManager.List(t.Context(), user.Subject)
	require.NoError(t, err)
	assert.Len(t, live, 2)
}

func TestRememberOverHTTP(t *testing.T) {
	t.Parallel()
	app := startConfigured(t, func(c *authmodule.Config) { c.Session.RememberDays = 90 })
	user := app.User()
	for remember, days := range map[bool]int{true: 90, false: 30} {
		w := loginWith(t, app, user.Email, map[string]any{"mode": "cookie", "remember": remember})
		answer(t, w, http.StatusOK)
		assert.WithinDuration(t, app.Now().AddDate(0, 0, days), cookieOf(t, w).Expires, time.Hour*2)
	}
	assert.Equal(t, "remember", problem(t, loginWith(t, app, user.Email, map[string]any{"remember": "yes"})).Field)
}

// A browser gets a device cookie at its first login and keeps it; an account sees its devices and names them.
func TestDevicesOverHTTP(t *testing.T) {
	t.Parallel()
	app := start(t)
	user, stranger := app.User(), app.User()
	w := loginWith(t, app, user.Email, map[string]any{"mode": "cookie"}, "User-Agent", firefox)
	own := cookieOf(t, w)
	var device *http.Cookie
	for _, c := range w.Result().Cookies() {
		if c.Name == transport.DeviceCookieName {
			device = c
		}
	}
	require.NotNil(t, device)
	assert.True(t, device.Secure && device.HttpOnly && device.Path == "/" && device.Domain == "" && device.SameSite == http.SameSiteLaxMode, "CK-01, CK-02, CK-03")
	assert.Equal(t, 400*24*60*60, device.MaxAge)

	again := loginWith(t, app, user.Email, map[string]any{"mode": "cookie"}, "User-Agent", firefox, "Cookie", device.Name+"="+device.Value)
	assert.Contains(t, again.Header().Values("Set-Cookie")[1], device.Value, "the same, for another 400 days")
	loginWith(t, app, user.Email, map[string]any{"device_name": "build server"}, "User-Agent", "curl/8")
	for _, bad := range []string{"short", device.Value + "A", "!" + device.Value[1:], device.Value + "; " + device.Name + "=" + device.Value} {
		w := loginWith(t, app, stranger.Email, map[string]any{"mode": "cookie"}, "Cookie", device.Name+"="+bad)
		assert.NotContains(t, w.Header().Values("Set-Cookie")[1], device.Value, bad)
	}

	devices := answer(t, app.Do(request("GET", "/auth/devices", "", sent(own)...)), http.StatusOK)["devices"].([]any)
	require.Len(t, devices, 2)
	sessions := answer(t, app.Do(request("GET", "/auth/sessions", "", sent(own)...)), http.StatusOK)["sessions"].([]any)
	require.Len(t, sessions, 3)
	var id string
	for _, one := range sessions {
		view := one.(map[string]any)
		if view["current"] == true {
			id = view["device_id"].(string)
		}
		assert.Equal(t, []any{"pwd"}, view["methods"])
		assert.NotContains(t, view["device_id"], device.Value)
	}
	rename := func(id, name string, headers ...string) *httptest.ResponseRecorder {
		return app.Do(request("PATCH", "/auth/devices/"+id, object(t, map[string]any{"name": name}), headers...))
	}
	require.Equal(t, http.StatusNoContent, rename(id, "Ada's laptop", sent(own)...).Code)
	assert.Contains(t, app.Do(request("GET", "/auth/sessions", "", sent(own)...)).Body.String(), `"device_name":"Ada's laptop"`)
	foreign := login(t, app, stranger.Email, "token")
	assert.Equal(t, "device_not_found", problem(t, rename(id, "x", foreign.headers()...)).Code)
	assert.Equal(t, "name", problem(t, rename(id, "two\nlines", sent(own)...)).Field)
	assert.Equal(t, http.StatusUnauthorized, rename(id, "x").Code)
	assert.Equal(t, "device_name", problem(t, loginWith(t, app, user.Email, map[string]any{"device_name": "a\tb"})).Field)
}

func TestLogoutEverywhere(t *testing.T) {
	t.Parallel()
	app := start(t)
	user, other := app.User(), app.User()
	here, there, stranger := login(t, app, user.Email, "cookie"), login(t, app, user.Email, "token"), login(t, app, other.Email, "token")
	w := app.Do(request("POST", "/auth/logout", `{"everywhere":true}`, here.headers()...))
	require.Equal(t, http.StatusNoContent, w.Code)
	assert.Contains(t, w.Header().Get("Set-Cookie"), "Max-Age=0")
	assert.False(t, here.lives(t, app))
	assert.False(t, there.lives(t, app))
	assert.True(t, stranger.lives(t, app))
}

// Administrators see and end the sessions of their own tenant, with the permissions, and where it is configured.
func TestSessionAdministration(t *testing.T) {
	t.Parallel()
	app := startConfigured(t, func(c *authmodule.Config) { c.HTTP.SessionEndpoints = true }, adminRole())
	user, admin := app.User(), app.User("admin")
	boss, plain := login(t, app, admin.Email, "token"), login(t, app, user.Email, "token")
	target, kept := login(t, app, user.Email, "cookie"), login(t, app, user.Email, "cookie")
	mine := "/auth/users/" + user.Subject.ID + "/sessions"

	for _, c := range []struct{ method, path string }{
		{"GET", mine}, {"DELETE", mine}, {"GET", "/auth/tenant/sessions"}, {"DELETE", "/auth/tenant/sessions"}, {"DELETE", "/auth/tenant/sessions/" + target.session},
	} {
		assert.Equal(t, http.StatusUnauthorized, app.Do(request(c.method, c.path, "")).Code)
		assert.Equal(t, "permission_denied", problem(t, app.Do(request(c.method, c.path, "", plain.headers()...))).Code, c.path)
	}
	do := func(method, path string) *httptest.ResponseRecorder {
		return app.Do(request(method, path, "", boss.headers()...))
	}
	assert.Len(t, answer(t, do("GET", mine), http.StatusOK)["sessions"], 3)
	assert.Empty(t, answer(t, do("GET", "/auth/users/nobody/sessions"), http.StatusOK)["sessions"])

	require.Equal(t, http.StatusNoContent, do("DELETE", "/auth/tenant/sessions/"+target.session).Code)
	assert.Equal(t, "session_not_found", problem(t, do("DELETE", "/auth/tenant/sessions/"+target.session)).Code)
	assert.False(t, target.lives(t, app))
	assert.True(t, kept.lives(t, app))
	ended := app.Events(audit.SessionEnded)
	require.Len(t, ended, 1)
	assert.Equal(t, []string{user.Subject.ID, admin.Subject.ID, target.session}, []string{ended[0].Subject, ended[0].Actor, ended[0].SessionID}, "who did it")

	seen, path := map[string]string{}, "/auth/tenant/sessions?limit=2"
	for path != "" {
		page := answer(t, do("GET", path), http.StatusOK)
		for _, one := range page["sessions"].([]any) {
			view := one.(map[string]any)
			seen[view["id"].(string)] = view["user_id"].(string)
		}
		path = ""
		if next, more := page["next"]; more {
			path = fmt.Sprintf("/auth/tenant/sessions?limit=2&after=%v", next)
		}
	}
	assert.Equal(t, map[string]string{boss.session: admin.Subject.ID, plain.session: user.Subject.ID, kept.session: user.Subject.ID}, seen)
	for _, bad := range []string{"0", "-1", "201", "x"} {
		assert.Equal(t, "limit", problem(t, do("GET", "/auth/tenant/sessions?limit="+bad)).Field)
	}

	require.Equal(t, http.StatusNoContent, do("DELETE", mine).Code)
	assert.False(t, kept.lives(t, app))
	assert.False(t, plain.lives(t, app))
	ended = app.Events(audit.SessionEnded)
	require.Len(t, ended, 3)
	for _, e := range ended {
		assert.Equal(t, []string{user.Subject.ID, admin.Subject.ID}, []string{e.Subject, e.Actor})
	}
	again := login(t, app, user.Email, "cookie")
	require.Equal(t, http.StatusNoContent, do("DELETE", "/auth/tenant/sessions").Code)
	assert.False(t, again.lives(t, app))
	assert.Equal(t, http.StatusUnauthorized, do("GET", mine).Code, "the administrator's own as well")
}

func TestSessionAdministrationIsOffByDefault(t *testing.T) {
	t.Parallel()
	app := start(t, adminRole())
	boss := login(t, app, app.User("admin").Email, "token")
	assert.Equal(t, http.StatusNotFound, app.Do(request("GET", "/auth/tenant/sessions", "", boss.headers()...)).Code)
}
