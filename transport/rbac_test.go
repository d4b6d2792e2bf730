package transport_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/setting"
)

// V8.2.1: each route asks for its own permissions; what changes something wants a login as well.
func TestWhoMayAdminister(t *testing.T) {
	t.Parallel()
	o := startOffice(t)
	admin := o.as(t, "admin")
	target, plain := o.as(t), o.as(t)
	admin.does(t, "PUT", "/auth/policies/press", `{"text":"permit (principal, action == Action::\"articles.read\", resource);"}`)
	callers := map[string]caller{}
	for _, what := range []string{"roles", "assignments", "policies"} {
		for _, how := range []string{"read", "write"} {
			callers[what+"."+how] = o.as(t, "only-"+what+"-"+how)
		}
	}
	key := bearer("")
	key[1] = "ApiKey " + o.APIKey(o.Principal("admin"), "*.*")
	for _, tc := range []struct {
		method, path, body string
		needs              []string
	}{
		{"GET", "/auth/roles", "", []string{"roles.read"}},
		{"GET", "/auth/roles/author", "", []string{"roles.read"}},
		{"PUT", "/auth/roles/fresh", `{"permissions":[]}`, []string{"roles.write"}},
		{"DELETE", "/auth/roles/fresh", "", []string{"roles.write"}},
		{"GET", "/auth/roles/author/holders", "", []string{"assignments.read"}},
		{"GET", "/auth/users/" + target.id + "/roles", "", []string{"assignments.read"}},
		{"PUT", "/auth/users/" + target.id + "/roles/only-assignments-write", "", []string{"assignments.write"}},
		{"DELETE", "/auth/users/" + target.id + "/roles/only-assignments-write", "", []string{"assignments.write"}},
		{"GET", "/auth/policies", "", []string{"policies.read"}},
		{"GET", "/auth/policies/export", "", []string{"policies.read"}},
		{"GET", "/auth/policies/press", "", []string{"policies.read"}},
		{"POST", "/auth/policies/check", `{"text":""}`, []string{"policies.read"}},
		{"PUT", "/auth/policies/fresh", `{"text":""}`, []string{"policies.write"}},
		{"DELETE", "/auth/policies/fresh", "", []string{"policies.write"}},
		{"POST", "/auth/authorize/explain", `{"user_id":"u","action":"articles.read"}`, []string{"policies.read", "roles.read", "assignments.read"}},
	} {
		name := tc.method + " " + tc.path
		assert.Equal(t, http.StatusUnauthorized, o.Do(request(tc.method, tc.path, tc.body)).Code, name)
		assert.Equal(t, "permission_denied", problem(t, plain.do(tc.method, tc.path, tc.body)).Code, name)
		for held, c := range callers {
			w := c.do(tc.method, tc.path, tc.body)
			if len(tc.needs) == 1 && tc.needs[0] == held {
				assert.Less(t, w.Code, 300, "%s with %s: %s", name, held, w.Body.String())
			} else {
				assert.Equal(t, "permission_denied", problem(t, w).Code, "%s with %s", name, held)
			}
		}
		w := o.Do(request(tc.method, tc.path, tc.body, key...))
		if strings.HasSuffix(tc.needs[0], ".write") || strings.HasSuffix(tc.path, "/check") {
			assert.Equal(t, "session_required", problem(t, w).Code, name)
		} else {
			assert.Equal(t, http.StatusOK, w.Code, name)
		}
	}
	assert.Equal(t, http.StatusOK, o.as(t, "all-reads").do("POST", "/auth/authorize/explain", `{"user_id":"u","action":"articles.read"}`).Code)
}

func TestRBACEndpointsAreOffByDefault(t *testing.T) {
	t.Parallel()
	app := start(t, adminRole())
	boss := login(t, app, app.User("admin").Email, "token")
	for _, path := range []string{"/auth/roles", "/auth/policies", "/auth/users/u/roles"} {
		assert.Equal(t, http.StatusNotFound, app.Do(request("GET", path, "", boss.headers()...)).Code)
	}
	err := authmodule.Config{HTTP: authmodule.Config{}.HTTP}.Validate()
	assert.NoError(t, err)
	var c authmodule.Config
	c.HTTP.RBACEndpoints, c.RBAC.Enabled = true, setting.Off
	assert.ErrorContains(t, c.Validate(), "auth.http.rbac_endpoints")
}

// V8.2.1: nobody raises anybody above itself.
func TestEscalationOverHTTP(t *testing.T) {
	t.Parallel()
	o := startOffice(t)
	lead, admin, friend := o.as(t, "lead"), o.as(t, "admin"), o.as(t, "billing")
	for name, tc := range map[string]struct {
		caller             caller
		method, path, body string
		code, field        string
	}{
		"permissions beyond":       {lead, "PUT", "/auth/roles/fresh", `{"permissions":["articles.read","bills.pay"]}`, "beyond_own_roles", "permissions[1]"},
		"everything":               {lead, "PUT", "/auth/roles/lead", `{"permissions":["*.*"],"inherits":["author"]}`, "beyond_own_roles", "permissions[0]"},
		"a parent beyond":          {lead, "PUT", "/auth/roles/fresh", `{"permissions":[],"inherits":["author","billing"]}`, "beyond_own_roles", "inherits[1]"},
		"a role above":             {lead, "PUT", "/auth/roles/admin", `{"permissions":[]}`, "beyond_own_roles", ""},
		"a role above to himself":  {lead, "PUT", "/auth/users/" + lead.id + "/roles/admin", "", "beyond_own_roles", ""},
		"a role above to another":  {lead, "PUT", "/auth/users/" + friend.id + "/roles/admin", "", "beyond_own_roles", ""},
		"his own role again":       {lead, "PUT", "/auth/users/" + lead.id + "/roles/lead", "", "beyond_own_roles", ""},
		"the administrator's role": {lead, "DELETE", "/auth/users/" + admin.id + "/roles/admin", "", "beyond_own_roles", ""},
		"a policy":                 {lead, "PUT", "/auth/policies/p", `{"text":"permit (principal, action, resource);"}`, "permission_denied", ""},
		"himself out":              {admin, "DELETE", "/auth/users/" + admin.id + "/roles/admin", "", "own_lockout", ""},
		"himself out by the role":  {admin, "PUT", "/auth/roles/admin", `{"permissions":["articles.read"]}`, "own_lockout", ""},
		"himself out by a policy":  {admin, "PUT", "/auth/policies/p", `{"text":"forbid (principal, action, resource);"}`, "own_lockout", ""},
	} {
		p := problem(t, tc.caller.do(tc.method, tc.path, tc.body))
		assert.Equal(t, tc.code, p.Code, "%s: %s", name, p.Detail)
		assert.Equal(t, tc.field, p.Field, name)
		assert.NotContains(t, p.Detail, "authz", name)
	}
	both := problem(t, lead.do("PUT", "/auth/roles/fresh", `{"permissions":["a.b","c.d"]}`))
	assert.Len(t, both.Errors, 2)
	assert.Equal(t, http.StatusForbidden, both.Status)
	lead.does(t, "PUT", "/auth/users/"+friend.id+"/roles/author", "")
	admin.does(t, "PUT", "/auth/users/"+admin.id+"/roles/billing", "")
	admin.does(t, "DELETE", "/auth/users/"+admin.id+"/roles/billing", "")
}

// V8.4.1, TEN-01: administrators reach their own tenant, whatever IDs and names they send.
func TestAdministrationStaysInItsTenant(t *testing.T) {
	t.Parallel()
	o := startOffice(t)
	acme, other := o.in(t, "acme", "a@example.com", "admin"), o.in(t, "other", "b@example.com", "admin")
	user := o.in(t, "other", "c@example.com", "author")
	acme.does(t, "PUT", "/auth/roles/secret", `{"permissions":["articles.read"]}`)
	acme.does(t, "PUT", "/auth/roles/author", `{"permissions":[]}`)
	acme.does(t, "PUT", "/auth/policies/secret", `{"text":"forbid (principal, action == Action::\"articles.read\", resource);"}`)
	acme.does(t, "DELETE", "/auth/users/"+user.id+"/roles/author", "")
	acme.does(t, "PUT", "/auth/users/"+user.id+"/roles/secret", "")

	assert.Equal(t, http.StatusOK, user.do("GET", "/articles", "").Code)
	assert.Equal(t, "role_not_found", problem(t, other.do("GET", "/auth/roles/secret", "")).Code)
	assert.Equal(t, "policy_not_found", problem(t, other.do("GET", "/auth/policies/secret", "")).Code)
	assert.Equal(t, "role_not_found", problem(t, other.do("DELETE", "/auth/roles/secret", "")).Code)
	assert.Equal(t, "policy_not_found", problem(t, other.do("DELETE", "/auth/policies/secret", "")).Code)
	for _, path := range []string{"/auth/roles", "/auth/policies", "/auth/policies/export", "/auth/users/" + user.id + "/roles", "/auth/roles/secret/holders"} {
		w := other.do("GET", path, "")
		answer(t, w, http.StatusOK)
		assert.NotContains(t, w.Body.String(), "secret", path)
	}
	assert.Equal(t, []any{user.id}, answer(t, other.do("GET", "/auth/roles/author/holders", ""), http.StatusOK)["user_ids"])
	assert.Empty(t, answer(t, acme.do("GET", "/auth/roles/author/holders", ""), http.StatusOK)["user_ids"])
	question := `{"user_id":"` + user.id + `","action":"articles.read"}`
	said := answer(t, acme.do("POST", "/auth/authorize/explain", question), http.StatusOK)["decision"].(map[string]any)
	assert.Equal(t, false, said["allowed"], "another tenant's account of this ID has other roles")
}

// V8.3.2, POL-02: a change counts on the very next request, by token and by cookie.
func TestChangesCountAtOnce(t *testing.T) {
	t.Parallel()
	o := startOffice(t)
	admin := o.as(t, "admin")
	for _, mode := range []string{"token", "cookie"} {
		user := o.User()
		d := login(t, o.app, user.Email, mode)
		sees := func(expected int, what string) {
			t.Helper()
			assert.Equal(t, expected, o.Do(request("GET", "/articles", "", d.headers()...)).Code, "%s %s", mode, what)
		}
		role := "/auth/users/" + user.Subject.ID + "/roles/author"
		sees(403, "before")
		admin.does(t, "PUT", role, "")
		sees(200, "assigned")
		admin.does(t, "DELETE", role, "")
		sees(403, "taken")
		admin.does(t, "PUT", role, object(t, map[string]any{"until": o.Now().Add(2 * minute)}))
		sees(200, "assigned for a while")
		admin.does(t, "PUT", "/auth/roles/author", `{"permissions":[]}`)
		sees(403, "redefined")
		admin.does(t, "DELETE", "/auth/roles/author", "")
		sees(200, "as configured")
		admin.does(t, "PUT", "/auth/policies/closed", `{"text":"forbid (principal in Role::\"author\", action == Action::\"articles.read\", resource);"}`)
		sees(403, "forbidden")
		admin.does(t, "DELETE", "/auth/policies/closed", "")
		sees(200, "no longer forbidden")
		o.Advance(2 * minute)
		sees(403, "ended")
	}
}

func TestRolesOverHTTP(t *testing.T) {
	t.Parallel()
	o := startOffice(t)
	admin := o.as(t, "admin")
	get := func(path string) map[string]any { return answer(t, admin.do("GET", path, ""), http.StatusOK) }
	admin.does(t, "PUT", "/auth/roles/editor", `{"description":"edits","permissions":["articles.**","!articles.delete"],"inherits":["author"]}`)
	editor := get("/auth/roles/editor")
	assert.Equal(t, "edits", editor["description"])
	assert.Equal(t, "store", editor["source"])
	assert.Equal(t, []any{
		map[string]any{"permission": "articles.**", "path": []any{"editor"}},
		map[string]any{"permission": "!articles.delete", "path": []any{"editor"}},
		map[string]any{"permission": "articles.read", "path": []any{"editor", "author"}},
		map[string]any{"permission": "articles.edit", "path": []any{"editor", "author"}},
	}, editor["holds"])
	admin.does(t, "PUT", "/auth/roles/author", `{"permissions":["articles.read"]}`)
	sources := map[string]any{}
	for _, one := range get("/auth/roles")["roles"].([]any) {
		role := one.(map[string]any)
		sources[role["name"].(string)] = role["source"]
		if role["name"] == "author" {
			assert.Equal(t, "configuration", role["replaces"])
		}
	}
	assert.Subset(t, sources, map[string]any{"author": "store", "editor": "store", "lead": "code", "viewer": "name"})

	for name, tc := range map[string]struct {
		method, path, body string
		status             int
		code, field        string
	}{
		"unknown":            {"GET", "/auth/roles/nosuch", "", 404, "role_not_found", ""},
		"delete unknown":     {"DELETE", "/auth/roles/nosuch", "", 404, "role_not_found", ""},
		"delete fixed":       {"DELETE", "/auth/roles/lead", "", 409, "role_fixed", ""},
		"no permissions":     {"PUT", "/auth/roles/fresh", `{"description":"x"}`, 400, "invalid_request", "permissions"},
		"misspelt":           {"PUT", "/auth/roles/fresh", `{"permissions":[],"inherit":["careful"]}`, 400, "invalid_request", "inherit"},
		"malformed":          {"PUT", "/auth/roles/fresh", `{"permissions":["a.b","c","d"]}`, 400, "invalid_request", "permissions[1]"},
		"wrong type":         {"PUT", "/auth/roles/fresh", `{"permissions":"a.b"}`, 400, "invalid_request", "permissions"},
		"unknown parent":     {"PUT", "/auth/roles/fresh", `{"permissions":[],"inherits":["author","nosuch"]}`, 400, "invalid_request", "inherits[1]"},
		"circle":             {"PUT", "/auth/roles/author", `{"permissions":[],"inherits":["editor"]}`, 400, "invalid_request", "inherits"},
		"itself":             {"PUT", "/auth/roles/fresh", `{"permissions":[],"inherits":["fresh"]}`, 400, "invalid_request", "inherits"},
		"name":               {"PUT", "/auth/roles/Fresh%20one", `{"permissions":[]}`, 400, "invalid_request", "name"},
		"name with a NUL":    {"PUT", "/auth/roles/a%00", `{"permissions":[]}`, 400, "invalid_request", "name"},
		"long description":   {"PUT", "/auth/roles/fresh", `{"permissions":[],"description":"` + strings.Repeat("x", 1025) + `"}`, 400, "invalid_request", "description"},
		"description of NUL": {"PUT", "/auth/roles/fresh", `{"permissions":[],"description":"\u0000"}`, 400, "invalid_request", "description"},
		"no JSON":            {"PUT", "/auth/roles/fresh", `permissions`, 400, "invalid_json", ""},
		"large":              {"PUT", "/auth/roles/fresh", `{"x":"` + strings.Repeat("x", 1<<16) + `"}`, 413, "body_too_large", ""},
		"holders, limit":     {"GET", "/auth/roles/author/holders?limit=1001", "", 400, "invalid_request", "limit"},
		"holders, after":     {"GET", "/auth/roles/author/holders?after=%00", "", 400, "invalid_request", "after"},
		"holders, name":      {"GET", "/auth/roles/%00/holders", "", 400, "invalid_request", "name"},
	} {
		p := problem(t, admin.do(tc.method, tc.path, tc.body))
		assert.Equal(t, tc.status, p.Status, name)
		assert.Equal(t, tc.code, p.Code, name)
		assert.Equal(t, tc.field, p.Field, name)
	}
	admin.does(t, "PUT", "/auth/roles/base", `{"permissions":[]}`)
	admin.does(t, "PUT", "/auth/roles/base", admin.do("GET", "/auth/roles/base", "").Body.String())
	admin.does(t, "PUT", "/auth/roles/heir", `{"permissions":[],"inherits":["base"]}`)
	used := problem(t, admin.do("DELETE", "/auth/roles/base", ""))
	assert.Equal(t, "role_in_use", used.Code)
	assert.Contains(t, used.Detail, "heir")
	admin.does(t, "PUT", "/auth/policies/p", `{"text":"permit (principal in Role::\"heir\", action == Action::\"articles.read\", resource);"}`)
	conflict := problem(t, admin.do("DELETE", "/auth/roles/heir", ""))
	assert.Equal(t, "policies_conflict", conflict.Code)
	assert.NotEmpty(t, conflict.Errors)
}

func TestAssignmentsOverHTTP(t *testing.T) {
	t.Parallel()
	o := startOffice(t)
	admin, user := o.as(t, "admin"), o.as(t)
	roles := "/auth/users/" + user.id + "/roles"
	get := func(path string) map[string]any { return answer(t, admin.do("GET", path, ""), http.StatusOK) }
	assert.Equal(t, map[string]any{"assignments": []any{}, "default_role": "viewer"}, get(roles))
	until := o.Now().UTC().Add(minute).Format("2006-01-02T15:04:05Z07:00")
	admin.does(t, "PUT", roles+"/billing", `{"until":"`+until+`"}`)
	admin.does(t, "PUT", roles+"/author", "")
	_, err := o.AuthorizationService.SyncGroups(t.Context(), authn.Subject{ID: user.id}, "ldap", []string{"press"})
	require.NoError(t, err)
	assert.Equal(t, map[string]any{"assignments": []any{
		map[string]any{"role": "author", "source": "", "until": nil}, map[string]any{"role": "billing", "source": "", "until": until},
	}}, get(roles))
	for name, tc := range map[string]struct {
		method, path, body string
		code, field        string
	}{
		"unknown role":  {"PUT", roles + "/nosuch", "", "role_not_found", ""},
		"past":          {"PUT", roles + "/billing", `{"until":"2001-01-01T00:00:00Z"}`, "invalid_request", "until"},
		"no time":       {"PUT", roles + "/billing", `{"until":"tomorrow"}`, "invalid_request", "until"},
		"empty time":    {"PUT", roles + "/billing", `{"until":""}`, "invalid_request", "until"},
		"number":        {"PUT", roles + "/billing", `{"until":1}`, "invalid_request", "until"},
		"misspelt":      {"PUT", roles + "/billing", `{"till":"2030-01-31T12:00:00Z"}`, "invalid_request", "till"},
		"year 10000":    {"PUT", roles + "/billing", `{"until":"9999-12-31T23:59:59-01:00"}`, "invalid_request", "until"},
		"year 0":        {"PUT", roles + "/billing", `{"until":"0001-01-01T00:00:00+01:00"}`, "invalid_request", "until"},
		"the zero time": {"PUT", roles + "/billing", `{"until":"0001-01-01T00:00:00Z"}`, "invalid_request", "until"},
		"an ID of NUL":  {"GET", "/auth/users/%00/roles", "", "invalid_request", "id"},
		"a long ID":     {"PUT", "/auth/users/" + strings.Repeat("x", 257) + "/roles/author", "", "invalid_request", "id"},
		"no UTF-8":      {"DELETE", "/auth/users/%FF/roles/author", "", "invalid_request", "id"},
	} {
		w := admin.do(tc.method, tc.path, tc.body)
		require.GreaterOrEqual(t, w.Code, 400, name)
		p := problem(t, w)
		assert.Equal(t, tc.code, p.Code, name)
		assert.Equal(t, tc.field, p.Field, name)
	}
	admin.does(t, "DELETE", roles+"/author", "")
	admin.does(t, "DELETE", roles+"/author", "")

	var all []any
	for range 3 {
		all = append(all, o.as(t, "author").id)
	}
	seen, path := []any{}, "/auth/roles/author/holders?limit=2"
	for path != "" {
		page := get(path)
		seen, path = append(seen, page["user_ids"].([]any)...), ""
		if next, more := page["next"]; more {
			path = "/auth/roles/author/holders?limit=2&after=" + next.(string)
		}
	}
	assert.ElementsMatch(t, all, seen)
}

func TestRouteTableListsAdministration(t *testing.T) {
	t.Parallel()
	o := startOffice(t)
	table := o.Routes().String()
	for _, line := range []string{"PUT /auth/roles/:name login", "GET /auth/policies/export auth", "POST /auth/authorize/explain auth"} {
		assert.Contains(t, strings.Join(strings.Fields(table), " "), line)
	}
	text, err := o.Routes().OpenAPI("")
	require.NoError(t, err)
	assert.Contains(t, string(text), `"/auth/users/{id}/roles/{name}"`)
}

// An ID is the same account however its client escapes it: taking a role from another one would leave it where it is.
func TestEscapedAccounts(t *testing.T) {
	t.Parallel()
	o := startOffice(t)
	admin, ctx := o.as(t, "admin"), t.Context()
	for id, path := range map[string]string{
		"okta:00u1": "okta%3A00u1", "ada@example.com": "ada%40example.com", "a/b": "a%2Fb", "a%3Ab": "a%253Ab", "é:x": "%C3%A9%3Ax", "plain": "%70lain",
	} {
		s := authn.Subject{ID: id}
		require.NoError(t, o.AuthorizationService.Assign(ctx, authn.Principal{}, s, "author"))
		body := answer(t, admin.do("GET", "/auth/users/"+path+"/roles", ""), http.StatusOK)
		assert.Len(t, body["assignments"], 1, path)
		admin.does(t, "DELETE", "/auth/users/"+path+"/roles/%61uthor", "")
		left, err := o.AuthorizationService.Assignments(ctx, s)
		require.NoError(t, err)
		assert.Empty(t, left, path)
	}
}
