package transport_test

import (
	"encoding/json"
	"fmt"
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
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/echoauth"
)

const keyHeader = "X-Api-Key"

func startKeys(t testing.TB, change func(*authmodule.Config), options ...fx.Option) app {
	t.Helper()
	return startConfigured(t, func(c *authmodule.Config) {
		c.APIKeys.Header = "x-API-key"
		c.RBAC.SuperuserRole = "root"
		change(c)
	}, append(options,
		authmodule.AddRoles(authz.Role{Name: "editor", Permissions: []string{"articles.*"}}, authz.Role{Name: "reader", Permissions: []string{"articles.read"}}),
		fx.Invoke(func(e *echo.Echo) {
			ok := func(c echo.Context) error { return c.NoContent(http.StatusOK) }
			e.Any("/auth-only", ok, echoauth.RequireAuth())
			e.Any("/optional", ok, echoauth.OptionalAuth())
			e.GET("/write", ok, echoauth.RequirePermissions("articles.write"))
			e.GET("/read", ok, echoauth.RequirePermissions("articles.read"))
			e.GET("/scope", ok, echoauth.RequireScopes("articles.read"))
			e.GET("/scopes", ok, echoauth.RequireScopes("articles.read", "articles.write"))
			e.GET("/role", ok, echoauth.RequireRoles("editor"))
			e.GET("/bad-guard", ok, echoauth.RequireScopes())
			e.GET("/bad-scope", ok, echoauth.RequireScopes("articles.*"))
		}),
	)...)
}

func asKey(text string) []string { return []string{"Authorization", "ApiKey " + text} }

func same(*authmodule.Config) {}

func (a app) status(method, path string, headers ...string) int {
	return a.Do(request(method, path, "", headers...)).Code
}

// KEY-01 … KEY-03: a key's life over HTTP.
func TestAPIKeyRoutes(t *testing.T) {
	t.Parallel()
	app := startKeys(t, same)
	owner := app.Principal("editor")
	login := bearer(app.Token(owner))
	w := app.Do(request("POST", "/auth/api-keys", `{"name":"ci","scopes":["articles.read"],"expires_in_days":2,"allowed_ips":["192.0.2.1","2001:db8::/64"],"owner":"bob"}`, login...))
	made := answer(t, w, http.StatusCreated)
	assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
	key := made["key"].(string)
	id := made["id"].(string)
	assert.True(t, strings.HasPrefix(key, "ak_"+id+"_"))
	assert.Equal(t, map[string]any{
		"id": id, "key": key, "name": "ci", "scopes": []any{"articles.read"}, "allowed_ips": []any{"192.0.2.1/32", "2001:db8::/64"},
		"created_at": made["created_at"], "expires_at": made["expires_at"], "last_used_at": nil, "rotated_at": nil,
	}, made)
	created, err := time.Parse(time.RFC3339, made["created_at"].(string))
	require.NoError(t, err)
	expires, err := time.Parse(time.RFC3339, made["expires_at"].(string))
	require.NoError(t, err)
	assert.Equal(t, 48*time.Hour, expires.Sub(created))

	require.Equal(t, http.StatusOK, app.status("GET", "/read", asKey(key)...)) // httptest's client is 192.0.2.1
	list := answer(t, app.Do(request("GET", "/auth/api-keys", "", login...)), http.StatusOK)["api_keys"].([]any)
	require.Len(t, list, 1)
	assert.NotContains(t, list[0], "key")
	assert.NotNil(t, list[0].(map[string]any)["last_used_at"])

	next := answer(t, app.Do(request("POST", "/auth/api-keys/"+id+"/rotate", `{"overlap_minutes":5}`, login...)), http.StatusOK)
	assert.NotNil(t, next["rotated_at"])
	require.Equal(t, http.StatusOK, app.status("GET", "/read", asKey(key)...))
	app.Advance(5 * time.Minute)
	require.Equal(t, http.StatusUnauthorized, app.status("GET", "/read", asKey(key)...))
	require.Equal(t, http.StatusOK, app.status("GET", "/read", asKey(next["key"].(string))...))

	bob := bearer(app.Token(app.Principal("editor")))
	for _, r := range []*http.Request{
		request("DELETE", "/auth/api-keys/"+id, "", bob...), request("POST", "/auth/api-keys/"+id+"/rotate", "", bob...),
		request("DELETE", "/auth/api-keys/x", "", login...), request("POST", "/auth/api-keys/x/rotate", "{}", login...),
	} {
		w := app.Do(r)
		require.Equal(t, http.StatusNotFound, w.Code, r.URL)
		assert.Equal(t, "api_key_not_found", problem(t, w).Code)
	}
	require.Equal(t, http.StatusNoContent, app.status("DELETE", "/auth/api-keys/"+id, login...))
	require.Equal(t, http.StatusUnauthorized, app.status("GET", "/read", asKey(next["key"].(string))...))
	require.Equal(t, http.StatusNotFound, app.status("DELETE", "/auth/api-keys/"+id, login...))
}

func TestAPIKeyRequestFaults(t *testing.T) {
	t.Parallel()
	app := startKeys(t, func(c *authmodule.Config) { c.APIKeys.MaxPerUser = 1 })
	login := bearer(app.Token(app.Principal("reader")))
	for _, tc := range []struct{ name, have, field, code string }{
		{"no name", `{}`, "name", "invalid_request"},
		{"name of another type", `{"name":1}`, "name", "invalid_request"},
		{"empty name", `{"name":""}`, "name", "invalid_request"},
		{"scopes of another type", `{"name":"x","scopes":"articles.read"}`, "scopes", "invalid_request"},
		{"scopes with a number", `{"name":"x","scopes":[1]}`, "scopes", "invalid_request"},
		{"scopes beyond the creator's", `{"name":"x","scopes":["articles.write"]}`, "scopes", "invalid_request"},
		{"malformed scope", `{"name":"x","scopes":["articles"]}`, "scopes", "invalid_request"},
		{"no days", `{"name":"x","expires_in_days":0}`, "expires_in_days", "invalid_request"},
		{"too many days", `{"name":"x","expires_in_days":366}`, "expires_in_days", "invalid_request"},
		{"far too many days", `{"name":"x","expires_in_days":999999999999999}`, "expires_in_days", "invalid_request"},
		{"negative days", `{"name":"x","expires_in_days":-1}`, "expires_in_days", "invalid_request"},
		{"half a day", `{"name":"x","expires_in_days":0.5}`, "expires_in_days", "invalid_request"},
		{"never", `{"name":"x","expires":"never"}`, "expires", "invalid_request"},
		{"some time", `{"name":"x","expires":"soon"}`, "expires", "invalid_request"},
		{"no address", `{"name":"x","allowed_ips":["example.com"]}`, "allowed_ips", "invalid_request"},
		{"an address of a link", `{"name":"x","allowed_ips":["fe80::1%eth0"]}`, "allowed_ips", "invalid_request"},
		{"network too long", `{"name":"x","allowed_ips":["192.0.2.0/33"]}`, "allowed_ips", "invalid_request"},
		{"no JSON", `name=x`, "", "invalid_json"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := app.Do(request("POST", "/auth/api-keys", tc.have, login...))
			require.Equal(t, http.StatusBadRequest, w.Code, w.Body.String())
			p := problem(t, w)
			assert.Equal(t, tc.code, p.Code)
			assert.Equal(t, tc.field, p.Field)
		})
	}
	made := answer(t, app.Do(request("POST", "/auth/api-keys", `{"name":"x"}`, login...)), http.StatusCreated)
	w := app.Do(request("POST", "/auth/api-keys", `{"name":"y"}`, login...))
	require.Equal(t, http.StatusForbidden, w.Code)
	assert.Equal(t, "api_key_limit", problem(t, w).Code)
	for _, body := range []string{`{"overlap_minutes":1441}`, `{"overlap_minutes":999999999999999}`, `{"overlap_minutes":"1"}`, `{"overlap_minutes":-1}`} {
		w := app.Do(request("POST", "/auth/api-keys/"+made["id"].(string)+"/rotate", body, login...))
		require.Equal(t, http.StatusBadRequest, w.Code, body)
		assert.Equal(t, "overlap_minutes", problem(t, w).Field)
	}
}

// KEY-04: a key counts in two headers, and nowhere else; two credentials are none.
func TestKEY04WhereKeysAreTakenFrom(t *testing.T) {
	t.Parallel()
	app := startKeys(t, same)
	owner := app.Principal("editor")
	key, token := app.APIKey(owner, "articles.read"), app.Token(owner)
	for _, tc := range []struct {
		name, path string
		headers    []string
		expected   string // the code, empty for success
	}{
		{"the scheme", "/auth-only", asKey(key), ""},
		{"the scheme in small letters", "/auth-only", []string{"Authorization", "apikey " + key}, ""},
		{"the header", "/auth-only", []string{keyHeader, key}, ""},
		{"query", "/auth-only?api_key=" + key + "&key=" + key + "&access_token=" + key + "&x-api-key=" + key, nil, "unauthenticated"},
		{"query, optional route", "/optional?api_key=" + key, nil, ""},
		{"bearer scheme", "/auth-only", bearer(key), "token_malformed"},
		{"cookie", "/auth-only", []string{"Cookie", "X-Api-Key=" + key}, "unauthenticated"},
		{"another scheme", "/auth-only", []string{"Authorization", "Basic " + key}, "unauthenticated"},
		{"no scheme", "/auth-only", []string{"Authorization", key}, "unauthenticated"},
		{"another header", "/auth-only", []string{"Api-Key", key}, "unauthenticated"},
		{"a token in the header", "/auth-only", []string{keyHeader, token}, "api_key_invalid"},
		{"a token in the scheme", "/auth-only", asKey(token), "api_key_invalid"},
		{"scheme in the header", "/auth-only", []string{keyHeader, "ApiKey " + key}, "api_key_invalid"},
		{"two spaces", "/auth-only", []string{"Authorization", "ApiKey  " + key}, "api_key_invalid"},
		{"tab", "/auth-only", []string{"Authorization", "ApiKey\t" + key}, "api_key_invalid"},
		{"nothing behind the scheme", "/auth-only", []string{"Authorization", "ApiKey"}, "api_key_invalid"},
		{"a space behind the scheme", "/auth-only", []string{"Authorization", "ApiKey "}, "api_key_invalid"},
		{"empty header", "/auth-only", []string{keyHeader, ""}, "api_key_invalid"},
		{"header twice", "/auth-only", []string{keyHeader, key, keyHeader, key}, "api_key_invalid"},
		{"bearer and header", "/auth-only", append(bearer(token), keyHeader, key), "several_credentials"},
		{"bearer and empty header", "/auth-only", append(bearer(token), keyHeader, ""), "several_credentials"},
		{"scheme and header", "/auth-only", append(asKey(key), keyHeader, key), "several_credentials"},
		{"empty scheme and header", "/auth-only", []string{"Authorization", "ApiKey", keyHeader, key}, "several_credentials"},
		{"two Authorization headers", "/auth-only", append(bearer(token), asKey(key)...), "token_malformed"},
		{"beside a session cookie", "/auth-only", append(asKey(key), sent(app.Cookie(owner))...), ""},
		{"bad, on an optional route", "/optional", asKey(key + "x"), "api_key_invalid"},
		{"bad, beside a good cookie", "/auth-only", append(asKey(key+"x"), sent(app.Cookie(owner))...), "api_key_invalid"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := app.Do(request("GET", tc.path, "", tc.headers...))
			if tc.expected == "" {
				require.Equal(t, http.StatusOK, w.Code, w.Body.String())
				return
			}
			require.Equal(t, http.StatusUnauthorized, w.Code)
			assert.Equal(t, tc.expected, problem(t, w).Code)
			assert.NotContains(t, w.Body.String(), key[20:])
			assert.NotContains(t, app.log.String(), key[len(key)-58:])
		})
	}
}

func TestKeyHeaderIsOffByDefault(t *testing.T) {
	t.Parallel()
	app := startKeys(t, func(c *authmodule.Config) { c.APIKeys.Header = "" })
	key := app.APIKey(app.Principal())
	assert.Equal(t, http.StatusUnauthorized, app.status("GET", "/auth-only", keyHeader, key))
	assert.Equal(t, http.StatusOK, app.status("GET", "/auth-only", asKey(key)...))
}

// Unknown, wrong, mistyped, expired, revoked, of a disabled account and from another network: one answer, to the byte.
func TestBadKeysHaveOneAnswer(t *testing.T) {
	t.Parallel()
	app := startKeys(t, same)
	owner, closed := app.Principal(), app.Principal()
	create := func(p authn.Principal, body string) (id, key string) {
		made := answer(t, app.Do(request("POST", "/auth/api-keys", body, bearer(app.Token(p))...)), http.StatusCreated)
		return made["id"].(string), made["key"].(string)
	}
	_, expired := create(owner, `{"name":"x","expires_in_days":1}`)
	app.Advance(24 * time.Hour)
	id, revoked := create(owner, `{"name":"x"}`)
	require.Equal(t, http.StatusNoContent, app.status("DELETE", "/auth/api-keys/"+id, bearer(app.Token(owner))...))
	_, disabled := create(closed, `{"name":"x"}`)
	require.NoError(t, app.Users.Disable(t.Context(), authn.Principal{}, closed.Subject))
	_, elsewhere := create(owner, `{"name":"x","allowed_ips":["198.51.100.7"]}`)
	_, good := create(owner, `{"name":"x"}`)
	require.Equal(t, http.StatusOK, app.status("GET", "/auth-only", asKey(good)...))
	var first string
	for name, key := range map[string]string{
		"expired": expired, "revoked": revoked, "disabled": disabled, "elsewhere": elsewhere,
		"mistyped": good[:len(good)-1] + string("ab"[strings.Count(good[len(good)-1:], "a")]), "of nobody": "ak_x_y", "empty form": "__",
	} {
		w := app.Do(request("GET", "/auth-only", "", asKey(key)...))
		require.Equal(t, http.StatusUnauthorized, w.Code, name)
		assert.Equal(t, `ApiKey realm="authmodule"`, w.Header().Get("WWW-Authenticate"))
		if first == "" {
			first = dump(t, w)
		}
		assert.Equal(t, first, dump(t, w), name)
	}
}

// What scopes let through, and what no key may do.
func TestKeysAtGuardsAndRoutes(t *testing.T) {
	t.Parallel()
	app := startKeys(t, same)
	owner := app.Principal("editor")
	boss := app.Principal("root")
	narrow, wide, bare := app.APIKey(owner, "articles.read"), app.APIKey(owner, "articles.*"), app.APIKey(owner)
	token, all, bossToken := app.Token(owner), app.APIKey(boss, "*.*"), app.Token(boss)
	for _, tc := range []struct {
		path                      string
		login, narrow, wide, bare int
		root, boss                int
	}{
		{"/auth-only", 200, 200, 200, 200, 200, 200},
		{"/read", 200, 200, 200, 403, 200, 200},
		{"/write", 200, 403, 200, 403, 200, 200},
		{"/scope", 200, 200, 200, 403, 200, 200},
		{"/scopes", 200, 403, 200, 403, 200, 200},
		{"/role", 200, 403, 403, 403, 403, 200},
		{"/bad-guard", 500, 500, 500, 500, 500, 500},
		{"/bad-scope", 500, 500, 500, 500, 500, 500},
		{"/auth/me", 200, 200, 200, 200, 200, 200},
		{"/auth/sessions", 200, 403, 403, 403, 403, 200},
		{"/auth/api-keys", 200, 403, 403, 403, 403, 200},
	} {
		t.Run(tc.path, func(t *testing.T) {
			assert.Equal(t, tc.login, app.status("GET", tc.path, bearer(token)...), "login")
			assert.Equal(t, tc.narrow, app.status("GET", tc.path, asKey(narrow)...), "narrow")
			assert.Equal(t, tc.wide, app.status("GET", tc.path, asKey(wide)...), "wide")
			assert.Equal(t, tc.bare, app.status("GET", tc.path, asKey(bare)...), "bare")
			assert.Equal(t, tc.root, app.status("GET", tc.path, asKey(all)...), "key of a superuser")
			assert.Equal(t, tc.boss, app.status("GET", tc.path, bearer(bossToken)...), "superuser")
			if strings.HasPrefix(tc.path, "/bad") {
				return
			}
			assert.Equal(t, http.StatusUnauthorized, app.status("GET", tc.path), "anonymous")
		})
	}
	me := answer(t, app.Do(request("GET", "/auth/me", "", asKey(narrow)...)), http.StatusOK)
	assert.Equal(t, []any{"articles.read"}, me["permissions"])
	assert.Empty(t, me["session_id"])
}

// KEY-05: a key ends no session, and makes, rotates and revokes no key.
func TestKEY05KeysManageNothing(t *testing.T) {
	t.Parallel()
	app := startKeys(t, same)
	owner := app.Principal("root")
	key := app.APIKey(owner, "*.*")
	list, err := app.APIKeys.List(t.Context(), owner.Subject)
	require.NoError(t, err)
	id := list[0].ID
	for _, route := range []string{
		"POST /auth/logout", "GET /auth/sessions", "DELETE /auth/sessions", "DELETE /auth/sessions/" + owner.SessionID,
		"POST /auth/api-keys", "GET /auth/api-keys", "DELETE /auth/api-keys/" + id, "POST /auth/api-keys/" + id + "/rotate",
	} {
		method, path, _ := strings.Cut(route, " ")
		w := app.Do(request(method, path, `{"name":"child"}`, asKey(key)...))
		require.Equal(t, http.StatusForbidden, w.Code, route)
		assert.Equal(t, "session_required", problem(t, w).Code, route)
	}
	sessions, err := app.SessionManager.List(t.Context(), owner.Subject)
	require.NoError(t, err)
	assert.Len(t, sessions, 1)
	list, err = app.APIKeys.List(t.Context(), owner.Subject)
	require.NoError(t, err)
	assert.Len(t, list, 1)
}

// A key in a header cannot be forged by another site; a cookie beside it could be.
func TestKeysAndOtherOrigins(t *testing.T) {
	t.Parallel()
	app := startKeys(t, same)
	owner := app.Principal()
	key := app.APIKey(owner)
	foreign := []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://other.example"}
	assert.Equal(t, http.StatusOK, app.status("POST", "/auth-only", append(asKey(key), foreign...)...))
	with := func(headers ...string) string {
		w := app.Do(request("POST", "/auth/api-keys", `{"name":"x"}`, append(headers, foreign...)...))
		return problem(t, w).Code
	}
	assert.Equal(t, "session_required", with(asKey(key)...), "the origin does not matter")
	assert.Equal(t, "session_required", with(keyHeader, key))
	assert.Equal(t, "cross_origin", with(append(asKey(key), sent(app.Cookie(owner))...)...))
	assert.Equal(t, "cross_origin", with(sent(app.Cookie(owner))...))
	w := app.Do(request("POST", "/auth/api-keys", `{"name":"x"}`, append(sent(app.Cookie(owner)), "Origin", "http://example.com", "Sec-Fetch-Site", "same-origin")...))
	assert.Equal(t, http.StatusCreated, w.Code)
}

// Switched off, there are no routes and no key counts.
func TestKeysSwitchedOff(t *testing.T) {
	t.Parallel()
	app := startKeys(t, func(c *authmodule.Config) { require.NoError(t, c.APIKeys.Enabled.UnmarshalText([]byte("false"))) })
	assert.Nil(t, app.APIKeys)
	token := app.Token(app.Principal())
	assert.Equal(t, http.StatusNotFound, app.status("GET", "/auth/api-keys", bearer(token)...))
	assert.Equal(t, http.StatusUnauthorized, app.status("GET", "/auth-only", asKey("ak_x_y")...))
	assert.Equal(t, http.StatusOK, app.status("GET", "/optional", asKey("ak_x_y")...))
	assert.Equal(t, http.StatusOK, app.status("GET", "/auth-only", append(bearer(token), keyHeader, "x")...))
}

// The answer that holds the key does not print it.
func TestAnswersDoNotPrintKeys(t *testing.T) {
	t.Parallel()
	app := startKeys(t, same)
	ctx := authn.WithPrincipal(t.Context(), app.Principal())
	for _, e := range app.gate.Endpoints() {
		if e.Method != http.MethodPost || e.Path != "/api-keys" {
			continue
		}
		reply, err := e.Handle(ctx, httptest.NewRequestWithContext(ctx, "POST", "/", strings.NewReader("")))
		require.Error(t, err)
		require.Empty(t, reply)
		reply, err = e.Handle(ctx, request("POST", "/", `{"name":"ci"}`))
		require.NoError(t, err)
		text, err := json.Marshal(reply.Body)
		require.NoError(t, err)
		var made struct{ Key string }
		require.NoError(t, json.Unmarshal(text, &made))
		require.NotEmpty(t, made.Key)
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			assert.NotContains(t, fmt.Sprintf(verb, reply), made.Key[len(made.Key)-58:], verb)
			assert.NotContains(t, fmt.Sprintf(verb, []any{&reply}), made.Key[len(made.Key)-58:], verb)
		}
		return
	}
	t.Fatal("no such endpoint")
}
