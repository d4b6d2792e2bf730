package doortest_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/fxtest"
	"github.com/authmodule/authmodule/internal/webtest"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/transport"
)

// house is one application, of one store and one gate, with all doors open.
type house struct {
	*fxtest.App
	gate  *transport.Gate
	doors []opened
	log   *webtest.Logs
}

type opened struct {
	name string
	http.Handler
}

// plan is what a house is made of.
type plan struct {
	routes  []route
	extra   []transport.Endpoint
	change  func(*authmodule.Config)
	options []fx.Option
	// resource finds what a guard on resources is about, by its ID; nil is article.
	resource lookup
}

// lookup finds a resource; its attribute owner is the owner's ID.
type lookup func(id string) (authz.Resource, error)

func (l lookup) owner(id string) (authn.Subject, error) {
	r, err := l(id)
	owner, _ := r.Attributes["owner"].(string)
	return authn.Subject{ID: owner}, err
}

func roles() fx.Option {
	return authmodule.AddRoles(
		authz.Role{Name: "viewer"},
		authz.Role{Name: "reader", Permissions: []string{"articles.read"}},
		authz.Role{Name: "editor", Permissions: []string{"articles.write"}, Inherits: []string{"reader"}},
		authz.Role{Name: "admin", Permissions: []string{"*.*"}, Inherits: []string{"editor"}},
	)
}

// staging is a change to the profile, with what a strict one wants.
func staging(profile authmodule.Profile) func(*authmodule.Config) {
	return func(c *authmodule.Config) {
		c.Profile, c.HTTP.PublicURL = profile, "https://app.example.com"
		c.JWT.SecretKey = setting.Secret("Kq7mXv2RtY9uWc4ZbNfHs6LgJd3PaEoT0iUx1SyVzQ8=")
		c.Password = authn.PasswordConfig{MemoryKiB: authn.DefaultMemoryKiB, Iterations: 2}
	}
}

func open(t testing.TB, p plan) *house {
	t.Helper()
	h := &house{log: &webtest.Logs{}}
	change := func(c *authmodule.Config) {
		if p.change != nil {
			p.change(c)
		}
	}
	h.App = fxtest.NewConfigured(t, change, append(p.options, roles(), fx.Populate(&h.gate),
		fx.Provide(func() *slog.Logger { return slog.New(slog.NewTextHandler(h.log, nil)) }))...)
	if p.resource == nil {
		p.resource = article
	}
	for _, d := range doors() {
		h.doors = append(h.doors, opened{d.name, d.open(t, h.gate, p.extra, p.routes, p.resource)})
	}
	return h
}

// ask sends one request to a door.
func (o opened) ask(q query) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r := webtest.Request(q.method, q.path, q.body, q.headers...)
	if q.from != "" {
		r.RemoteAddr = q.from + ":1234"
	}
	o.ServeHTTP(w, r)
	return w
}

// query is a request that can be made again.
type query struct {
	method, path, body string
	headers            []string
	// from is the address of the client; 192.0.2.1 if it is empty.
	from string
}

func get(path string, headers ...string) query {
	return query{method: "GET", path: path, headers: headers}
}

func post(path, body string, headers ...string) query {
	return query{method: "POST", path: path, body: body, headers: headers}
}

func (q query) String() string { return fmt.Sprint(q.method, " ", q.path, " ", q.headers) }

// same sends the request to every door, holds their answers to be the same but for what is drawn anew, and returns the first's.
func (h *house) same(t testing.TB, q query) *httptest.ResponseRecorder {
	t.Helper()
	first := h.doors[0].ask(q)
	for _, other := range h.doors[1:] {
		require.Equal(t, masked(seen(first)), masked(seen(other.ask(q))), "%s answers %s otherwise than %s", other.name, q, h.doors[0].name)
	}
	return first
}

// flow runs the same steps at every door and holds the answers to be the same but for what is drawn anew.
func (h *house) flow(t testing.TB, run func(c *client)) {
	t.Helper()
	var first []string
	for i, door := range h.doors {
		c := &client{t: t, door: door, house: h, email: fmt.Sprintf("door%d@example.com", i)}
		run(c)
		if i == 0 {
			first = c.answers
			continue
		}
		require.Equal(t, first, c.answers, "%s against %s", door.name, h.doors[0].name)
	}
}

// client goes through one door and writes down what it answers.
type client struct {
	t       testing.TB
	house   *house
	door    opened
	email   string
	answers []string
}

// do asks, and expects the status.
func (c *client) do(status int, q query) *httptest.ResponseRecorder {
	c.t.Helper()
	w := c.door.ask(q)
	require.Equal(c.t, status, w.Code, "%s: %s: %s", c.door.name, q, w.Body)
	c.answers = append(c.answers, masked(seen(w)))
	return w
}

func (c *client) login(mode string) string {
	return fmt.Sprintf(`{"email":%q,"password":%q,"mode":%q}`, c.email, fxtest.Password, mode)
}

// member reads a member of a JSON answer.
func (c *client) member(w *httptest.ResponseRecorder, name string) string {
	c.t.Helper()
	var object map[string]any
	require.NoError(c.t, json.Unmarshal(w.Body.Bytes(), &object))
	text, ok := object[name].(string)
	require.True(c.t, ok, "%s in %s", name, w.Body)
	return text
}

// sessionCookie is the header that sends back the session cookie of an answer.
func (c *client) sessionCookie(w *httptest.ResponseRecorder) []string {
	c.t.Helper()
	i := slices.IndexFunc(w.Result().Cookies(), func(c *http.Cookie) bool { return c.Name == transport.CookieName })
	require.GreaterOrEqual(c.t, i, 0, "%s: no session cookie in %v", c.door.name, w.Header())
	return webtest.Sent(w.Result().Cookies()[i])
}

// seen is all that a caller sees of an answer: the status, every header field and the body.
func seen(w *httptest.ResponseRecorder) string {
	header, _ := json.MarshalIndent(w.Header(), "", " ") // texts always marshal, sorted by name
	return fmt.Sprintf("%d\n%s\n%s", w.Code, header, w.Body)
}

// drawn are the texts that are made anew each time: credentials, identifiers, decisions, addresses. Words as long as these are
// let be.
var drawn = regexp.MustCompile(`[A-Za-z0-9_-]{20,}(\.[A-Za-z0-9_-]+)*|door\d@example\.com|"decision":"[0-9a-f]{16}"`)

func masked(text string) string {
	words := []string{"X-Content-Type-Options", "Content-Security-Policy", "unsupported_media_type"}
	return drawn.ReplaceAllStringFunc(text, func(found string) string {
		if slices.Contains(words, found) {
			return found
		}
		return "*"
	})
}

// codeOf is the code of a problem, which must be a proper one; empty for an answer that is none.
func codeOf(t testing.TB, w *httptest.ResponseRecorder) string {
	t.Helper()
	if w.Code < http.StatusBadRequest {
		return ""
	}
	p, err := webtest.Problem(w)
	require.NoError(t, err)
	assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
	return p.Code
}

// who answers with the caller's ID, found in both ways, and the parameter id.
func who(x exchange) error {
	if other := authn.PrincipalFrom(x.r.Context()); other.Subject != x.principal.Subject {
		return errors.New("the request's context has another principal")
	}
	x.w.Header().Set("Content-Type", "text/plain")
	_, err := fmt.Fprint(x.w, "in ", x.principal.Subject.ID, " ", x.r.PathValue("id"))
	return err
}
