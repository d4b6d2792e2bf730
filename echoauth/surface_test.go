package echoauth_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
)

// ownRoutes are the module's own, as they are mounted.
func ownRoutes(t *testing.T, a app) (out []*echo.Route) {
	t.Helper()
	for _, route := range a.echo.Routes() {
		if strings.HasPrefix(route.Path, "/auth/") || strings.HasPrefix(route.Path, "/.well-known/") {
			out = append(out, route)
		}
	}
	require.Greater(t, len(out), 15)
	return out
}

// state is whatever a request may have changed.
func (b browser) state(t *testing.T) string {
	t.Helper()
	sessions, err := b.SessionManager.List(t.Context(), b.user.Subject)
	require.NoError(t, err)
	for i := range sessions {
		sessions[i].LastUsedAt, sessions[i].ExpiresAt = b.Now(), b.Now() // a use
	}
	user, err := b.Users.User(t.Context(), b.user.Subject)
	require.NoError(t, err)
	text, err := json.Marshal([]any{sessions, user, b.Events(acts()...)})
	require.NoError(t, err)
	return string(text)
}

// asked are the headers of who asks, with what could make another method of theirs.
func asked(method string, callers ...[]string) (out [][]string) {
	for _, caller := range append(callers, nil) {
		for _, more := range [][]string{
			nil, {"X-Http-Method-Override", method}, {"X-Method-Override", method}, {"X-Http-Method", method},
			{"Sec-Fetch-Site", "cross-site"}, {"Content-Type", "application/x-www-form-urlencoded"},
		} {
			out = append(out, append(more, caller...))
		}
	}
	return out
}

// CSRF-04: whatever route is asked for with a safe method, by whomever, nothing changes.
func TestSafeMethodsChangeNothing(t *testing.T) {
	t.Parallel()
	b := openBrowser(t, "")
	token := b.Grant(b.Principal("admin")).AccessToken.Reveal()
	before := b.state(t)
	for _, route := range ownRoutes(t, b.app) {
		path := strings.NewReplacer(":id", strings.Split(b.cookie.Value, "_")[1], ":kid", "x").Replace(route.Path)
		for _, method := range []string{"GET", "HEAD", "OPTIONS"} {
			for _, headers := range asked(route.Method, sent(b.cookie), bearer(token)) {
				for _, query := range []string{"", "?method=" + route.Method, "?_action=" + route.Method, "?email=a@example.com&password=x"} {
					w := b.Do(request(method, path+query, "", headers...))
					assert.Less(t, w.Code, 500, "%s %s", method, path)
				}
			}
		}
	}
	assert.Equal(t, before, b.state(t))
	assert.True(t, b.signedIn())
}

// CK-05: no answer of the module may be kept by a cache, whoever asks and whatever comes of it, but the public keys.
func TestAnswersAreNotCached(t *testing.T) {
	t.Parallel()
	b := openBrowser(t, "")
	for _, route := range ownRoutes(t, b.app) {
		if route.Path == "/auth/logout" {
			continue // last
		}
		for name, headers := range map[string][]string{
			"anonymous": nil, "cookie": sent(b.cookie), "token": bearer(b.Token(b.Principal())), "bad token": bearer("x"),
			"stale cookie": {"Cookie", received + "x"}, "another origin": append(sent(b.cookie), "Sec-Fetch-Site", "cross-site"), "no login": {"Authorization", "ApiKey x"},
		} {
			w := b.Do(request(route.Method, route.Path, "", headers...))
			cache := w.Header().Get("Cache-Control")
			if strings.HasSuffix(route.Path, "jwks.json") && len(setCookies(w)) == 0 {
				assert.Equal(t, "public, max-age=300", cache)
				continue
			}
			assert.Equal(t, "no-store", cache, "%s %s %s: %d", route.Method, route.Path, name, w.Code)
		}
	}
	for _, path := range []string{"/in", "/read", "/editors"} {
		w := b.Do(request("GET", path, ""))
		assert.Equal(t, http.StatusUnauthorized, w.Code)
		assert.Equal(t, "no-store", w.Header().Get("Cache-Control"), path)
	}
	assert.Equal(t, "no-store", b.Do(request("GET", "/editors", "", sent(b.cookie)...)).Header().Get("Cache-Control"), "403")
	assert.Equal(t, "no-store", b.Do(request("POST", "/auth/logout", "", sent(b.cookie)...)).Header().Get("Cache-Control"))
}

// A clearing that a cache kept would sign others out: an application's public page is not kept when it carries one.
func TestClearedCookiesAreNotCached(t *testing.T) {
	t.Parallel()
	app := start(t, routes(func(e *echo.Echo) {
		e.GET("/page", func(c echo.Context) error {
			c.Response().Header().Set("Cache-Control", "public, max-age=60")
			if c.QueryParam("own") != "" {
				c.Response().Header().Del("Set-Cookie")
			}
			return c.String(http.StatusOK, "for everybody")
		})
	}))
	stale := []string{"Cookie", received + "x"}
	w := app.Do(request("GET", "/page", "", stale...))
	assert.Equal(t, []string{cleared}, setCookies(w))
	assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
	assert.Equal(t, "public, max-age=60", app.Do(request("GET", "/page", "")).Header().Get("Cache-Control"))
	assert.Equal(t, "public, max-age=60", app.Do(request("GET", "/page?own=1", "", stale...)).Header().Get("Cache-Control"), "the handler took the cookie off")
}

// CK-05, item 29: what sets the cookie and what clears it differ in nothing but value and time, so that one replaces the other.
func TestSetAndClearHaveTheSameAttributes(t *testing.T) {
	t.Parallel()
	for _, insecure := range []bool{false, true} {
		app := startConfigured(t, func(c *authmodule.Config) { c.HTTP.InsecureCookies = insecure }, routes(renewing), mounted())
		ada := app.User()
		attributes := func(c *http.Cookie) []any {
			return []any{c.Name, c.Path, c.Domain, c.Secure, c.HttpOnly, c.SameSite, c.Partitioned, c.Unparsed}
		}
		set := loginCookie(t, app, ada.Email)
		renewed := app.Do(request("POST", "/step-up", "", sent(set)...)).Result().Cookies()[0]
		logout := app.Do(request("POST", "/auth/logout", "", sent(renewed)...)).Result().Cookies()[0]
		stale := app.Do(request("GET", "/optional", "", "Cookie", set.Name+"=x")).Result().Cookies()[0]
		own := loginCookie(t, app, ada.Email)
		id := strings.Split(own.Value, "_")[1]
		revoked := app.Do(request("DELETE", "/auth/sessions/"+id, "", sent(own)...)).Result().Cookies()
		require.Len(t, revoked, 1, "who ends their own session keeps no cookie")
		for _, c := range []*http.Cookie{renewed, logout, stale, revoked[0]} {
			assert.Equal(t, attributes(set), attributes(c))
		}
		for _, c := range []*http.Cookie{logout, stale, revoked[0]} {
			assert.Empty(t, c.Value)
			assert.Negative(t, c.MaxAge)
		}
	}
}
