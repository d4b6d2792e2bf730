package transport

import (
	"net/http"
	"net/url"
	"strings"
)

// setParameters has the handler of an endpoint find the parameters of the path decoded. Echo and chi hand them on as they were
// written when something in the path is escaped that need not be, so that an ID would name another account than the one meant.
func (g *Gate) setParameters(r *http.Request, e Endpoint) {
	if r.URL.RawPath == "" { // the router had the decoded path
		return
	}
	names, values := strings.Split(g.Route(e), "/"), strings.Split(r.URL.EscapedPath(), "/")
	above := len(values) - len(names) // more than none where a prefix was not stripped
	if above < 0 {
		return
	}
	for i, name := range names {
		value, err := url.PathUnescape(values[above+i])
		if name, found := strings.CutPrefix(name, "{"); found && err == nil {
			r.SetPathValue(strings.TrimSuffix(name, "}"), value)
		}
	}
}
