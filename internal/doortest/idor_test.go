package doortest_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/internal/webtest"
	"github.com/authmodule/authmodule/transport"
)

// press is a sample application: notes of authors, each with fields of which not everybody may read or write all.
type press struct {
	mu     sync.Mutex
	notes  map[string]note
	fields *authz.Service
}

type note struct {
	owner  string
	fields map[string]string
}

func (p *press) find(id string) (note, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n, found := p.notes[id]
	if !found {
		return note{}, transport.NotFound()
	}
	return note{n.owner, maps.Clone(n.fields)}, nil
}

func (p *press) resource(id string) (authz.Resource, error) {
	n, err := p.find(id)
	return authz.Resource{Type: "Note", ID: id, Attributes: authz.Attributes{"owner": n.owner}}, err
}

// may are the fields that the caller may read or write.
func (p *press) may(x exchange, action string, names []string) ([]string, error) {
	return authz.Filter(x.r.Context(), p.fields, x.principal, action, names, func(name string) authz.Resource {
		return authz.Resource{Type: "Field", ID: name}
	})
}

func (p *press) read(x exchange) error {
	n, err := p.find(x.r.PathValue("id"))
	if err != nil {
		return err
	}
	names, err := p.may(x, "fields.read", slices.Sorted(maps.Keys(n.fields)))
	if err != nil {
		return err
	}
	out := map[string]string{}
	for _, name := range names {
		out[name] = n.fields[name]
	}
	x.w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(x.w).Encode(out)
}

// write changes all the fields that the body names, or nothing.
func (p *press) write(x exchange) error {
	id := x.r.PathValue("id")
	var in map[string]string
	if err := json.NewDecoder(x.r.Body).Decode(&in); err != nil {
		return &transport.Problem{Title: "Bad Request", Status: http.StatusBadRequest, Code: "invalid_request"}
	}
	names, err := p.may(x, "fields.write", slices.Collect(maps.Keys(in)))
	if err != nil {
		return err
	}
	if len(names) < len(in) {
		return &transport.Problem{Title: "Forbidden", Status: http.StatusForbidden, Code: "permission_denied"}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	maps.Copy(p.notes[id].fields, in)
	x.w.WriteHeader(http.StatusNoContent)
	return nil
}

func (p *press) remove(x exchange) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.notes, x.r.PathValue("id"))
	x.w.WriteHeader(http.StatusNoContent)
	return nil
}

const pressPolicies = `
@id("own")
permit (principal, action in [Action::"notes.read", Action::"notes.write"], resource is Note) when { resource.owner == principal };

@id("public-fields")
permit (principal, action == Action::"fields.read", resource) when { resource in [Field::"title", Field::"text"] };

@id("text")
permit (principal, action == Action::"fields.write", resource) when { resource == Field::"text" };
`

// openPress opens the doors of the application, with a note of each of two authors.
func openPress(t testing.TB) (h *house, p *press, alice, bob authn.Principal) {
	t.Helper()
	p = &press{notes: map[string]note{}}
	guards := func(kind transport.GuardKind, names ...string) []guard { return []guard{{kind, names}} }
	h = open(t, plan{
		resource: p.resource,
		routes: []route{
			{"GET", "/notes/{id}", guards(transport.KindPolicy, "notes.read"), p.read},
			{"PUT", "/notes/{id}", guards(transport.KindPolicy, "notes.write"), p.write},
			{"DELETE", "/notes/{id}", guards(transport.KindOwner, "notes.purge"), p.remove},
		},
		change: func(c *authmodule.Config) {
			c.RBAC.Policies = authz.PolicyConfig{Inline: pressPolicies, Resources: map[string]authz.ResourceConfig{
				"Note": {Attributes: map[string]string{"owner": "User"}, Actions: []string{"notes.read", "notes.write"}}, "Field": {Actions: []string{"fields.read", "fields.write"}},
			}}
			c.RBAC.Roles = map[string]authz.RoleConfig{"chief": {Permissions: []string{"notes.*", "fields.*"}}}
		},
		options: []fx.Option{fx.Populate(&p.fields)},
	})
	alice, bob = h.Principal("viewer"), h.Principal("viewer")
	for id, owner := range map[string]authn.Principal{"1": alice, "2": bob} {
		p.notes[id] = note{owner.Subject.ID, map[string]string{"title": "of " + id, "text": "secret-canary-" + id, "rating": "5"}}
	}
	return h, p, alice, bob
}

// V8.2.2: nobody reaches another's object by its ID, whatever else the request says. A request that should be refused changes nothing.
func TestObjectsOfOthers(t *testing.T) {
	t.Parallel()
	h, p, alice, bob := openPress(t)
	key := h.APIKey(h.Principal("chief"), "notes.read")
	for name, credential := range map[string][]string{
		"token": webtest.Bearer(h.Token(alice)), "cookie": append(webtest.Sent(h.Cookie(alice)), "Sec-Fetch-Site", "same-origin"), "key": {"Authorization", "ApiKey " + key},
	} {
		claims := []string{"X-User-Id", bob.Subject.ID, "X-Forwarded-User", bob.Subject.ID, "X-Resource-Id", "1", "X-Http-Method-Override", "GET"}
		for _, path := range append(forms("/notes/2"), "/notes/2?id=1", "/notes/2?owner="+alice.Subject.ID, "/notes/1/../2", "/notes/1%2f..%2f2", "/notes/2;id=1",
			"/notes/2,1", "/notes/%32", "/notes/02", "/notes/2%00", "/notes/"+url.PathEscape("2 "), "/notes/1&id=2", "/notes/*", "/notes/null") {
			for _, method := range []string{"GET", "PUT", "DELETE", "HEAD", "PATCH", "POST"} {
				if name == "key" && (method == "GET" || method == "HEAD") {
					continue // a chief may read
				}
				body := fmt.Sprintf(`{"text":"mine","id":"1","owner":%q}`, alice.Subject.ID)
				for _, door := range h.doors {
					w := door.ask(query{method: method, path: path, body: body, headers: append(claims, credential...)})
					assert.NotContains(t, w.Body.String(), "canary-2", "%s as %s: %s %s", door.name, name, method, path)
					assert.NotContains(t, []int{http.StatusOK, http.StatusNoContent}, w.Code, "%s as %s: %s %s", door.name, name, method, path)
				}
			}
		}
	}
	kept, err := p.find("2")
	require.NoError(t, err)
	assert.Equal(t, note{bob.Subject.ID, map[string]string{"title": "of 2", "text": "secret-canary-2", "rating": "5"}}, kept)
}

// What is one's own is reached; who may do it to everything does; what is not there is 404 for those alone who get that far.
func TestObjectsOfOnesOwn(t *testing.T) {
	t.Parallel()
	h, p, alice, _ := openPress(t)
	own, chief := webtest.Bearer(h.Token(alice)), webtest.Bearer(h.Token(h.Principal("chief")))
	assert.Equal(t, http.StatusUnauthorized, h.same(t, get("/notes/1")).Code)
	assert.Equal(t, http.StatusForbidden, h.same(t, get("/notes/2", own...)).Code)
	assert.Equal(t, "not_found", codeOf(t, h.same(t, get("/notes/3", own...))))
	assert.Equal(t, http.StatusUnauthorized, h.same(t, get("/notes/3")).Code)
	for _, door := range h.doors {
		p.mu.Lock()
		p.notes["9"] = note{alice.Subject.ID, map[string]string{}}
		p.notes["8"] = note{alice.Subject.ID, map[string]string{}}
		p.mu.Unlock()
		assert.Equal(t, http.StatusNoContent, door.ask(query{method: "PUT", path: "/notes/1", body: `{"text":"` + door.name + `"}`, headers: own}).Code, door.name)
		assert.Contains(t, door.ask(get("/notes/1", own...)).Body.String(), door.name)
		assert.Equal(t, http.StatusNoContent, door.ask(query{method: "DELETE", path: "/notes/9", headers: own}).Code, door.name)
		assert.Equal(t, http.StatusNoContent, door.ask(query{method: "DELETE", path: "/notes/8", headers: chief}).Code, door.name)
		assert.Equal(t, http.StatusNotFound, door.ask(get("/notes/9", own...)).Code, door.name)
	}
}

// V8.2.3: authz.Filter leaves those fields that the caller may read, and tells those that it may not write (mass assignment).
func TestFieldsOfObjects(t *testing.T) {
	t.Parallel()
	h, p, alice, _ := openPress(t)
	own, chief := webtest.Bearer(h.Token(alice)), webtest.Bearer(h.Token(h.Principal("chief")))
	assert.JSONEq(t, `{"title":"of 1","text":"secret-canary-1"}`, h.same(t, get("/notes/1", own...)).Body.String())
	assert.JSONEq(t, `{"title":"of 1","text":"secret-canary-1","rating":"5"}`, h.same(t, get("/notes/1", chief...)).Body.String())
	for _, body := range []string{`{"rating":"9"}`, `{"text":"x","rating":"9"}`, `{"owner":"x"}`, `{"Text":"x"}`, `{"text ":"x"}`} {
		w := h.same(t, query{method: "PUT", path: "/notes/1", body: body, headers: own})
		assert.Equal(t, http.StatusForbidden, w.Code, body)
	}
	kept, err := p.find("1")
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"title": "of 1", "text": "secret-canary-1", "rating": "5"}, kept.fields)
	assert.Equal(t, http.StatusNoContent, h.same(t, query{method: "PUT", path: "/notes/1", body: `{"text":"new"}`, headers: own}).Code)
	assert.Equal(t, http.StatusNoContent, h.same(t, query{method: "PUT", path: "/notes/1", body: `{"rating":"9"}`, headers: chief}).Code)
	kept, err = p.find("1")
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"title": "of 1", "text": "new", "rating": "9"}, kept.fields)
}
