package doortest_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/internal/webtest"
	"github.com/authmodule/authmodule/transport"
)

// guarded are routes with every guard, alone and together.
func guarded() (out []route) {
	add := func(path string, list ...guard) {
		for _, method := range []string{"GET", "POST", "HEAD"} {
			if method != "HEAD" || path == "/auth-only" {
				out = append(out, route{method: method, path: path, guards: list, handle: who})
			}
		}
	}
	add("/none")
	add("/public", guard{transport.KindPublic, nil})
	add("/optional", guard{transport.KindOptional, nil})
	add("/auth-only", guard{transport.KindAuth, nil})
	add("/with/{id}", guard{transport.KindAuth, nil})
	add("/role", guard{transport.KindRoles, []string{"reader"}})
	add("/any-role", guard{transport.KindRoles, []string{"nobody", "editor"}})
	add("/no-role", guard{transport.KindRoles, nil})
	add("/read", guard{transport.KindPermissions, []string{"articles.read"}})
	add("/all", guard{transport.KindPermissions, []string{"articles.read", "articles.write"}})
	add("/pattern", guard{transport.KindPermissions, []string{"articles.*"}})
	add("/any", guard{transport.KindAnyPermission, []string{"articles.delete", "articles.write"}})
	add("/scope", guard{transport.KindScopes, []string{"articles.read"}})
	add("/both", guard{transport.KindRoles, []string{"reader"}}, guard{transport.KindPermissions, []string{"articles.write"}})
	add("/public-within", guard{transport.KindAuth, nil}, guard{transport.KindPublic, nil})
	return out
}

// credentials are the headers of every state that a caller can be in.
func credentials(h *house) map[string][]string {
	stale := h.Token(h.Principal("admin"))
	h.Advance(31 * time.Minute)
	reader, editor := h.Principal("reader"), h.Principal("editor")
	cookie := webtest.Sent(h.Cookie(editor))
	return map[string][]string{
		"anonymous":       nil,
		"viewer":          webtest.Bearer(h.Token(h.Principal())),
		"reader":          webtest.Bearer(h.Token(reader)),
		"editor":          webtest.Bearer(h.Token(editor)),
		"admin":           webtest.Bearer(h.Token(h.Principal("admin"))),
		"expired":         webtest.Bearer(stale),
		"malformed":       webtest.Bearer("x"),
		"no token":        {"Authorization", "Bearer"},
		"two headers":     append(webtest.Bearer("x"), webtest.Bearer("x")...),
		"key":             {"Authorization", "ApiKey " + h.APIKey(editor)},
		"reading key":     {"Authorization", "ApiKey " + h.APIKey(editor, "articles.read")},
		"no key":          {"Authorization", "ApiKey x"},
		"cookie":          cookie,
		"own site":        append([]string{"Sec-Fetch-Site", "same-origin"}, cookie...),
		"other site":      append([]string{"Sec-Fetch-Site", "cross-site"}, cookie...),
		"dead cookie":     {"Cookie", transport.CookieName + "=x"},
		"dead, by script": {"Cookie", transport.CookieName + "=x", "Sec-Fetch-Mode", "cors"},
		"two cookies":     {"Cookie", transport.CookieName + "=x; " + transport.CookieName + "=y"},
	}
}

// Every guard answers every caller the same at every door.
func TestGuardsAnswerAlike(t *testing.T) {
	t.Parallel()
	for _, profile := range []authmodule.Profile{authmodule.ProfileDevelopment, authmodule.ProfileStaging} { // which names what was missing, or does not
		t.Run(string(profile), func(t *testing.T) {
			t.Parallel()
			h := open(t, plan{routes: guarded(), change: staging(profile)})
			for state, headers := range credentials(h) {
				for _, r := range guarded() {
					t.Log(state)
					h.same(t, query{method: r.method, path: strings.Replace(r.path, "{id}", "7", 1), headers: headers})
				}
			}
		})
	}
}

// What they answer is what it should be.
func TestGuardsAnswer(t *testing.T) {
	t.Parallel()
	h := open(t, plan{routes: guarded()})
	states := credentials(h)
	testCases := []struct {
		path string
		// expected are the statuses of the callers named below.
		expected [11]int
	}{
		{"/none", [11]int{200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200}},
		{"/public", [11]int{200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200}},
		{"/optional", [11]int{200, 200, 200, 200, 401, 401, 200, 200, 401, 200, 403}},
		{"/auth-only", [11]int{401, 200, 200, 200, 401, 401, 200, 200, 401, 401, 403}},
		{"/with/7", [11]int{401, 200, 200, 200, 401, 401, 200, 200, 401, 401, 403}},
		{"/role", [11]int{401, 403, 200, 200, 401, 401, 200, 403, 401, 401, 403}},
		{"/any-role", [11]int{401, 403, 403, 200, 401, 401, 200, 403, 401, 401, 403}},
		{"/no-role", [11]int{401, 500, 500, 500, 401, 401, 500, 500, 401, 401, 403}},
		{"/read", [11]int{401, 403, 200, 200, 401, 401, 200, 200, 401, 401, 403}},
		{"/all", [11]int{401, 403, 403, 200, 401, 401, 200, 403, 401, 401, 403}},
		{"/pattern", [11]int{401, 500, 500, 500, 401, 401, 500, 500, 401, 401, 403}},
		{"/any", [11]int{401, 403, 403, 200, 401, 401, 200, 403, 401, 401, 403}},
		{"/scope", [11]int{401, 200, 200, 200, 401, 401, 200, 200, 401, 401, 403}},
		{"/both", [11]int{401, 403, 403, 200, 401, 401, 200, 403, 401, 401, 403}},
		{"/public-within", [11]int{401, 200, 200, 200, 401, 401, 200, 200, 401, 401, 403}},
	}
	callers := []string{"anonymous", "viewer", "reader", "editor", "expired", "malformed", "cookie", "reading key", "no key", "dead cookie", "other site"}
	for _, tc := range testCases {
		for i, caller := range callers {
			for _, door := range h.doors {
				w := door.ask(post(tc.path, "", states[caller]...))
				assert.Equal(t, tc.expected[i], w.Code, "%s: %s as %s: %s", door.name, tc.path, caller, w.Body)
				codeOf(t, w)
			}
		}
	}
}

// A guard where nothing authenticates lets nobody through, but for a public route.
func TestGuardsWhereNothingAuthenticates(t *testing.T) {
	t.Parallel()
	h := open(t, plan{})
	for _, r := range guarded() {
		bare := r.plain(article)
		for _, headers := range [][]string{nil, webtest.Bearer(h.Token(h.Principal("admin")))} {
			w := opened{"bare", bare}.ask(query{method: "GET", path: "/", headers: headers})
			if r.path == "/none" || r.path == "/public" {
				assert.Equal(t, http.StatusOK, w.Code, r.path)
				continue
			}
			assert.Equal(t, "not_mounted", codeOf(t, w), r.path)
		}
	}
}
