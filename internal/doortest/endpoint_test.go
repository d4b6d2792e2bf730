package doortest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/fxtest"
	"github.com/authmodule/authmodule/internal/webtest"
	"github.com/authmodule/authmodule/transport"
)

// everything turns on what is off by default.
func everything(c *authmodule.Config) {
	c.HTTP.Health, c.HTTP.SessionEndpoints, c.HTTP.RevocationEndpoint, c.HTTP.IntrospectionEndpoint = true, true, true, true
	c.HTTP.RBACEndpoints = true
	c.AdminEmail = "ada@example.com"
}

// An account's life with tokens.
func TestTokenEndpoints(t *testing.T) {
	t.Parallel()
	h := open(t, plan{change: everything})
	h.flow(t, func(c *client) {
		c.do(201, post("/auth/register", c.login("")))
		c.do(409, post("/auth/register", c.login("")))
		c.do(401, post("/auth/login", strings.Replace(c.login("token"), fxtest.Password, "wrong, and long enough", 1)))
		w := c.do(200, post("/auth/login", c.login("token")))
		access, refresh := c.member(w, "access_token"), c.member(w, "refresh_token")
		token := webtest.Bearer(access)
		c.do(200, get("/auth/me", token...))
		c.do(200, get("/auth/sessions", token...))
		c.do(404, query{method: "DELETE", path: "/auth/sessions/none", headers: token})
		c.do(200, get("/auth/devices", token...))
		c.do(404, query{method: "PATCH", path: "/auth/devices/none", body: `{"name":"x"}`, headers: token})
		w = c.do(200, post("/auth/refresh", fmt.Sprintf(`{"refresh_token":%q}`, refresh)))
		token = webtest.Bearer(c.member(w, "access_token"))
		c.do(201, post("/auth/api-keys", `{"name":"x"}`, token...))
		c.do(200, get("/auth/api-keys", token...))
		c.do(404, post("/auth/api-keys/none/rotate", "{}", token...))
		c.do(404, query{method: "DELETE", path: "/auth/api-keys/none", headers: token})
		c.do(403, get("/auth/users/none/sessions", token...))
		c.do(403, post("/auth/introspect", "token="+access, append(token, "Content-Type", "application/x-www-form-urlencoded")...))
		c.do(204, post("/auth/logout", "", token...))
		c.do(401, get("/auth/me", token...))
		c.do(401, post("/auth/refresh", fmt.Sprintf(`{"refresh_token":%q}`, refresh)))
	})
}

// An account's life with a cookie: set once, cleared once, never for another site.
func TestCookieEndpoints(t *testing.T) {
	t.Parallel()
	h := open(t, plan{change: func(c *authmodule.Config) { c.HTTP.ClearSiteData = true }})
	h.flow(t, func(c *client) {
		c.do(201, post("/auth/register", c.login("")))
		w := c.do(200, post("/auth/login", c.login("cookie"), "Cookie", transport.CookieName+"=stale"))
		lines := w.Header()["Set-Cookie"]
		require.Len(c.t, lines, 2, "the session's and the device's")
		cookie := c.sessionCookie(w)
		c.do(200, get("/auth/me", cookie...))
		c.do(403, post("/auth/logout", "", append([]string{"Sec-Fetch-Site", "cross-site"}, cookie...)...))
		c.do(403, post("/auth/logout", "", append([]string{"Origin", "https://evil.example"}, cookie...)...))
		w = c.do(204, post("/auth/logout", "", append([]string{"Sec-Fetch-Site", "same-origin"}, cookie...)...))
		assert.NotEmpty(c.t, w.Header().Get("Clear-Site-Data"))
		assert.Len(c.t, w.Header()["Set-Cookie"], 1)
		c.do(401, get("/auth/me", cookie...))
		w = c.do(401, get("/auth/me", "Cookie", transport.CookieName+"=stale"))
		assert.Len(c.t, w.Header()["Set-Cookie"], 1, "a stale cookie is cleared")
	})
}

// What the endpoints say to everybody, and to bodies that are none.
func TestAnswersAreTheSame(t *testing.T) {
	t.Parallel()
	h := open(t, plan{change: everything})
	admin := webtest.Bearer(h.Token(h.Principal("admin")))
	large := `{"email":"` + strings.Repeat("a", 1<<20) + `"}`
	testCases := []struct {
		status int
		code   string
		query
	}{
		{200, "", get("/.well-known/jwks.json")},
		{200, "", get("/.well-known/jwks.json", "Cookie", transport.CookieName+"=stale")},
		{200, "", get("/auth/livez")},
		{200, "", get("/auth/readyz")},
		{200, "", get("/auth/setup")},
		{400, "setup_invalid", post("/auth/setup", `{"token":"x","password":"long enough for a password"}`)},
		{401, "unauthenticated", get("/auth/me")},
		{200, "", get("/auth/me", admin...)},
		{200, "", get("/auth/me?pretty", admin...)},
		{200, "", get("/auth/tenant/sessions?limit=1", admin...)},
		{401, "token_malformed", get("/auth/me", webtest.Bearer("x")...)},
		{400, "invalid_request", post("/auth/login", "")},
		{400, "invalid_request", post("/auth/login", `{"email":1,"password":[]}`)},
		{400, "invalid_json", post("/auth/login", `{`)},
		{400, "invalid_json", post("/auth/login", `{"a":1,"a":2}`)},
		{415, "unsupported_media_type", post("/auth/login", `{}`, "Content-Type", "text/plain")},
		{413, "body_too_large", post("/auth/login", large)},
		{413, "body_too_large", post("/auth/logout", large, admin...)},
		{401, "refresh_invalid", post("/auth/refresh", `{"refresh_token":"x"}`)},
		{403, "cross_origin", post("/auth/login", `{}`, "Sec-Fetch-Site", "cross-site")},
		{403, "cross_origin", post("/auth/register", `{}`, "Origin", "null")},
		{404, "session_not_found", query{method: "DELETE", path: "/auth/tenant/sessions/a%20b", headers: admin}},
		{200, "", get("/auth/roles", admin...)},
		{200, "", get("/auth/roles/admin", admin...)},
		{404, "role_not_found", get("/auth/roles/a%20b", admin...)},
		{200, "", get("/auth/roles/admin/holders?limit=1", admin...)},
		{200, "", get("/auth/users/none/roles", admin...)},
		{400, "invalid_request", get("/auth/users/%00/roles", admin...)},
		{200, "", get("/auth/policies", admin...)},
		{200, "", get("/auth/policies/export", admin...)},
		{200, "", post("/auth/policies/check", `{"text":"permit"}`, admin...)},
		{404, "policy_not_found", get("/auth/policies/check", admin...)},
		{404, "policy_not_found", query{method: "DELETE", path: "/auth/policies/export", headers: admin}},
		{400, "invalid_request", query{method: "PUT", path: "/auth/policies/export", body: `{"text":""}`, headers: admin}},
		{204, "", query{method: "PUT", path: "/auth/users/none/roles/admin", headers: admin}},
		{204, "", query{method: "DELETE", path: "/auth/users/none/roles/admin", headers: admin}},
		{200, "", get("/auth/roles/%61dmin", admin...)},
		{204, "", query{method: "PUT", path: "/auth/users/a%3Ab%2Fc/roles/admin", headers: admin}},
		{200, "", get("/auth/users/a%3ab%2fc/roles", admin...)},
		{200, "", get("/auth/roles/admin/holders?limit=1000", admin...)},
		{204, "", query{method: "DELETE", path: "/auth/users/a:b%2Fc/roles/admin", headers: admin}},
		{200, "", post("/auth/authorize/explain", `{"user_id":"none","action":"articles.read"}`, admin...)},
	}
	for _, tc := range testCases {
		w := h.same(t, tc.query)
		assert.Equal(t, tc.status, w.Code, "%s: %s", tc.query, w.Body)
		assert.Equal(t, tc.code, codeOf(t, w), tc.query)
	}
}

// A session is renewed, watched and rechecked at every door.
func TestSessionsUnderWay(t *testing.T) {
	t.Parallel()
	h := open(t, plan{routes: []route{
		{"POST", "/renew", nil, func(x exchange) error {
			if err := x.renew(); err != nil {
				return err
			}
			x.w.Header().Set("Cache-Control", "public, max-age=60")
			return who(x)
		}},
		{"POST", "/silent", nil, func(x exchange) error {
			err := x.renew()
			x.w.Header().Set("Cache-Control", "public")
			return err
		}},
		{"GET", "/silent", nil, func(x exchange) error {
			x.w.Header().Set("Cache-Control", "public")
			return nil
		}},
		{"POST", "/recheck", nil, func(x exchange) error {
			if err := x.recheck(); err != nil {
				return err
			}
			return who(x)
		}},
		{"POST", "/watch", nil, func(x exchange) error {
			ctx, stop := x.watch(time.Minute)
			defer stop()
			if err := ctx.Err(); err != nil {
				return err
			}
			return who(x)
		}},
		{"GET", "/page", nil, func(x exchange) error {
			x.w.Header().Set("Cache-Control", "public, max-age=60")
			return who(x)
		}},
	}})
	h.flow(t, func(c *client) {
		c.do(201, post("/auth/register", c.login("")))
		old := c.sessionCookie(c.do(200, post("/auth/login", c.login("cookie"))))
		c.do(200, post("/recheck", "", old...))
		c.do(200, post("/watch", "", old...))
		w := c.do(200, post("/renew", "", old...))
		assert.Equal(c.t, "no-store", w.Header().Get("Cache-Control"), c.door.name)
		fresh := c.sessionCookie(w)
		assert.NotEqual(c.t, old, fresh)
		c.do(200, post("/recheck", "", fresh...))
		c.do(401, post("/recheck", "", old...))
		c.do(401, post("/renew", "", old...))
		c.do(401, post("/recheck", ""))
		c.do(403, post("/renew", "", append([]string{"Sec-Fetch-Site", "cross-site"}, fresh...)...))
		token := c.member(c.do(200, post("/auth/login", c.login("token"))), "access_token")
		w = c.do(200, post("/renew", "", webtest.Bearer(token)...))
		assert.Equal(c.t, "public, max-age=60", w.Header().Get("Cache-Control"), "nothing to renew")
		assert.Empty(c.t, w.Header()["Set-Cookie"])
		w = c.do(200, get("/page", "Cookie", transport.CookieName+"=x"))
		assert.Equal(c.t, "no-store", w.Header().Get("Cache-Control"), "a clearing is one browser's")
		w = c.do(200, get("/silent", "Cookie", transport.CookieName+"=x"))
		assert.Equal(c.t, "no-store", w.Header().Get("Cache-Control"), "nothing was written")
		w = c.do(200, get("/page", fresh...))
		assert.Equal(c.t, "public, max-age=60", w.Header().Get("Cache-Control"))
		w = c.do(200, post("/silent", "", fresh...))
		assert.Equal(c.t, "no-store", w.Header().Get("Cache-Control"))
		c.sessionCookie(w)
	})
}
