package transport_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/authmodule/authmodule"
)

func cookieLogin(t *testing.T, app app, mode, host string, headers ...string) (int, string, []string) {
	t.Helper()
	body := object(t, map[string]any{"email": app.User().Email, "password": password, "mode": mode})
	r := request("POST", "/auth/login", body, headers...)
	r.Host = host
	w := app.Do(r)
	code := ""
	if w.Code != http.StatusOK {
		code = problem(t, w).Code
	}
	return w.Code, code, w.Header().Values("Set-Cookie")
}

// CK-01: a browser that would silently drop the cookie is told, before anything is opened.
func TestPlainHTTPIsRefusedLoudly(t *testing.T) {
	t.Parallel()
	secure := start(t)
	insecure := startConfigured(t, func(c *authmodule.Config) { c.HTTP.InsecureCookies = true })
	for _, tc := range []struct {
		name, mode, host string
		headers          []string
		expected         string
	}{
		{"other host", "cookie", "192.168.0.5:8080", []string{"Origin", "http://192.168.0.5:8080"}, "insecure_transport"},
		{"name", "cookie", "dev.example.com", []string{"Origin", "http://dev.example.com"}, "insecure_transport"},
		{"a name that only looks local", "cookie", "localhost.example.com", []string{"Origin", "http://localhost.example.com"}, "insecure_transport"},
		{"tokens need no cookie", "token", "192.168.0.5:8080", []string{"Origin", "http://192.168.0.5:8080"}, ""},
		{"localhost", "cookie", "localhost:8080", []string{"Origin", "http://localhost:8080"}, ""},
		{"below localhost", "cookie", "app.localhost:8080", []string{"Origin", "http://app.localhost:8080"}, ""},
		{"127.0.0.1", "cookie", "127.0.0.1:8080", []string{"Origin", "http://127.0.0.1:8080"}, ""},
		{"::1", "cookie", "[::1]:8080", []string{"Origin", "http://[::1]:8080"}, ""},
		{"HTTPS", "cookie", "app.example.com", []string{"Origin", "https://app.example.com"}, ""},
		{"no browser", "cookie", "192.168.0.5:8080", nil, ""},
		{"a browser that says it is the site", "cookie", "app.example.com", []string{"Origin", "https://app.example.com", "Sec-Fetch-Site", "same-origin"}, ""},
	} {
		_, code, cookies := cookieLogin(t, secure, tc.mode, tc.host, tc.headers...)
		assert.Equal(t, tc.expected, code, tc.name)
		assert.Len(t, cookies, map[bool]int{true: 2}[tc.mode == "cookie" && tc.expected == ""], tc.name)
		_, code, _ = cookieLogin(t, insecure, tc.mode, tc.host, tc.headers...)
		assert.Empty(t, code, tc.name)
	}
}

// A page of the same host by plain HTTP is another origin wherever the site is known to be served by HTTPS: anybody on the way can write it.
func TestPagesByPlainHTTPOfASiteByHTTPS(t *testing.T) {
	t.Parallel()
	public := startConfigured(t, func(c *authmodule.Config) { c.HTTP.PublicURL = "https://app.example.com" })
	trusting := startConfigured(t, func(c *authmodule.Config) {
		c.HTTP.PublicURL, c.HTTP.TrustedOrigins = "https://app.example.com", []string{"http://app.example.com"}
	})
	plain := []string{"Origin", "http://app.example.com"}
	for _, mode := range []string{"cookie", "token"} {
		_, code, _ := cookieLogin(t, public, mode, "app.example.com", plain...)
		assert.Equal(t, "cross_origin", code)
	}
	_, code, _ := cookieLogin(t, trusting, "token", "app.example.com", plain...)
	assert.Empty(t, code, "an origin that is trusted by name")
	_, code, _ = cookieLogin(t, public, "token", "other.example.com", "Origin", "http://other.example.com")
	assert.Empty(t, code, "another host, of which nothing is known")

	body := object(t, map[string]any{"email": "x@example.com", "password": "x"})
	encrypted := request("POST", "https://app.example.com/auth/login", body, plain...)
	assert.Equal(t, "cross_origin", problem(t, start(t).Do(encrypted)).Code, "the connection itself is TLS")
}

// CK-05: the header is sent at logout alone, where it is configured, and not to pages elsewhere.
func TestClearSiteData(t *testing.T) {
	t.Parallel()
	for _, configured := range []bool{false, true} {
		app := startConfigured(t, func(c *authmodule.Config) { c.HTTP.ClearSiteData = configured })
		expected := ""
		if configured {
			expected = `"cache", "storage"`
		}
		user := app.User()
		logout := func(d device, headers ...string) (int, string) {
			w := app.Do(request("POST", "/auth/logout", "", append(headers, d.headers()...)...))
			return w.Code, w.Header().Get("Clear-Site-Data")
		}
		for _, mode := range []string{"cookie", "token"} {
			d := login(t, app, user.Email, mode)
			assert.Empty(t, app.Do(request("GET", "/auth/me", "", d.headers()...)).Header().Get("Clear-Site-Data"))
			status, have := logout(d, "Origin", "https://example.com")
			assert.Equal(t, http.StatusNoContent, status)
			assert.Equal(t, expected, have)
			status, have = logout(d)
			assert.Equal(t, http.StatusUnauthorized, status)
			assert.Empty(t, have)
		}
		status, have := logout(login(t, app, user.Email, "token"), "Origin", "https://evil.net")
		assert.Equal(t, http.StatusNoContent, status)
		assert.Empty(t, have, "who logs out with a token of their own elsewhere clears nobody's data")
	}
}
