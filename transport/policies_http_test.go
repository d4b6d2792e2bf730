package transport_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
)

const (
	ownPolicy = `@id("own") permit (principal, action == Action::"articles.edit", resource is Article)
when { resource.owner == principal };`
	shortPolicy = "policies:\n  - id: long-ones\n    deny: articles.edit\n    resource: Article\n    when: resource.words > 100\n"
)

// V8.1.1: what is in force can be exported.
func TestPoliciesOverHTTP(t *testing.T) {
	t.Parallel()
	o := startOffice(t)
	admin := o.as(t, "admin")
	get := func(path string) map[string]any { return answer(t, admin.do("GET", path, ""), http.StatusOK) }
	assert.Equal(t, map[string]any{"stored": []any{}, "in_force": []any{}}, get("/auth/policies"))
	admin.does(t, "PUT", "/auth/policies/press", object(t, map[string]any{"text": ownPolicy}))
	admin.does(t, "PUT", "/auth/policies/short", object(t, map[string]any{"format": "yaml", "text": shortPolicy}))
	assert.Equal(t, map[string]any{"name": "short", "format": "yaml", "text": shortPolicy}, get("/auth/policies/short"))
	all := get("/auth/policies")
	assert.Len(t, all["stored"], 2)
	own := all["in_force"].([]any)[0].(map[string]any)
	assert.Equal(t, "own", own["id"])
	assert.Equal(t, "store: press", own["source"])
	assert.Equal(t, "permit", own["effect"])
	assert.Equal(t, []any{"articles.edit"}, own["actions"])

	exported := get("/auth/policies/export")
	assert.Contains(t, exported["cedar"], `@id("long-ones")`)
	assert.Contains(t, exported["schema"], "entity Article")
	assert.Len(t, exported["json"].(map[string]any)["staticPolicies"], 2)

	for name, tc := range map[string]struct {
		method, path, body string
		status             int
		code, field        string
	}{
		"unknown":        {"GET", "/auth/policies/nosuch", "", 404, "policy_not_found", ""},
		"delete unknown": {"DELETE", "/auth/policies/nosuch", "", 404, "policy_not_found", ""},
		"no text":        {"PUT", "/auth/policies/p", `{}`, 400, "invalid_request", "text"},
		"format":         {"PUT", "/auth/policies/p", `{"text":"","format":"rego"}`, 400, "invalid_request", "format"},
		"name":           {"PUT", "/auth/policies/P", `{"text":""}`, 400, "invalid_request", "name"},
		"a route":        {"PUT", "/auth/policies/export", `{"text":""}`, 400, "invalid_request", "name"},
		"NUL":            {"PUT", "/auth/policies/p", `{"text":"// \u0000"}`, 400, "invalid_request", "text"},
		"faulty":         {"PUT", "/auth/policies/p", `{"text":"permit"}`, 400, "policy_invalid", "text"},
		"an ID again":    {"PUT", "/auth/policies/p", object(t, map[string]any{"text": strings.Replace(ownPolicy, "==", "!=", 1)}), 400, "policy_invalid", "text"},
		"too long":       {"PUT", "/auth/policies/p", object(t, map[string]any{"text": strings.Repeat(" ", 1<<20+1)}), 400, "policy_invalid", "text"},
		"much too long":  {"PUT", "/auth/policies/p", object(t, map[string]any{"text": strings.Repeat("\n", 2<<20)}), 413, "body_too_large", ""},
	} {
		p := problem(t, admin.do(tc.method, tc.path, tc.body))
		assert.Equal(t, tc.status, p.Status, name)
		assert.Equal(t, tc.code, p.Code, name)
		assert.Equal(t, tc.field, p.Field, name)
		assert.Equal(t, tc.status == http.StatusBadRequest, len(p.Errors) > 0, name)
	}
	admin.does(t, "PUT", "/auth/policies/long", object(t, map[string]any{"text": strings.Repeat("\n", 1<<20)}))
	assert.Equal(t, "body_too_large", problem(t, o.as(t, "only-roles-write").do("PUT", "/auth/roles/x", `{"x":"`+strings.Repeat("x", 1<<17)+`"}`)).Code)
	admin.does(t, "DELETE", "/auth/policies/press", "")
	assert.NotContains(t, get("/auth/policies/export")["cedar"], "own")
}

// A text can be checked before it is stored: faults have a line and a column.
func TestPolicyCheck(t *testing.T) {
	t.Parallel()
	o := startOffice(t)
	reader, admin := o.as(t, "only-policies-read"), o.as(t, "admin")
	admin.does(t, "PUT", "/auth/policies/press", object(t, map[string]any{"text": ownPolicy}))
	check := func(name, format, text string) map[string]any {
		return answer(t, reader.do("POST", "/auth/policies/check", object(t, map[string]any{"name": name, "format": format, "text": text})), http.StatusOK)
	}
	good := map[string]any{"valid": true, "errors": []any{}}
	assert.Equal(t, good, check("press", "cedar", ownPolicy), "in place of itself")
	assert.Equal(t, good, check("", "yaml", shortPolicy))
	bad := check("", "cedar", "permit (principal,\n  action == Action::\"articles.edti\", resource is Article);")
	assert.Equal(t, false, bad["valid"])
	fault := bad["errors"].([]any)[0].(map[string]any)
	assert.Contains(t, fault["detail"], "articles.edti")
	assert.EqualValues(t, 2, fault["line"])
	assert.EqualValues(t, 21, fault["column"])
	assert.Equal(t, "store: unnamed", fault["source"])
	twice := check("other", "cedar", ownPolicy)
	assert.Equal(t, false, twice["valid"], "beside the stored ones")
	assert.Equal(t, "name", problem(t, reader.do("POST", "/auth/policies/check", `{"name":"Ä","text":""}`)).Field)
	all := answer(t, reader.do("GET", "/auth/policies", ""), http.StatusOK)
	assert.Len(t, all["stored"], 1, "nothing was stored")
}

func TestExplainOverHTTP(t *testing.T) {
	t.Parallel()
	o := startOffice(t)
	admin, author := o.as(t, "admin"), o.as(t, "author")
	admin.does(t, "PUT", "/auth/policies/press", object(t, map[string]any{"text": ownPolicy}))
	admin.does(t, "PUT", "/auth/policies/short", object(t, map[string]any{"format": "yaml", "text": shortPolicy}))
	admin.does(t, "PUT", "/auth/policies/net", `{"text":"@id(\"net\") forbid (principal, action == Action::\"articles.edit\", resource) unless { context.ip.isLoopback() };"}`)
	explain := func(members map[string]any) map[string]any {
		return answer(t, admin.do("POST", "/auth/authorize/explain", object(t, members)), http.StatusOK)
	}
	article := map[string]any{"type": "Article", "id": "7", "attributes": map[string]any{"owner": author.id, "words": 50}}
	question := func(changed ...map[string]any) map[string]any {
		q := map[string]any{"user_id": author.id, "action": "articles.edit", "resource": article, "context": map[string]any{"ip": "127.0.0.1"}}
		for _, c := range changed {
			for name, v := range c {
				q[name] = v
			}
		}
		return q
	}
	decision := func(e map[string]any) map[string]any { return e["decision"].(map[string]any) }

	e := explain(question())
	assert.Equal(t, true, decision(e)["allowed"])
	assert.Equal(t, []any{map[string]any{"role": "author", "defined": true, "says": []any{map[string]any{"permission": "articles.edit", "path": []any{"author"}}}}}, e["roles"])
	assert.Len(t, e["policies"], 3)
	e = explain(question(map[string]any{"context": map[string]any{"ip": "192.0.2.1"}}))
	assert.Equal(t, "forbidden", decision(e)["reason"])
	assert.Contains(t, decision(e)["policies"], "net (store: net:1:12)")
	e = explain(question(map[string]any{"context": map[string]any{}}))
	assert.Equal(t, "policy_error", decision(e)["reason"], "the address of the administrator is not the caller's")
	assert.NotEmpty(t, e["error"])
	e = explain(question(map[string]any{"roles": []string{}}))
	assert.Equal(t, "permitted", decision(e)["reason"], "without any role, by being the owner")
	e = explain(question(map[string]any{"scopes": []string{"articles.read"}}))
	assert.Equal(t, "scope", decision(e)["reason"])
	e = explain(question(map[string]any{"roles": []string{"nosuch"}, "action": "articles.read", "resource": nil}))
	assert.Equal(t, "missing_permission", decision(e)["reason"])
	assert.Empty(t, e["policies"])

	for name, tc := range map[string]struct {
		changed map[string]any
		field   string
	}{
		"action":           {map[string]any{"action": "articles.*"}, "action"},
		"no action":        {map[string]any{"action": nil}, "action"},
		"user":             {map[string]any{"user_id": "\x00"}, "user_id"},
		"resource":         {map[string]any{"resource": "Article"}, "resource"},
		"resource members": {map[string]any{"resource": map[string]any{"owner": "x"}}, "resource"},
		"address":          {map[string]any{"context": map[string]any{"ip": "nowhere"}}, "context"},
		"age":              {map[string]any{"context": map[string]any{"mfa_age_seconds": -1}}, "context"},
		"time":             {map[string]any{"auth_time": "yesterday"}, "auth_time"},
	} {
		p := problem(t, admin.do("POST", "/auth/authorize/explain", object(t, question(tc.changed))))
		assert.Equal(t, tc.field, p.Field, name)
	}
	assert.Empty(t, o.Events(audit.AccessDenied), "explaining is no denial")
}

// FuzzAdministration: whatever an administrator sends, the answer is no 5xx, nobody becomes what the caller is not, and
// what was stored is in force.
func FuzzAdministration(f *testing.F) {
	o := startOffice(f)
	lead, admin := o.as(f, "lead"), o.as(f, "admin")
	for _, body := range []string{
		`{"permissions":["articles.read","!articles.**"],"inherits":["author"],"description":"x"}`, `{"permissions":["**"]}`, `{"permissions":[1]}`,
		`{"text":"permit (principal, action, resource);"}`, `{"text":"policies: [{id: a, allow: articles.read}]","format":"yaml"}`, `{"until":"2999-12-31T23:59:59.999999999Z"}`,
		`{"user_id":"u","action":"articles.edit","resource":{"type":"Article","id":"1","attributes":{"owner":"u","words":1e3}},"context":{"ip":"::1","time":"2020-01-01T00:00:00Z"}}`,
		`{"user_id":"u","action":"articles.edit","resource":{"type":"","id":"","parents":[{"type":"Article","id":"2","parents":[]}]}}`, `{`, ``,
	} {
		f.Add("f1", body)
	}
	f.Fuzz(func(t *testing.T, name, body string) {
		path := strings.NewReplacer("/", "", "?", "", "#", "", "%", "").Replace(name)
		for _, r := range []struct{ method, path string }{
			{"PUT", "/auth/roles/"}, {"PUT", "/auth/users/friend/roles/"}, {"PUT", "/auth/users/"}, {"PUT", "/auth/policies/"}, {"POST", "/auth/policies/check"}, {"POST", "/auth/authorize/explain"},
		} {
			target := r.path
			switch {
			case r.path == "/auth/users/":
				target += path + "/roles/author"
			case r.method == "PUT":
				target += path
			}
			for _, c := range []caller{lead, admin} {
				if c.id == admin.id && strings.HasPrefix(target, "/auth/roles") || strings.HasPrefix(target, "/auth/users") && c.id == admin.id {
					continue // what an administrator without limits may give is no finding
				}
				q, err := http.NewRequestWithContext(t.Context(), r.method, "http://example.com/", strings.NewReader(body))
				require.NoError(t, err)
				q.URL.Path, q.RequestURI, q.RemoteAddr = target, target, "192.0.2.1:1234"
				q.Header.Set(c.headers[0], c.headers[1])
				q.Header.Set("Content-Type", "application/json")
				w := httptest.NewRecorder()
				o.echo.ServeHTTP(w, q)
				require.Less(t, w.Code, 500, "%s %s: %s", r.method, target, w.Body.String())
				if w.Code >= 300 && w.Code != http.StatusNotFound && w.Code != http.StatusMethodNotAllowed {
					require.True(t, json.Valid(w.Body.Bytes()))
				}
			}
		}
		friend := authn.Subject{ID: "friend"}
		assigned, _, err := o.AuthorizationService.RolesOf(t.Context(), friend)
		require.NoError(t, err)
		held, err := o.AuthorizationService.Permissions(t.Context(), authn.Principal{Kind: authn.KindUser, Subject: friend, Roles: assigned})
		require.NoError(t, err)
		for _, permission := range held {
			require.Regexp(t, `^!|^(articles\.(read|edit)|roles\.|assignments\.)`, permission)
		}
	})
}
