package main_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// cookieName is a contract with clients, so the test writes it out.
const cookieName = "__Host-session"

// api sends requests to a running program.
type api struct {
	t    *testing.T
	base string
}

// answer is a response whose body was read.
type answer struct {
	status int
	header http.Header
	body   string
	// object is the body when it is a JSON object.
	object map[string]any
}

func (a answer) text(name string) string {
	text, _ := a.object[name].(string)
	return text
}

// with changes a request before it is sent.
type with func(*http.Request)

func bearer(token string) with {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
}

func header(name, value string) with { return func(r *http.Request) { r.Header.Set(name, value) } }

// cookie is sent by hand: Go's cookie jar keeps Secure cookies from http://localhost, browsers do not.
func cookie(value string) with {
	return func(r *http.Request) { r.AddCookie(&http.Cookie{Name: cookieName, Value: value}) }
}

func (a api) do(method, path, body string, changes ...with) answer {
	a.t.Helper()
	r, err := http.NewRequestWithContext(a.t.Context(), method, a.base+path, strings.NewReader(body))
	require.NoError(a.t, err)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, change := range changes {
		change(r)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(r)
	require.NoError(a.t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(a.t, err)
	out := answer{status: response.StatusCode, header: response.Header, body: string(text)}
	if strings.HasPrefix(out.body, "{") {
		require.NoError(a.t, json.Unmarshal(text, &out.object))
	}
	return out
}

func credentials(email, mode string) string {
	text, _ := json.Marshal(map[string]string{"email": email, "password": password, "mode": mode})
	return string(text)
}

// tokens logs in and returns the access and the refresh token.
func (a api) tokens(email string) (access, refresh string) {
	a.t.Helper()
	in := a.do("POST", "/auth/login", credentials(email, "token"))
	require.Equal(a.t, http.StatusOK, in.status, in.body)
	return in.text("access_token"), in.text("refresh_token")
}

// cookie logs in and returns the value of the session cookie.
func (a api) cookie(email string) string {
	a.t.Helper()
	in := a.do("POST", "/auth/login", credentials(email, "cookie"))
	require.Equal(a.t, http.StatusOK, in.status, in.body)
	set, err := http.ParseSetCookie(in.header.Get("Set-Cookie"))
	require.NoError(a.t, err)
	require.Equal(a.t, cookieName, set.Name)
	require.True(a.t, set.Secure && set.HttpOnly)
	return set.Value
}

func TestTokens(t *testing.T) {
	t.Parallel()
	p := start(t, setup{})

	registered := p.do("POST", "/auth/register", credentials("ada@example.com", ""))
	require.Equal(t, http.StatusCreated, registered.status, registered.body)
	assert.Equal(t, []any{"viewer"}, registered.object["roles"])

	access, refresh := p.tokens("ada@example.com")
	me := p.do("GET", "/auth/me", "", bearer(access))
	assert.Equal(t, "ada@example.com", me.text("email"))
	assert.Equal(t, []any{"articles.read"}, me.object["permissions"])

	next := p.do("POST", "/auth/refresh", `{"refresh_token":"`+refresh+`"}`)
	require.Equal(t, http.StatusOK, next.status, next.body)
	assert.Equal(t, http.StatusOK, p.do("GET", "/articles", "", bearer(next.text("access_token"))).status)

	// The old refresh token is used again: somebody has a copy, and the session ends for all.
	reused := p.do("POST", "/auth/refresh", `{"refresh_token":"`+refresh+`"}`)
	assert.Equal(t, http.StatusUnauthorized, reused.status)
	assert.Equal(t, "refresh_reused", reused.text("code"))
	assert.Equal(t, http.StatusUnauthorized, p.do("GET", "/articles", "", bearer(next.text("access_token"))).status)
	assert.Equal(t, http.StatusUnauthorized, p.do("POST", "/auth/refresh", `{"refresh_token":"`+next.text("refresh_token")+`"}`).status)

	access, _ = p.tokens("ada@example.com")
	assert.Equal(t, http.StatusNoContent, p.do("POST", "/auth/logout", "{}", bearer(access)).status)
	out := p.do("GET", "/auth/me", "", bearer(access))
	assert.Equal(t, http.StatusUnauthorized, out.status)
	assert.Equal(t, "session_ended", out.text("code"))
}

func TestCookies(t *testing.T) {
	t.Parallel()
	p := start(t, setup{})
	session := p.cookie("editor@example.com")
	const written = `{"title":"By cookie","body":"b"}`

	assert.Equal(t, "editor@example.com", p.do("GET", "/auth/me", "", cookie(session)).text("email"))
	assert.Contains(t, p.do("GET", "/", "", cookie(session)).body, `data-signed-in="true"`)
	assert.Contains(t, p.do("GET", "/", "").body, `data-signed-in="false"`)

	for _, foreign := range []with{header("Origin", "https://evil.example"), header("Sec-Fetch-Site", "cross-site")} {
		refusal := p.do("POST", "/articles", written, cookie(session), foreign)
		assert.Equal(t, http.StatusForbidden, refusal.status)
		assert.Equal(t, "cross_origin", refusal.text("code"))
	}
	assert.Equal(t, http.StatusCreated, p.do("POST", "/articles", written, cookie(session), header("Sec-Fetch-Site", "same-origin")).status)
	assert.Equal(t, http.StatusCreated, p.do("POST", "/articles", written, cookie(session), header("Origin", p.base)).status)

	out := p.do("POST", "/auth/logout", "{}", cookie(session))
	assert.Equal(t, http.StatusNoContent, out.status)
	assert.Contains(t, out.header.Get("Set-Cookie"), "Max-Age=0")
	assert.Equal(t, http.StatusUnauthorized, p.do("GET", "/articles", "", cookie(session)).status)
	assert.Contains(t, p.do("GET", "/", "", cookie("stale")).header.Get("Set-Cookie"), "Max-Age=0")
}

func TestRoutesByRole(t *testing.T) {
	t.Parallel()
	p := start(t, setup{})
	const one = `{"title":"t","body":"b"}`
	testCases := []struct {
		role     string
		expected map[string]int
	}{
		{"", map[string]int{"GET /articles": 401, "POST /articles": 401, "DELETE /articles/999": 401, "GET /admin/users": 401, "GET /admin/routes": 401}},
		{"viewer", map[string]int{"GET /articles": 200, "POST /articles": 403, "DELETE /articles/999": 403, "GET /admin/users": 403, "GET /admin/routes": 403}},
		{"editor", map[string]int{"GET /articles": 200, "POST /articles": 201, "DELETE /articles/999": 403, "GET /admin/users": 403, "GET /admin/routes": 403}},
		{"admin", map[string]int{"GET /articles": 200, "POST /articles": 201, "DELETE /articles/999": 404, "GET /admin/users": 200, "GET /admin/routes": 200}},
	}
	for _, tc := range testCases {
		t.Run("role "+tc.role, func(t *testing.T) {
			t.Parallel()
			a := api{t: t, base: p.base}
			as := func(*http.Request) {}
			if tc.role != "" {
				access, _ := a.tokens(tc.role + "@example.com")
				as = bearer(access)
			}
			for route, expected := range tc.expected {
				method, path, _ := strings.Cut(route, " ")
				body := ""
				if method == "POST" {
					body = one
				}
				have := a.do(method, path, body, as)
				assert.Equal(t, expected, have.status, "%s: %s", route, have.body)
				if expected == http.StatusForbidden {
					assert.Equal(t, "permission_denied", have.text("code"))
					assert.NotEmpty(t, have.text("required"), "development says what is missing")
				}
			}
		})
	}
}

func TestMay(t *testing.T) {
	t.Parallel()
	p := start(t, setup{})
	access, _ := p.tokens("editor@example.com")
	assert.JSONEq(t, `{"read":true,"write":true,"delete":false}`, p.do("GET", "/articles/may", "", bearer(access)).body)
	assert.JSONEq(t, `{"read":false,"write":false,"delete":false}`, p.do("GET", "/articles/may", "").body)
	assert.Equal(t, http.StatusUnauthorized, p.do("GET", "/articles/may", "", bearer("nonsense")).status)
	assert.NotContains(t, p.stderr.String(), "access.denied", "asking is no denial")
}

func TestArticles(t *testing.T) {
	t.Parallel()
	p := start(t, setup{})
	access, _ := p.tokens("admin@example.com")
	admin := bearer(access)
	longest := strings.Repeat("ä", 200)
	fits, err := json.Marshal(map[string]string{"title": longest, "body": strings.Repeat("𝄞", 10_000)})
	require.NoError(t, err)
	testCases := []struct {
		name, body string
		status     int
		code       string
		field      string
	}{
		{"the longest", string(fits), 201, "", ""},
		{"escaped", `{"title":"t","body":"` + strings.Repeat(`\ud834\udd1e`, 10_000) + `"}`, 201, "", ""},
		{"without a body", `{"title":"t"}`, 201, "", ""},
		{"other members are ignored", `{"title":"t","body":"b","id":"7","x":[1]}`, 201, "", ""},
		{"without a title", `{"body":"b"}`, 400, "invalid_request", "title"},
		{"null title", `{"title":null}`, 400, "invalid_request", "title"},
		{"blank title", `{"title":" \n"}`, 400, "invalid_request", "title"},
		{"long title", `{"title":"` + longest + `!"}`, 400, "invalid_request", "title"},
		{"long body", `{"title":"t","body":"` + strings.Repeat("a", 10_001) + `"}`, 400, "invalid_request", "body"},
		{"wrong type", `{"title":7}`, 400, "invalid_request", "title"},
		{"another status", `{"title":"t","status":"secret"}`, 400, "invalid_request", "status"},
		{"no object", `["title"]`, 400, "invalid_json", ""},
		{"no JSON", `title=t`, 400, "invalid_json", ""},
		{"two objects", `{"title":"t"}{}`, 400, "invalid_json", ""},
		// One byte too many: all of it is read, so the answer cannot be lost to a reset of the connection.
		{"too large", `{"title":"t","body":"` + strings.Repeat("a", 256<<10+1-len(`{"title":"t","body":""}`)) + `"}`, 413, "body_too_large", ""},
	}
	for _, tc := range testCases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			have := api{t: t, base: p.base}.do("POST", "/articles", tc.body, admin)
			assert.Equal(t, tc.status, have.status, have.body)
			assert.Equal(t, tc.code, have.text("code"))
			assert.Equal(t, tc.field, have.text("field"))
			if tc.status >= http.StatusBadRequest {
				assert.Equal(t, "application/problem+json", have.header.Get("Content-Type"))
			}
		})
	}
	assert.Equal(t, http.StatusUnsupportedMediaType, p.do("POST", "/articles", `{"title":"t"}`, admin, header("Content-Type", "text/plain")).status)

	added := p.do("POST", "/articles", `{"title":"a","body":"b"}`, admin)
	require.Equal(t, http.StatusCreated, added.status)
	id := added.text("id")
	owner := p.do("GET", "/auth/me", "", admin).text("id")
	one := map[string]string{"id": id, "title": "a", "body": "b", "owner": owner, "status": "published"}
	assert.Equal(t, map[string]any{"id": id, "title": "a", "body": "b", "owner": owner, "status": "published"}, added.object, "an article is exactly this")
	var all []map[string]string
	require.NoError(t, json.Unmarshal([]byte(p.do("GET", "/articles", "", admin).body), &all))
	assert.Contains(t, all, one)
	assert.Equal(t, http.StatusNoContent, p.do("DELETE", "/articles/"+id, "", admin).status)
	for _, unknown := range []string{id, "x", "-1", "0" + id, "99999999999999999999", "%00"} {
		assert.Equal(t, http.StatusNotFound, p.do("DELETE", "/articles/"+unknown, "", admin).status, unknown)
	}
}

func TestAdminUsers(t *testing.T) {
	t.Parallel()
	p := start(t, setup{})
	access, _ := p.tokens("admin@example.com")
	var users []struct {
		ID, Email string
		Roles     []string
		Disabled  *bool
	}
	list := func(query string) int {
		users = nil
		require.NoError(t, json.Unmarshal([]byte(p.do("GET", "/admin/users"+query, "", bearer(access)).body), &users))
		return len(users)
	}
	require.Equal(t, 3, list(""))
	roles := map[string][]string{}
	for _, user := range users {
		roles[user.Email] = user.Roles
		assert.NotEmpty(t, user.ID)
		assert.False(t, *user.Disabled)
	}
	assert.Equal(t, map[string][]string{
		"admin@example.com": {"admin"}, "editor@example.com": {"editor"}, "viewer@example.com": {"viewer"},
	}, roles)
	last := users[2].ID
	assert.Equal(t, 0, list("?after="+last))
}

// The readiness probe answers, without a login.
func TestProbes(t *testing.T) {
	t.Parallel()
	a := start(t, setup{}).api
	for _, path := range []string{"/auth/livez", "/auth/readyz"} {
		probe := a.do(http.MethodGet, path, "")
		assert.Equal(t, http.StatusOK, probe.status, probe.body)
		assert.Equal(t, "ok", probe.text("status"))
	}
}
