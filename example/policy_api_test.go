package main_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestArticlesByPolicy asks over HTTP what testdata/articles.authz.yaml says of the rules: the routes must ask them.
func TestArticlesByPolicy(t *testing.T) {
	t.Parallel()
	p := start(t, setup{})
	token := func(role string) with { access, _ := p.tokens(role + "@example.com"); return bearer(access) }
	viewer, editor, admin := token("viewer"), token("editor"), token("admin")
	add := func(as with) string {
		made := p.do("POST", "/articles", `{"title":"t","body":"b","status":"draft"}`, as)
		require.Equal(t, http.StatusCreated, made.status, made.body)
		return made.text("id")
	}
	shown := func(as with) (ids []string) {
		var all []struct{ ID string }
		require.NoError(t, json.Unmarshal([]byte(p.do("GET", "/articles", "", as).body), &all))
		for _, one := range all {
			ids = append(ids, one.ID)
		}
		return ids
	}
	own, others := add(editor), add(admin)

	// V8.2.2: what is listed and what is changed is decided for each article.
	assert.Equal(t, []string{"2", "1"}, shown(viewer))
	assert.Equal(t, []string{own, "2", "1"}, shown(editor))
	assert.Equal(t, []string{others, own, "2", "1"}, shown(admin))
	edited := p.do("PATCH", "/articles/"+own, `{"title":"new"}`, editor)
	assert.Equal(t, http.StatusOK, edited.status, edited.body)
	assert.Equal(t, []any{"new", "b", "draft"}, []any{edited.object["title"], edited.object["body"], edited.object["status"]})
	for _, tc := range []struct {
		as       with
		id       string
		expected int
	}{
		{viewer, own, 403}, {editor, others, 403}, {editor, "1", 403}, {editor, "999", 404}, {func(*http.Request) {}, own, 401}, {admin, own, 200}, {admin, "1", 200},
	} {
		assert.Equal(t, tc.expected, p.do("PATCH", "/articles/"+tc.id, `{"title":"x"}`, tc.as).status, tc.id)
	}

	// Once it is published its owner may not edit it, and may still delete it.
	assert.Equal(t, http.StatusOK, p.do("PATCH", "/articles/"+own, `{"status":"published"}`, editor).status)
	assert.Equal(t, http.StatusForbidden, p.do("PATCH", "/articles/"+own, `{"title":"x"}`, editor).status)
	assert.Equal(t, http.StatusForbidden, p.do("DELETE", "/articles/"+others, "", editor).status)
	assert.Equal(t, http.StatusNoContent, p.do("DELETE", "/articles/"+own, "", editor).status)
}

// The stream tells of no draft but the reader's own.
func TestStreamFollowsPolicies(t *testing.T) {
	t.Parallel()
	p := start(t, setup{})
	viewer, _ := p.tokens("viewer@example.com")
	admin, _ := p.tokens("admin@example.com")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.base+"/articles/live", http.NoBody)
	require.NoError(t, err)
	bearer(viewer)(r)
	stream, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer stream.Body.Close()
	lines := bufio.NewScanner(stream.Body)
	require.True(t, lines.Scan())
	require.Equal(t, "event: open", lines.Text())

	hidden := p.do("POST", "/articles", `{"title":"t","status":"draft"}`, bearer(admin)).text("id")
	seen := p.do("POST", "/articles", `{"title":"t"}`, bearer(admin)).text("id")
	for lines.Scan() && !strings.Contains(lines.Text(), `"id":"`+seen+`"`) {
		assert.NotContains(t, lines.Text(), `"id":"`+hidden+`"`)
	}
	require.NoError(t, lines.Err())
}

func TestAdminExplainsAndGivesRoles(t *testing.T) {
	t.Parallel()
	p := start(t, setup{})
	access, _ := p.tokens("admin@example.com")
	admin := bearer(access)
	viewing, _ := p.tokens("viewer@example.com")
	id := p.do("GET", "/auth/me", "", bearer(viewing)).text("id")
	user := "/admin/users/" + id

	why := p.do("GET", user+"/explain?action=articles.edit&article=1", "", admin)
	require.Equal(t, http.StatusOK, why.status, why.body)
	assert.Equal(t, "forbidden", why.text("reason"))
	assert.Contains(t, why.body, `"resource.status = \"published\""`)
	assert.Equal(t, "missing_permission", p.do("GET", user+"/explain?action=articles.write", "", admin).text("reason"))
	for path, expected := range map[string]int{
		user + "/explain?action=articles":                  400,
		user + "/explain?action=articles.edit&article=999": 404,
		"/admin/users/nobody/explain?action=articles.edit": 404,
	} {
		assert.Equal(t, expected, p.do("GET", path, "", admin).status, path)
	}

	// A role that ends counts on the very next request, and so does taking it away.
	write := func() int { return p.do("POST", "/articles", `{"title":"t"}`, bearer(viewing)).status }
	assert.Equal(t, http.StatusForbidden, write())
	assert.Equal(t, http.StatusNoContent, p.do("PUT", user+"/roles/editor?minutes=5", "", admin).status)
	assert.Equal(t, http.StatusCreated, write())
	assert.Regexp(t, `"ends":\{"editor":"20`, p.do("GET", "/admin/users", "", admin).body)
	assert.Equal(t, http.StatusNoContent, p.do("DELETE", user+"/roles/editor", "", admin).status)
	assert.Equal(t, http.StatusForbidden, write())
	assert.Equal(t, http.StatusNotFound, p.do("PUT", user+"/roles/nothing", "", admin).status)
	for _, minutes := range []string{"0", "-1", "x", "999999999999"} {
		assert.Equal(t, http.StatusBadRequest, p.do("PUT", user+"/roles/editor?minutes="+minutes, "", admin).status, minutes)
	}
	assert.Equal(t, http.StatusForbidden, p.do("PUT", user+"/roles/admin", "", bearer(viewing)).status)
}
