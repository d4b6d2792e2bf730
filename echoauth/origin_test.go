package echoauth_test

import (
	"net/http"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/echoauth"
)

func writable(e *echo.Echo) {
	e.Any("/write", who, echoauth.RequireAuth())
	e.Any("/open", who)
}

// origins are the headers of requests that browsers send; foreign ones come from another origin.
func origins(foreign bool) map[string][]string {
	if foreign {
		return map[string][]string{
			"cross-site":               {"Sec-Fetch-Site", "cross-site"},
			"same-site":                {"Sec-Fetch-Site", "same-site"},
			"unknown site":             {"Sec-Fetch-Site", "something"},
			"other origin":             {"Origin", "https://evil.example.net"},
			"sibling":                  {"Origin", "https://other.example.com"},
			"other port":               {"Origin", "https://example.com:8443"},
			"null":                     {"Origin", "null"},
			"cross-site, same Origin":  {"Sec-Fetch-Site", "cross-site", "Origin", "https://example.com"},
			"navigation from a foe":    {"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate"},
			"origin with our host in":  {"Origin", "https://example.com.evil.net"},
			"origin with our user":     {"Origin", "https://example.com@evil.net"},
			"origin that is no origin": {"Origin", "example.com"},
		}
	}
	return map[string][]string{
		"same-origin": {"Sec-Fetch-Site", "same-origin"},
		"user":        {"Sec-Fetch-Site", "none"},
		"old browser": {"Origin", "https://example.com"},
		"no browser":  nil,
	}
}

// CSRF-01: a cookie that comes with a write from another origin authenticates nobody.
func TestCookieWritesFromAnotherOrigin(t *testing.T) {
	t.Parallel()
	app := start(t, routes(writable))
	p := app.Principal()
	c := app.Cookie(p)
	for name, headers := range origins(true) {
		t.Run(name, func(t *testing.T) {
			headers := append(headers, sent(c)...)
			for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "PROPFIND"} {
				w := app.Do(request(method, "/write", "", headers...))
				assert.Equal(t, http.StatusForbidden, w.Code, method)
				assert.Equal(t, "cross_origin", problem(t, w).Code)
				assert.Empty(t, setCookies(w), "the cookie is the user's, and stays")
				assert.Empty(t, app.Do(request(method, "/open", "", headers...)).Body.String(), "anonymous")
			}
			for _, route := range [][2]string{{"POST", "/auth/logout"}, {"DELETE", "/auth/sessions"}, {"DELETE", "/auth/sessions/x"}} {
				assert.Equal(t, "cross_origin", codeOf(t, app.Do(request(route[0], route[1], "", headers...))), route[1])
			}
			for _, method := range []string{"GET", "HEAD", "OPTIONS"} {
				assert.Equal(t, http.StatusOK, app.Do(request(method, "/write", "", headers...)).Code, method)
			}
		})
	}
	assert.Equal(t, p.Subject.ID, app.Do(request("GET", "/write", "", sent(c)...)).Body.String(), "the session lives on")
}

func TestCookieWritesFromTheSite(t *testing.T) {
	t.Parallel()
	app := start(t, routes(writable))
	c := app.Cookie(app.Principal())
	for name, headers := range origins(false) {
		t.Run(name, func(t *testing.T) {
			for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
				assert.Equal(t, http.StatusOK, app.Do(request(method, "/write", "", append(headers, sent(c)...)...)).Code, method)
			}
		})
	}
}

func TestTrustedOrigins(t *testing.T) {
	t.Parallel()
	app := startConfigured(t, func(c *authmodule.Config) { c.HTTP.TrustedOrigins = []string{"https://www.example.com"} }, routes(writable), mounted())
	c := app.Cookie(app.Principal())
	write := func(origin string) int {
		return app.Do(request("POST", "/write", "", append(sent(c), "Origin", origin, "Sec-Fetch-Site", "same-site")...)).Code
	}
	assert.Equal(t, http.StatusOK, write("https://www.example.com"))
	for _, origin := range []string{"http://www.example.com", "https://www.example.com:444", "https://www.example.com.evil.net", "https://WWW.example.com", "null"} {
		assert.Equal(t, http.StatusForbidden, write(origin), origin)
	}
}

// CSRF-03: nobody is logged in, registered or refreshed by another site's page.
func TestOpenRoutesFromAnotherOrigin(t *testing.T) {
	t.Parallel()
	app := start(t)
	user := app.User()
	token := app.Token(app.Principal())
	for name, headers := range origins(true) {
		t.Run(name, func(t *testing.T) {
			for _, more := range [][]string{nil, bearer(token)} {
				headers := append(headers, more...)
				for _, mode := range []string{"token", "cookie"} {
					w := app.Do(request("POST", "/auth/login", credentials(t, user.Email, mode), headers...))
					assert.Equal(t, "cross_origin", problem(t, w).Code)
					assert.Empty(t, setCookies(w))
				}
				assert.Equal(t, "cross_origin", codeOf(t, app.Do(request("POST", "/auth/register", credentials(t, "new@example.com", ""), headers...))))
				assert.Equal(t, "cross_origin", codeOf(t, app.Do(request("POST", "/auth/refresh", `{"refresh_token":"x"}`, headers...))))
			}
		})
	}
	for name, headers := range origins(false) {
		assert.Equal(t, http.StatusOK, app.Do(request("POST", "/auth/login", credentials(t, user.Email, "cookie"), headers...)).Code, name)
	}
}

// CSRF-06: a token without a cookie cannot be forged by a page, so it may come from any origin.
func TestTokensFromAnotherOrigin(t *testing.T) {
	t.Parallel()
	app := start(t, routes(writable))
	p := app.Principal()
	for name, headers := range origins(true) {
		t.Run(name, func(t *testing.T) {
			grant := app.Grant(p)
			headers := append(headers, bearer(grant.AccessToken.Reveal())...)
			for _, method := range []string{"GET", "POST", "PUT", "DELETE"} {
				assert.Equal(t, http.StatusOK, app.Do(request(method, "/write", "", headers...)).Code, method)
			}
			withCookie := append(headers, sent(app.Cookie(p))...)
			assert.Equal(t, "cross_origin", codeOf(t, app.Do(request("POST", "/auth/logout", "", withCookie...))))
			assert.Equal(t, "session_not_found", codeOf(t, app.Do(request("DELETE", "/auth/sessions/x", "", headers...))))
			assert.Equal(t, http.StatusNoContent, app.Do(request("POST", "/auth/logout", "", headers...)).Code)
			assert.Equal(t, "session_ended", codeOf(t, app.Do(request("POST", "/auth/logout", "", headers...))))
		})
	}
}

// A proxy that adds a Content-Length to reads does not make a link from elsewhere a write.
func TestLinksFromElsewhere(t *testing.T) {
	t.Parallel()
	app := start(t, routes(writable))
	p := app.Principal()
	link := append(sent(app.Cookie(p)), "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Content-Length", "0")
	assert.Equal(t, p.Subject.ID, app.Do(request("GET", "/write", "", link...)).Body.String())
}

// CSRF-05: a header does not make a write out of a read, nor a read out of a write.
func TestMethodOverrideHasNoEffect(t *testing.T) {
	t.Parallel()
	app := start(t, routes(writable))
	c := app.Cookie(app.Principal())
	for _, header := range []string{"X-Http-Method-Override", "X-Method-Override", "X-Http-Method"} {
		headers := append(sent(c), header, "GET", "Sec-Fetch-Site", "cross-site")
		assert.Equal(t, "cross_origin", codeOf(t, app.Do(request("POST", "/write?_method=GET", "", headers...))), header)
	}
}

// A WebSocket handshake is a GET with the user's cookie, and no browser stops another origin from sending it.
func TestWebSocketsFromAnotherOrigin(t *testing.T) {
	t.Parallel()
	app := start(t, routes(writable))
	p := app.Principal()
	c := app.Cookie(p)
	upgrade := []string{"Connection", "Upgrade", "Upgrade", "websocket", "Sec-Websocket-Version", "13"}
	for name, headers := range origins(true) {
		w := app.Do(request("GET", "/write", "", append(append(upgrade, headers...), sent(c)...)...))
		assert.Equal(t, "cross_origin", codeOf(t, w), name)
		w = app.Do(request("GET", "/write", "", append(append(upgrade, headers...), bearer(app.Token(p))...)...))
		assert.Equal(t, http.StatusOK, w.Code, name)
	}
	for name, headers := range origins(false) {
		w := app.Do(request("GET", "/write", "", append(append(upgrade, headers...), sent(c)...)...))
		assert.Equal(t, http.StatusOK, w.Code, name)
	}
}

// A Host or forwarding header of the request's own does not make a foreign origin ours.
func TestForwardedHostIsNotBelieved(t *testing.T) {
	t.Parallel()
	app := start(t, routes(writable))
	c := app.Cookie(app.Principal())
	headers := append(sent(c), "Origin", "https://evil.net", "X-Forwarded-Host", "evil.net", "Forwarded", "host=evil.net", "X-Original-Host", "evil.net")
	assert.Equal(t, "cross_origin", codeOf(t, app.Do(request("POST", "/write", "", headers...))))
}

// The module's own routes take no other credential from another origin: an authenticator of the application's own
// may read what browsers send by themselves.
func TestOwnAuthenticatorFromAnotherOrigin(t *testing.T) {
	t.Parallel()
	app := start(t, authmodule.AddAuthenticator(adding("key", func(string) (authn.Principal, error) { return service, nil })))
	for name, headers := range origins(true) {
		for _, more := range [][]string{{"X-Key", "x"}, {"X-Key", "x", "Authorization", "Basic dTpw"}, nil} {
			w := app.Do(request("POST", "/auth/logout", "", append(headers, more...)...))
			assert.Equal(t, "cross_origin", codeOf(t, w), name)
		}
	}
}
