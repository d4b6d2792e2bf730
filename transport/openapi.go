package transport

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// scheme is a way to authenticate, by the words of OpenAPI.
type scheme struct {
	id string
	// limited credentials cannot log out or manage sessions; see [NeedLogin].
	limited                bool
	typ, scheme, in, named string
}

// schemes are the ways that the gate knows. Those of the application's own authenticators are not among them.
func (g *Gate) schemes() []scheme {
	all := []scheme{{id: "bearer", typ: "http", scheme: "bearer"}}
	if g.deps.APIKeys != nil {
		all = append(all, scheme{id: "api_key", limited: true, typ: "http", scheme: "ApiKey"})
	}
	return append(all, scheme{id: "cookie", typ: "apiKey", in: "cookie", named: g.cookie.name()})
}

type openAPIScheme struct {
	Type   string `json:"type"`
	Scheme string `json:"scheme,omitempty"`
	In     string `json:"in,omitempty"`
	Name   string `json:"name,omitempty"`
}

// openAPIOperation has no security when the route is undeclared: nothing is known to say.
type openAPIOperation struct {
	Security   *[]map[string][]string `json:"security,omitempty"`
	Requires   []Guarding             `json:"x-requires,omitempty"`
	Undeclared bool                   `json:"x-undeclared,omitempty"`
}

type openAPI struct {
	Paths      map[string]map[string]openAPIOperation `json:"paths"`
	Components struct {
		SecuritySchemes map[string]openAPIScheme `json:"securitySchemes"`
	} `json:"components"`
}

// OpenAPI returns the paths of one host, and the security schemes, as a part of an OpenAPI 3.1 document to merge into the
// application's own. Security says how to authenticate and lists the permissions that are all needed; x-requires says all that the
// guards want, in order. Methods that OpenAPI does not know are left out.
func (t RouteTable) OpenAPI(host string) ([]byte, error) {
	doc := openAPI{Paths: map[string]map[string]openAPIOperation{}}
	doc.Components.SecuritySchemes = map[string]openAPIScheme{}
	for _, s := range t.schemes {
		doc.Components.SecuritySchemes[s.id] = openAPIScheme{Type: s.typ, Scheme: s.scheme, In: s.in, Name: s.named}
	}
	for _, r := range t.Routes {
		if r.Host != host || !openAPIMethod(r.Method) {
			continue
		}
		path := openAPIPath(r.Path)
		if doc.Paths[path] == nil {
			doc.Paths[path] = map[string]openAPIOperation{}
		}
		doc.Paths[path][strings.ToLower(r.Method)] = t.operation(r)
	}
	return json.Marshal(doc)
}

func (t RouteTable) operation(r Route) openAPIOperation {
	if !r.Declared() {
		return openAPIOperation{Undeclared: true}
	}
	security := t.security(r.Requires)
	return openAPIOperation{Security: &security, Requires: r.Requires}
}

// security is an alternative for each way to authenticate, an empty one if none is needed, and none at all on a public route.
func (t RouteTable) security(wants []Guarding) []map[string][]string {
	public, optional, login := true, false, false
	names := []string{}
	for _, want := range wants {
		public = public && want.Kind == KindPublic
		optional = optional || want.Kind == KindOptional
		login = login || slices.Contains([]GuardKind{KindLogin, KindSession, KindMFA, KindRecentAuth, KindACR}, want.Kind)
		if want.Kind == KindPermissions || want.Kind == KindScopes {
			names = append(names, want.Names...)
		}
	}
	alternatives := []map[string][]string{}
	if public {
		return alternatives
	}
	if optional && !authenticates(wants) {
		alternatives = append(alternatives, map[string][]string{})
	}
	for _, s := range t.schemes {
		if !login || !s.limited {
			alternatives = append(alternatives, map[string][]string{s.id: names})
		}
	}
	return alternatives
}

// authenticates reports whether one of the guards refuses the anonymous.
func authenticates(wants []Guarding) bool {
	for _, want := range wants {
		if want.Kind != KindPublic && want.Kind != KindOptional {
			return true
		}
	}
	return false
}

func openAPIMethod(method string) bool {
	switch method {
	case http.MethodGet, http.MethodPut, http.MethodPost, http.MethodDelete, http.MethodOptions, http.MethodHead, http.MethodPatch, http.MethodTrace:
		return true
	}
	return false
}

// openAPIPath writes parameters in braces: those of Echo, such as :id and *, and those of net/http, such as {path...} and {$}.
func openAPIPath(pattern string) string {
	segments := strings.Split(strings.TrimSuffix(pattern, "{$}"), "/")
	for i, segment := range segments {
		before, name, found := strings.Cut(segment, ":")
		switch {
		case strings.HasSuffix(before, `\`):
			segments[i] = strings.ReplaceAll(segment, `\:`, ":")
		case found:
			segments[i] = before + "{" + name + "}"
		case strings.HasSuffix(segment, "*"):
			segments[i] = strings.TrimSuffix(segment, "*") + "{path}"
		case strings.HasSuffix(segment, "...}"):
			segments[i] = strings.TrimSuffix(segment, "...}") + "}"
		}
	}
	return strings.Join(segments, "/")
}
