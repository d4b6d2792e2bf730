package transport

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
)

// Route is one row of a [RouteTable].
type Route struct {
	// Host is the virtual host that the route is for; empty is any.
	Host   string `json:"host,omitempty"`
	Method string `json:"method"`
	// Path is the pattern as the router has it.
	Path string `json:"path"`
	// Requires is what all guards before the handler want, in the order in which they answer: the router's, the groups', the route's.
	Requires []Guarding `json:"requires"`
	// Own routes are the module's.
	Own bool `json:"own,omitempty"`
	// Unseen says why the route's guards are not known. It is empty when they are.
	Unseen string `json:"unseen,omitempty"`
	// Unmounted says that a guard answers 500, because nothing authenticates before it.
	Unmounted bool `json:"unmounted,omitempty"`
	// Others counts the middlewares of the route and its groups that are not guards. They may wrap one.
	Others int `json:"-"`
}

// Declared reports whether the route is guarded, or public on purpose.
func (r Route) Declared() bool { return r.Unseen == "" && len(r.Requires) > 0 }

func (r Route) requirement() string {
	switch {
	case r.Unseen != "":
		return "UNDECLARED: " + r.Unseen
	case len(r.Requires) == 0:
		return "UNDECLARED"
	}
	texts := make([]string, len(r.Requires))
	for i, want := range r.Requires {
		texts[i] = want.String()
	}
	if r.Unmounted {
		return strings.Join(texts, "; ") + " (NOT MOUNTED)"
	}
	return strings.Join(texts, "; ")
}

// RouteTable is what every route of an application requires. [Gate.RouteTable] makes it. Its String is for people, its
// JSON an array of [Route], and [RouteTable.OpenAPI] says it to clients.
type RouteTable struct {
	// Adapter is the package whose guards the routes have, such as echoauth.
	Adapter string
	// Routes are ordered by host, path and method.
	Routes  []Route
	schemes []scheme
}

// RouteTable returns the table of an adapter's routes.
func (g *Gate) RouteTable(adapter string, routes []Route) RouteTable {
	routes = slices.Clone(routes)
	slices.SortStableFunc(routes, func(a, b Route) int {
		return cmp.Or(strings.Compare(a.Host, b.Host), strings.Compare(a.Path, b.Path), strings.Compare(a.Method, b.Method))
	})
	return RouteTable{Adapter: adapter, Routes: routes, schemes: g.schemes()}
}

// String returns one line for each route: method, host and path, requirement.
func (t RouteTable) String() string {
	const padding = 2
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, padding, ' ', 0)
	for _, r := range t.Routes {
		_, _ = fmt.Fprintf(w, "%s\t%s%s\t%s\n", r.Method, r.Host, r.Path, r.requirement())
	}
	_ = w.Flush()
	return text.String()
}

// MarshalJSON returns the routes as an array.
func (t RouteTable) MarshalJSON() ([]byte, error) {
	return json.Marshal(append([]Route{}, t.Routes...))
}
