package doortest_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/internal/webtest"
	"github.com/authmodule/authmodule/transport"
)

const articlePolicies = `
@id("own")
permit (principal, action == Action::"articles.edit", resource is Article) when { resource.owner == principal };

@id("locked")
forbid (principal, action == Action::"articles.edit", resource is Article) when { resource.status == "locked" };

@id("office")
forbid (principal, action in [Action::"articles.export", Action::"archive.read"], resource) unless { context.ip.isInRange(ip("192.0.2.0/24")) };

@id("print")
permit (principal, action == Action::"articles.print", resource is Article) when { ["/print/:id", "/print/{id}"].contains(context.route) };

@id("no-printing-by-post")
forbid (principal, action == Action::"articles.print", resource is Article) when { context.method == "POST" };
`

// withArticles is a configuration with policies about articles.
func withArticles(profile authmodule.Profile) func(*authmodule.Config) {
	return func(c *authmodule.Config) {
		if profile.Strict() {
			staging(profile)(c)
		}
		c.RBAC.Policies = authz.PolicyConfig{
			Inline: articlePolicies,
			Resources: map[string]authz.ResourceConfig{"Article": {
				Attributes: map[string]string{"owner": "User", "status": "String"},
				Actions:    []string{"articles.edit", "articles.export", "articles.print"},
			}},
		}
		c.RBAC.Roles = map[string]authz.RoleConfig{
			"exporter": {Permissions: []string{"articles.export", "archive.read"}}, "chief": {Permissions: []string{"articles.edit", "articles.read", "notes.edit"}},
		}
	}
}

// errDatabase is one that the module does not know.
var errDatabase = errors.New("secret-canary")

// article is the resource of an ID, which is that of its owner, perhaps after a status and a dash.
func article(id string) (authz.Resource, error) {
	status, owner, found := strings.Cut(id, "~")
	if !found {
		status, owner = "draft", id
	}
	switch status {
	case "missing":
		return authz.Resource{}, transport.NotFound()
	case "broken":
		return authz.Resource{}, errDatabase
	case "success":
		return authz.Resource{}, &transport.Problem{Status: http.StatusOK, Code: "fine"}
	case "no-status":
		return authz.Resource{}, &transport.Problem{Code: "none"}
	case "nil-problem":
		return authz.Resource{}, (*transport.Problem)(nil)
	case "panic":
		panic("the resource was looked up")
	case "bare": // without an attribute that policies look at
		return authz.Resource{Type: "Article", ID: id, Attributes: authz.Attributes{"owner": owner}}, nil
	case "unknown":
		return authz.Resource{Type: "Planet", ID: id}, nil
	}
	return authz.Resource{Type: "Article", ID: id, Attributes: authz.Attributes{"owner": owner, "status": status}}, nil
}

func articleRoutes() (out []route) {
	for path, g := range map[string]guard{
		"/edit/{id}":   {transport.KindPolicy, []string{"articles.edit"}},
		"/export/{id}": {transport.KindPolicy, []string{"articles.export"}},
		"/print/{id}":  {transport.KindPolicy, []string{"articles.print"}},
		"/copy/{id}":   {transport.KindPolicy, []string{"articles.print"}},
		"/wrong/{id}":  {transport.KindPolicy, []string{"articles.*"}},
		"/mine/{id}":   {transport.KindOwner, nil},
		"/owned/{id}":  {transport.KindOwner, []string{"notes.edit"}},
		"/archive":     {transport.KindPermissions, []string{"archive.read"}},
		"/either":      {transport.KindAnyPermission, []string{"articles.delete", "archive.read"}},
	} {
		out = append(out, route{method: "GET", path: path, guards: []guard{g}, handle: who}, route{method: "POST", path: path, guards: []guard{g}, handle: who})
	}
	return out
}

// cast are the callers of the table, and the IDs of the writer and the chief.
func cast(h *house) (callers map[string][]string, writer, chiefs string) {
	w, chief := h.Principal("viewer"), h.Principal("chief")
	key := func(p authn.Principal, scopes ...string) []string {
		return []string{"Authorization", "ApiKey " + h.APIKey(p, scopes...)}
	}
	return map[string][]string{
		"anonymous": nil, "bad": webtest.Bearer("x"),
		"writer": webtest.Bearer(h.Token(w)), "cookie": webtest.Sent(h.Cookie(w)),
		"bare key": key(w), "edit key": key(chief, "articles.edit", "notes.edit"), "read key": key(chief, "articles.read"),
		"other": webtest.Bearer(h.Token(h.Principal("viewer"))), "chief": webtest.Bearer(h.Token(chief)),
		"exporter": webtest.Bearer(h.Token(h.Principal("exporter"))),
	}, w.Subject.ID, chief.Subject.ID
}

// V8.2.2, POL-01: what guards on resources answer, alike at every door: owner and other, permit and forbid, scopes, errors.
func TestGuardsOnResources(t *testing.T) {
	t.Parallel()
	for _, profile := range []authmodule.Profile{authmodule.ProfileDevelopment, authmodule.ProfileStaging} {
		t.Run(string(profile), func(t *testing.T) {
			t.Parallel()
			h := open(t, plan{routes: articleRoutes(), change: withArticles(profile)})
			callers, writer, chief := cast(h)
			names := []string{"anonymous", "bad", "writer", "cookie", "bare key", "edit key", "read key", "other", "chief", "exporter"}
			for _, tc := range []struct {
				path string
				// expected are the statuses of the callers above.
				expected [10]int
			}{
				{"/edit/ID", [10]int{401, 401, 200, 200, 403, 200, 403, 403, 200, 403}},
				{"/edit/locked~ID", [10]int{401, 401, 403, 403, 403, 403, 403, 403, 403, 403}},
				{"/edit/bare~ID", [10]int{401, 401, 403, 403, 403, 403, 403, 403, 403, 403}},
				{"/edit/unknown~ID", [10]int{401, 401, 403, 403, 403, 403, 403, 403, 403, 403}},
				{"/edit/missing~ID", [10]int{401, 401, 404, 404, 404, 404, 404, 404, 404, 404}},
				{"/export/ID", [10]int{401, 401, 403, 403, 403, 403, 403, 403, 403, 200}},
				{"/print/ID", [10]int{401, 401, 200, 200, 403, 403, 403, 200, 200, 200}},
				{"/copy/ID", [10]int{401, 401, 403, 403, 403, 403, 403, 403, 403, 403}},
				{"/wrong/ID", [10]int{401, 401, 500, 500, 500, 500, 500, 500, 500, 500}},
				{"/mine/ID", [10]int{401, 401, 200, 200, 403, 403, 403, 403, 403, 403}},
				{"/mine/CHIEF", [10]int{401, 401, 403, 403, 403, 403, 403, 403, 200, 403}},
				{"/mine/missing~ID", [10]int{401, 401, 404, 404, 404, 404, 404, 404, 404, 404}},
				{"/owned/ID", [10]int{401, 401, 200, 200, 403, 200, 403, 403, 200, 403}},
				{"/owned/CHIEF", [10]int{401, 401, 403, 403, 403, 200, 403, 403, 200, 403}},
				{"/archive", [10]int{401, 401, 403, 403, 403, 403, 403, 403, 403, 200}},
				{"/either", [10]int{401, 401, 403, 403, 403, 403, 403, 403, 403, 200}},
			} {
				path := strings.NewReplacer("ID", writer, "CHIEF", chief).Replace(tc.path)
				for i, name := range names {
					w := h.same(t, get(path, callers[name]...))
					assert.Equal(t, tc.expected[i], w.Code, "%s as %s: %s", tc.path, name, w.Body)
					code := map[int]string{401: "unauthenticated", 403: "permission_denied", 404: "not_found", 500: "internal_error"}[tc.expected[i]]
					if name != "bad" {
						assert.Equal(t, code, codeOf(t, w), "%s as %s", tc.path, name)
					}
				}
			}
		})
	}
}

// Who is refused whatever the request is about does not cause it to be looked up.
func TestResourcesAreNotLookedUpForTheAnonymous(t *testing.T) {
	t.Parallel()
	h := open(t, plan{routes: articleRoutes(), change: withArticles("")})
	callers, _, _ := cast(h)
	for _, path := range []string{"/edit/panic~x", "/mine/panic~x", "/owned/panic~x"} {
		assert.Equal(t, http.StatusUnauthorized, h.same(t, get(path)).Code, path)
		assert.Equal(t, http.StatusUnauthorized, h.same(t, get(path, callers["bad"]...)).Code, path)
		for _, door := range h.doors {
			assert.PanicsWithValue(t, "the resource was looked up", func() { door.ask(get(path, callers["writer"]...)) }, door.name)
		}
	}
}

// A look-up that fails lets nobody through and says nothing: Echo answers its own way, the others that it cannot be answered now.
func TestLookupsThatFail(t *testing.T) {
	t.Parallel()
	h := open(t, plan{routes: articleRoutes(), change: withArticles("")})
	callers, _, _ := cast(h)
	for _, path := range []string{"/edit/broken~x", "/mine/broken~x"} {
		for _, door := range h.doors {
			w := door.ask(get(path, callers["chief"]...))
			expected := http.StatusServiceUnavailable
			if strings.HasPrefix(door.name, "Echo") {
				expected = http.StatusInternalServerError
			}
			assert.Equal(t, expected, w.Code, "%s %s", door.name, path)
			assert.NotContains(t, w.Body.String(), "canary")
		}
	}
}

// A policy sees the method and the client's address; headers of a client do not change that.
func TestPoliciesSeeMethodAndAddress(t *testing.T) {
	t.Parallel()
	h := open(t, plan{routes: articleRoutes(), change: withArticles("")})
	callers, writer, _ := cast(h)
	assert.Equal(t, http.StatusOK, h.same(t, get("/print/"+writer, callers["writer"]...)).Code)
	assert.Equal(t, http.StatusForbidden, h.same(t, post("/print/"+writer, "", callers["writer"]...)).Code)
	disguised := append([]string{"X-HTTP-Method-Override", "GET"}, callers["writer"]...)
	assert.Equal(t, http.StatusForbidden, h.same(t, post("/print/"+writer, "", disguised...)).Code)
	for from, expected := range map[string]int{"192.0.2.7": 200, "198.51.100.7": 403, "": 200} {
		for _, path := range []string{"/export/" + writer, "/archive", "/either"} {
			q := get(path, append([]string{"X-Forwarded-For", "192.0.2.7", "Forwarded", "for=192.0.2.7", "X-Real-Ip", "192.0.2.7"}, callers["exporter"]...)...)
			q.from = from
			assert.Equal(t, expected, h.same(t, q).Code, "%s from %s", path, from)
		}
	}
}

// V8.2.4: a session that goes on from another address is decided anew, at the next request, and again when it comes back.
func TestAddressChangesWithinASession(t *testing.T) {
	t.Parallel()
	h := open(t, plan{routes: articleRoutes(), change: withArticles("")})
	exporter := h.Principal("exporter")
	key := []string{"Authorization", "ApiKey " + h.APIKey(exporter, "archive.read")}
	for name, headers := range map[string][]string{"cookie": webtest.Sent(h.Cookie(exporter)), "token": webtest.Bearer(h.Token(exporter)), "key": key} {
		for range 3 { // what was allowed once is not remembered
			for from, expected := range map[string]int{"192.0.2.7": 200, "198.51.100.7": 403, "2001:db8::1": 403} {
				if strings.Contains(from, ":") {
					from = "[" + from + "]"
				}
				q := query{method: "GET", path: "/archive", headers: headers, from: from}
				assert.Equal(t, expected, h.same(t, q).Code, "%s from %s", name, from)
			}
		}
	}
}

// shown writes what policies see of the request, with parameters as net/http writes them.
func shown(x exchange) error {
	e, _ := x.r.Context().Value(authz.EnvironmentKey{}).(authz.Environment)
	x.w.Header().Set("Content-Type", "text/plain")
	_, err := fmt.Fprint(x.w, "in ", e.Method, " ", strings.NewReplacer(":id", "{id}", ":rest", "{rest}").Replace(e.Route), " ", e.IP)
	return err
}

// POL-03: what a policy sees as the route is the one that matched, however the path is written.
func TestPoliciesSeeTheMatchedRoute(t *testing.T) {
	t.Parallel()
	policy := []guard{{transport.KindPolicy, []string{"articles.print"}}}
	h := open(t, plan{change: withArticles(""), routes: []route{
		{"GET", "/shown/{id}", nil, shown}, {"GET", "/shown", nil, shown}, {"GET", "/print/{id}", policy, shown}, {"GET", "/copy/{id}", policy, shown}, {"GET", "/copy/{id}/{rest}", policy, shown},
	}})
	callers, writer, _ := cast(h)
	headers := append([]string{"X-Original-Url", "/print/x", "X-Rewrite-Url", "/print/x"}, callers["writer"]...)
	assert.Equal(t, "in GET /shown/{id} 192.0.2.1", h.same(t, get("/shown/7", headers...)).Body.String())
	assert.Equal(t, "in GET /shown 192.0.2.1", h.same(t, get("/shown?x=/print/7", headers...)).Body.String())
	for _, base := range []string{"/shown/7", "/print/" + writer, "/copy/" + writer, "/copy/x/print"} {
		for _, path := range append(forms(base), "/copy/..%2fprint%2f"+writer, "/copy/%2e%2e/print/"+writer, "/copy/"+writer+"%2f..%2fprint", "/print%2f"+writer) {
			for _, door := range h.doors {
				w := door.ask(get(path, headers...))
				if w.Code != http.StatusOK {
					assert.NotContains(t, w.Body.String(), "in ", "%s %s", door.name, path)
					continue
				}
				assert.Contains(t, []string{"in GET /shown/{id} 192.0.2.1", "in GET /shown 192.0.2.1", "in GET /print/{id} 192.0.2.1"}, w.Body.String(), "%s %s", door.name, path)
			}
		}
	}
	require.Equal(t, http.StatusForbidden, h.same(t, get("/copy/"+writer, headers...)).Code)
}

// Where nothing authenticates, a guard on a resource lets nobody through, and looks nothing up.
func TestGuardsOnResourcesWhereNothingAuthenticates(t *testing.T) {
	t.Parallel()
	for _, r := range articleRoutes() {
		bare := http.NewServeMux()
		bare.Handle(r.path, r.plain(article))
		path := strings.Replace(r.path, "{id}", "panic~x", 1)
		assert.Equal(t, "not_mounted", codeOf(t, opened{"bare", bare}.ask(get(path))), r.path)
	}
}

// V16.5.3: what is no refusal is none by which anybody passes, nor an answer that says that all is well.
func TestProblemsThatAreNone(t *testing.T) {
	t.Parallel()
	h := open(t, plan{routes: articleRoutes(), change: withArticles("")})
	callers, _, _ := cast(h)
	for _, path := range []string{"/edit/", "/mine/"} {
		for _, door := range h.doors { // an error that is not known is Echo's to answer, or 503
			w := door.ask(get(path+"nil-problem~", callers["writer"]...))
			assert.GreaterOrEqual(t, w.Code, http.StatusInternalServerError, door.name)
			assert.NotEmpty(t, codeOf(t, w), door.name)
		}
		for _, id := range []string{"success~", "no-status~"} {
			w := h.same(t, get(path+id, callers["writer"]...))
			assert.Equal(t, http.StatusInternalServerError, w.Code, path+id)
			assert.Equal(t, "internal_error", codeOf(t, w), path+id)
		}
	}
}
