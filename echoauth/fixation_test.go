package echoauth_test

import (
	"net/http"
	"strings"
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

// caller is the ID of the account that a cookie authenticates, or nothing.
func (a app) caller(c *http.Cookie) string {
	return a.Do(request("GET", "/optional", "", sent(c)...)).Body.String()
}

// reasons are why sessions were ended, in order.
func (a app) reasons() (out []string) {
	for _, e := range a.Events(audit.SessionEnded) {
		out = append(out, e.Reason)
	}
	return out
}

// FIX-01: a login adopts nothing that came with it, whatever that is.
func TestLoginAdoptsNothing(t *testing.T) {
	t.Parallel()
	app := start(t, routes(guardedRoutes))
	victim, attacker := app.User(), app.User()
	ended := loginCookie(t, app, victim.Email)
	require.Equal(t, http.StatusNoContent, app.Do(request("POST", "/auth/logout", "", sent(ended)...)).Code)
	for name, planted := range map[string]func() string{
		"invented":                      func() string { return received + "fixed" },
		"well-formed":                   func() string { return received + "cs_" + strings.Repeat("a", 34) + "_" + strings.Repeat("a", 52) },
		"ended":                         func() string { return received + ended.Value },
		"live, of another account":      func() string { return received + loginCookie(t, app, attacker.Email).Value },
		"live, of the same account":     func() string { return received + loginCookie(t, app, victim.Email).Value },
		"two":                           func() string { return received + loginCookie(t, app, attacker.Email).Value + "; " + received + "x" },
		"of the name without HTTPS":     func() string { return "session=" + loginCookie(t, app, attacker.Email).Value },
		"another's with our ID's shape": func() string { return received + strings.Replace(ended.Value, "cs_", "rt_", 1) },
	} {
		header := planted()
		c := loginCookie(t, app, victim.Email, "Cookie", header)
		assert.Equal(t, transport.CookieName, c.Name, name)
		assert.NotContains(t, header, c.Value, name)
		assert.NotContains(t, header, strings.Split(c.Value, "_")[1], "not the ID either: %s", name)
		assert.Equal(t, victim.Subject.ID, app.caller(c), name)
	}
	seen := map[string]bool{}
	for range 3 {
		seen[loginCookie(t, app, victim.Email).Value] = true
	}
	assert.Len(t, seen, 3)
}

// FIX-01: a browser has one session. The one whose cookie it sends along with a login is ended, whoever's it is.
func TestLoginEndsTheSessionItReplaces(t *testing.T) {
	t.Parallel()
	app := start(t, routes(guardedRoutes))
	ada, bob := app.User(), app.User()
	elsewhere := loginCookie(t, app, ada.Email)
	first := loginCookie(t, app, ada.Email)
	again := loginCookie(t, app, ada.Email, sent(first)...)
	assert.Empty(t, app.caller(first))
	assert.Equal(t, ada.Subject.ID, app.caller(again))
	other := loginCookie(t, app, bob.Email, sent(again)...)
	assert.Empty(t, app.caller(again))
	assert.Equal(t, bob.Subject.ID, app.caller(other))
	assert.Equal(t, []string{"superseded", "superseded"}, app.reasons())
	assert.Equal(t, ada.Subject.ID, app.caller(elsewhere), "another browser's stays")
}

// What does not take the cookie's place does not end its session.
func TestLoginsThatReplaceNothing(t *testing.T) {
	t.Parallel()
	app := start(t, routes(guardedRoutes))
	ada, bob := app.User(), app.User()
	c := loginCookie(t, app, ada.Email)
	for name, body := range map[string]string{
		"wrong password": strings.Replace(credentials(t, ada.Email, "cookie"), `"password":"`, `"password":"x`, 1),
		"bad request":    `{"mode":"cookie"}`,
		"token":          credentials(t, ada.Email, "token"),
		"another's":      credentials(t, bob.Email, "token"),
	} {
		app.Do(request("POST", "/auth/login", body, sent(c)...))
		assert.Equal(t, ada.Subject.ID, app.caller(c), name)
	}
	forged := append(sent(c), "Sec-Fetch-Site", "cross-site")
	assert.Equal(t, "cross_origin", codeOf(t, app.Do(request("POST", "/auth/login", credentials(t, bob.Email, "cookie"), forged...))))
	loginCookie(t, app, bob.Email, "Cookie", received+c.Value+"; "+received+c.Value)
	assert.Equal(t, ada.Subject.ID, app.caller(c), "two cookies are none")
	assert.Empty(t, app.reasons())
}

// A cookie that is bound to another client proves nothing about this browser.
func TestLoginDoesNotReplaceABoundSessionElsewhere(t *testing.T) {
	t.Parallel()
	app := start(t, routes(guardedRoutes))
	ada := app.User()
	body := strings.Replace(credentials(t, ada.Email, "cookie"), "{", `{"bind":"ip",`, 1)
	bound := app.Do(request("POST", "/auth/login", body)).Result().Cookies()[0]
	elsewhere := request("POST", "/auth/login", credentials(t, app.User().Email, "cookie"), sent(bound)...)
	elsewhere.RemoteAddr = "203.0.113.9:1"
	require.Equal(t, http.StatusOK, app.Do(elsewhere).Code)
	assert.Equal(t, ada.Subject.ID, app.caller(bound))
}

// A browser that logs in again takes its own place under the limit, and nobody else's.
func TestReplacingUnderALimit(t *testing.T) {
	t.Parallel()
	for _, policy := range []session.LimitPolicy{session.Refuse, session.EvictOldest} {
		t.Run(string(policy), func(t *testing.T) {
			t.Parallel()
			app := startConfigured(t, func(c *authmodule.Config) { c.Session.MaxPerUser, c.Session.OnLimit = 2, policy }, routes(guardedRoutes), mounted())
			ada, bob := app.User(), app.User()
			phone, desk := loginCookie(t, app, ada.Email), loginCookie(t, app, ada.Email)
			desk = loginCookie(t, app, ada.Email, sent(desk)...)
			assert.Equal(t, ada.Subject.ID, app.caller(phone))
			assert.Equal(t, ada.Subject.ID, app.caller(desk))
			assert.Equal(t, []string{"superseded"}, app.reasons())
			if policy == session.EvictOldest {
				return
			}
			shared := loginCookie(t, app, bob.Email)
			w := app.Do(request("POST", "/auth/login", credentials(t, ada.Email, "cookie"), sent(shared)...))
			assert.Equal(t, "session_limit", codeOf(t, w))
			assert.Equal(t, bob.Subject.ID, app.caller(shared), "a login that fails ends nothing of others")
		})
	}
}

// FIX-01: logins of one browser at once, beside requests with its old cookie. Every login has a session of its own, the
// old one is dead after the first, and no answer clears the cookie that another has set.
func TestLoginsRaceWithTheOldCookie(t *testing.T) {
	t.Parallel()
	const n = 8
	app := start(t, routes(guardedRoutes))
	ada := app.User()
	old := loginCookie(t, app, ada.Email)
	var wg sync.WaitGroup
	fresh := make([]*http.Cookie, n)
	for i := range n {
		wg.Go(func() {
			w := app.Do(request("POST", "/auth/login", credentials(t, ada.Email, "cookie"), sent(old)...))
			assert.Equal(t, http.StatusOK, w.Code)
			for _, c := range w.Result().Cookies() {
				if c.Name == transport.CookieName && assert.Nil(t, fresh[i], "an answer sets it once") {
					fresh[i] = c
				}
			}
		})
		wg.Go(func() {
			w := app.Do(request("GET", "/optional", "", sent(old)...))
			assert.Contains(t, []string{ada.Subject.ID, ""}, w.Body.String())
			assert.Empty(t, setCookies(w))
		})
	}
	wg.Wait()
	assert.Empty(t, app.caller(old))
	seen := map[string]bool{old.Value: true}
	for _, c := range fresh {
		require.NotNil(t, c)
		assert.Equal(t, ada.Subject.ID, app.caller(c))
		assert.False(t, seen[c.Value])
		seen[c.Value] = true
	}
	assert.Equal(t, []string{"superseded"}, app.reasons(), "it is ended once")
}

// NIST-09, NIST-11: the server, not the expiry of the cookie, decides. A stale cookie is cleared by an answer that cannot have been overtaken by a login's: a document's, a minute after the cookie went out of use.
func TestClearingHurtsNoLogin(t *testing.T) {
	t.Parallel()
	app := start(t, routes(guardedRoutes))
	ada := app.User()
	ends := map[string]func() *http.Cookie{
		"replaced": func() *http.Cookie {
			c := loginCookie(t, app, ada.Email)
			loginCookie(t, app, ada.Email, sent(c)...)
			return c
		},
		"logged out": func() *http.Cookie {
			c := loginCookie(t, app, ada.Email)
			app.Do(request("POST", "/auth/logout", "", sent(c)...))
			return c
		},
		"renewed": func() *http.Cookie {
			c := loginCookie(t, app, ada.Email)
			_, err := app.Users.RenewCookie(t.Context(), secretOf(c), authn.Client{})
			require.NoError(t, err)
			return c
		},
		"out of time": func() *http.Cookie {
			c := loginCookie(t, app, ada.Email)
			app.Advance(time.Hour)
			return c
		},
	}
	for name, end := range ends {
		c := end()
		answer := func(mode ...string) []string {
			return setCookies(app.Do(request("GET", "/optional", "", append(sent(c), mode...)...)))
		}
		assert.Empty(t, answer(), "%s: just now", name)
		assert.Empty(t, answer("Sec-Fetch-Mode", "navigate"), "%s: just now", name)
		app.Advance(time.Minute)
		for _, mode := range []string{"cors", "no-cors", "same-origin", "websocket", "x"} {
			assert.Empty(t, answer("Sec-Fetch-Mode", mode), "%s: a script's, %s", name, mode)
		}
		assert.Equal(t, []string{cleared}, answer("Sec-Fetch-Mode", "navigate"), name)
		assert.Equal(t, []string{cleared}, answer(), "%s: no browser of today", name)
	}
}
