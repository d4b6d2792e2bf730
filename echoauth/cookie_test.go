package echoauth_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/transport"
)

const (
	cleared  = "__Host-session=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"
	received = "__Host-session="
)

// loginCookie logs in for a cookie and returns it.
func loginCookie(t *testing.T, app app, email string, headers ...string) *http.Cookie {
	t.Helper()
	w := app.Do(request("POST", "/auth/login", credentials(t, email, "cookie"), headers...))
	require.Equal(t, http.StatusOK, w.Code, w.Body.String())
	cookies := w.Result().Cookies()
	require.NotEmpty(t, cookies)
	return cookies[len(cookies)-2]
}

// setCookies are those about the session.
func setCookies(w *httptest.ResponseRecorder) []string {
	return slices.DeleteFunc(w.Header().Values("Set-Cookie"), func(c string) bool { return strings.HasPrefix(c, transport.DeviceCookieName) })
}

// CK-01, CK-02, CK-03.
func TestCookieAttributes(t *testing.T) {
	t.Parallel()
	app := start(t)
	user := app.User()
	w := app.Do(request("POST", "/auth/login", credentials(t, user.Email, "cookie")))
	require.Len(t, setCookies(w), 1)
	text := setCookies(w)[0]
	c := w.Result().Cookies()[0]
	assert.Equal(t, transport.CookieName, c.Name)
	assert.Equal(t, "/", c.Path)
	assert.True(t, c.Secure)
	assert.True(t, c.HttpOnly)
	assert.Equal(t, http.SameSiteLaxMode, c.SameSite)
	assert.NotContains(t, strings.ToLower(text), "domain")
	assert.WithinDuration(t, app.Now().Add(30*24*time.Hour), c.Expires, time.Second)
	assert.Less(t, len(text), 4096)
	assert.Regexp(t, `^cs_[a-z2-7]+_[a-z2-7]{52}$`, c.Value)
	assert.NotContains(t, c.Value, user.Subject.ID)
}

func TestInsecureCookies(t *testing.T) {
	t.Parallel()
	app := startConfigured(t, func(c *authmodule.Config) { c.HTTP.InsecureCookies = true }, routes(guardedRoutes), mounted())
	user := app.User()
	c := loginCookie(t, app, user.Email)
	assert.Equal(t, transport.InsecureCookieName, c.Name)
	assert.False(t, c.Secure)
	assert.True(t, c.HttpOnly)
	assert.Equal(t, http.SameSiteLaxMode, c.SameSite)
	assert.Equal(t, "/", c.Path)
	assert.Equal(t, user.Subject.ID, app.Do(request("GET", "/in", "", sent(c)...)).Body.String())
	assert.Equal(t, http.StatusUnauthorized, app.Do(request("GET", "/in", "", "Cookie", transport.CookieName+"="+c.Value)).Code)
}

// The other way round: where cookies are secure, the insecure name is not one.
func TestInsecureNameIsNotRead(t *testing.T) {
	t.Parallel()
	app := start(t, routes(guardedRoutes))
	c := loginCookie(t, app, app.User().Email)
	assert.Equal(t, http.StatusUnauthorized, app.Do(request("GET", "/in", "", "Cookie", transport.InsecureCookieName+"="+c.Value)).Code)
}

// Item 27: a cookie authenticates by itself, without any token.
func TestCookieAuthenticates(t *testing.T) {
	t.Parallel()
	app := start(t, routes(guardedRoutes))
	p, other := app.Principal("editor"), app.Principal()
	c := app.Cookie(p)
	for _, path := range []string{"/in", "/read", "/editors", "/optional", "/public"} {
		w := app.Do(request("GET", path, "", sent(c)...))
		assert.Equal(t, http.StatusOK, w.Code, path)
		assert.Equal(t, p.Subject.ID, w.Body.String(), path)
		assert.Empty(t, setCookies(w), path)
	}
	// A presented token decides alone: a bad one is not made good by a cookie, a good one is not mixed with it.
	assert.Equal(t, "token_malformed", codeOf(t, app.Do(request("GET", "/in", "", append(sent(c), bearer("x")...)...))))
	assert.Equal(t, other.Subject.ID, app.Do(request("GET", "/in", "", append(sent(c), bearer(app.Token(other))...)...)).Body.String())
	assert.Equal(t, p.Subject.ID, app.Do(request("GET", "/in", "", append(sent(c), "Authorization", "Basic dTpw")...)).Body.String())
}

// CK-04: cookies that were planted count for nothing. A stale one is cleared and stands in nobody's way.
func TestUnusableCookies(t *testing.T) {
	t.Parallel()
	app := start(t, routes(guardedRoutes))
	user := app.User()
	good, ended := loginCookie(t, app, user.Email), loginCookie(t, app, user.Email)
	require.Equal(t, http.StatusNoContent, app.Do(request("POST", "/auth/logout", "", sent(ended)...)).Code)
	closed := app.Principal()
	ofDisabled := app.Cookie(closed)
	require.NoError(t, app.Users.Disable(background(), authn.Principal{}, closed.Subject))
	id := strings.Split(good.Value, "_")[1]
	app.Advance(2 * time.Minute) // what ended just now is not cleared
	testCases := []struct {
		name, header string
		cleared      bool
	}{
		{"ended", received + ended.Value, true},
		{"of a disabled account", received + ofDisabled.Value, true},
		{"malformed", received + "x", true},
		{"empty", received, true},
		{"wrong secret", received + "cs_" + id + "_" + strings.Repeat("a", 52), true},
		{"session ID", received + id, true},
		{"upper case", received + strings.ToUpper(good.Value), true},
		{"other kind", received + strings.Replace(good.Value, "cs_", "rt_", 1), true},
		{"long", received + strings.Repeat("a", 8000), true},
		{"twice", received + good.Value + "; " + received + good.Value, true},
		{"planted after", received + good.Value + "; " + received + "x", true},
		{"planted before", received + "x; " + received + good.Value, true},
		{"other name", "session=" + good.Value, false},
		{"name in lower case", strings.ToLower(received) + good.Value, false},
		{"longer name", "x" + received + good.Value, false},
		{"non-breaking space before the name", "\u00a0" + received + good.Value, false},
		{"em space before the name", "\u2003" + received + good.Value, false},
		{"vertical tab before the name", "\v" + received + good.Value, false},
		{"in another's value", "a=b," + received + good.Value, false},
		{"space before the equals sign", strings.Replace(received, "=", " =", 1) + good.Value, false},
		{"quoted", received + `"` + good.Value + `"`, true},
		{"once quoted", received + good.Value + "; " + received + `"` + good.Value + `"`, true},
		{"beside one that no cookie may be", received + "\x01; " + received + good.Value, true},
		{"beside a name alone", "__Host-session; " + received + good.Value, true},
		{"quoted version", "$Version=1; a=\"" + received + good.Value + "\"", false},
	}
	for _, tc := range testCases {
		t.Run(tc.name, func(t *testing.T) {
			var expected []string
			if tc.cleared {
				expected = []string{cleared}
			}
			w := app.Do(request("GET", "/in", "", "Cookie", tc.header))
			assert.Equal(t, "unauthenticated", problem(t, w).Code)
			assert.Equal(t, expected, setCookies(w))
			for _, path := range []string{"/public", "/optional"} {
				w = app.Do(request("GET", path, "", "Cookie", tc.header))
				assert.Equal(t, http.StatusOK, w.Code)
				assert.Empty(t, w.Body.String(), "anonymous")
				assert.Equal(t, expected, setCookies(w))
			}
		})
	}
	assert.Equal(t, user.Subject.ID, app.Do(request("GET", "/in", "", sent(good)...)).Body.String(), "the control")
}

// Two Cookie headers are one list.
func TestCookiesInTwoHeaders(t *testing.T) {
	t.Parallel()
	app := start(t, routes(guardedRoutes))
	good := app.Cookie(app.Principal())
	w := app.Do(request("GET", "/in", "", append(sent(good), sent(good)...)...))
	assert.Equal(t, http.StatusUnauthorized, w.Code)
	assert.Equal(t, []string{cleared}, setCookies(w))
}

// A stale cookie is cleared by the very answer that sets a new one: the new one comes last and stands.
func TestLoginOverAStaleCookie(t *testing.T) {
	t.Parallel()
	app := start(t, routes(guardedRoutes))
	user := app.User()
	w := app.Do(request("POST", "/auth/login", credentials(t, user.Email, "cookie"), "Cookie", received+"stale"))
	require.Equal(t, http.StatusOK, w.Code)
	set := setCookies(w)
	assert.Contains(t, set[len(set)-1], received+"cs_")
	assert.Len(t, set, 1, "an answer sets a cookie once (RFC 6265, section 4.1.1)")
}

// Item 29, CK-05: logout clears the cookie with the attributes that it was set with.
func TestLogoutClearsTheCookie(t *testing.T) {
	t.Parallel()
	app := start(t, routes(func(e *echo.Echo) { guardedRoutes(e) }))
	c := loginCookie(t, app, app.User().Email)
	w := app.Do(request("POST", "/auth/logout", "", sent(c)...))
	assert.Equal(t, http.StatusNoContent, w.Code)
	assert.Equal(t, []string{cleared}, setCookies(w))
	assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
	assert.Equal(t, http.StatusUnauthorized, app.Do(request("GET", "/in", "", sent(c)...)).Code)
}

// CSRF-04: nothing that ends a session answers to GET.
func TestReadsChangeNothing(t *testing.T) {
	t.Parallel()
	app := start(t, routes(guardedRoutes))
	c := loginCookie(t, app, app.User().Email)
	for _, method := range []string{"GET", "HEAD", "OPTIONS"} {
		for _, path := range []string{"/auth/logout", "/auth/sessions/x", "/auth/refresh", "/auth/register", "/auth/login"} {
			w := app.Do(request(method, path, "", append(sent(c), "X-Http-Method-Override", "POST", "X-Method-Override", "DELETE")...))
			assert.Contains(t, []int{http.StatusMethodNotAllowed, http.StatusNoContent}, w.Code, method+" "+path)
		}
	}
	assert.Equal(t, http.StatusOK, app.Do(request("GET", "/in", "", sent(c)...)).Code)
}
