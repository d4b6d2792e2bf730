package transport

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// origins decides whether a browser sent a request from another origin.
type origins struct {
	check *http.CrossOriginProtection
	// trusted are the origins that may send requests as the site itself does.
	trusted []string
	// public is the application's own address, empty when it is not configured.
	public string
}

func newOrigins(cfg Config) (origins, error) {
	o := origins{check: http.NewCrossOriginProtection(), trusted: cfg.TrustedOrigins, public: cfg.PublicURL}
	for _, origin := range cfg.TrustedOrigins {
		if err := o.check.AddTrustedOrigin(origin); err != nil {
			return origins{}, fmt.Errorf("transport: trusted origin: %w", err)
		}
	}
	return o, nil
}

// CrossOrigin returns the problem of a browser request that would change state
// and comes from another origin, or nil.
//
// It is decided by [http.CrossOriginProtection], and refuses what that lets pass: a header of a browser's that is
// empty or there twice, an Origin that is spelt as no browser does, and a page of the same host by plain HTTP where the request is known to
// have come by HTTPS. A request with neither Sec-Fetch-Site nor Origin is no browser's, and passes.
func (g *Gate) CrossOrigin(r *http.Request) *Problem { return g.crossOrigin(r, r.Method) }

// crossOrigin is CrossOrigin for a route of the method, whatever a middleware made of the request's own.
func (g *Gate) crossOrigin(r *http.Request, method string) *Problem {
	if !changesState(r) && safe(method) {
		return nil
	}
	if g.origins.known(r) && g.spelt(r) && g.origins.check.Check(written(r)) == nil {
		return nil
	}
	return problem(http.StatusForbidden, "cross_origin", "a browser sent this from another origin")
}

func safe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// changesState reports a request that may change state, whatever its method says. A WebSocket handshake is a GET, but what
// it opens can be written to, and CORS does not hold it back (RFC 6455, section 10.2).
func changesState(r *http.Request) bool {
	return !safe(r.Method) || len(r.Header["Upgrade"]) > 0 || overridden(r)
}

// overridden reports a read that came as a POST, and was made a read by a middleware. Browsers send Origin and Content-Length with
// every POST, and never both with a read (Fetch, sections 3.2 and 4.6). Some proxies add a Content-Length to reads; those from links elsewhere have no Origin.
func overridden(r *http.Request) bool {
	return len(r.Header["Origin"]) > 0 && (r.ContentLength != 0 || len(r.Header["Content-Length"]) > 0)
}

// written returns r, or the write that hides behind it.
func written(r *http.Request) *http.Request {
	if !safe(r.Method) {
		return r
	}
	write := *r
	write.Method = http.MethodPost
	return &write
}

// known reports headers as a browser sends them: each once, and with a value.
func (o origins) known(r *http.Request) bool {
	for _, name := range []string{"Sec-Fetch-Site", "Origin"} {
		if values := r.Header[name]; len(values) > 1 || len(values) == 1 && values[0] == "" {
			return false
		}
	}
	return true
}

// spelt reports an Origin that is this site's as a browser writes it, where that header alone decides. A page of this host by
// plain HTTP is another's where the request is known to have come by HTTPS: anybody on the way can write it.
func (g *Gate) spelt(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" || r.Header.Get("Sec-Fetch-Site") != "" || slices.Contains(g.origins.trusted, origin) {
		return true
	}
	return origin == "https://"+r.Host || origin == "http://"+r.Host && !g.encrypted(r)
}

// encrypted reports a request that is known to have come by HTTPS.
func (g *Gate) encrypted(r *http.Request) bool {
	if r.TLS != nil || g.origins.public == "https://"+r.Host {
		return true
	}
	_, present, _ := g.cookie.read(r) // browsers send a Secure cookie by HTTPS, or to the machine itself
	return present && !g.cookie.insecure && !loopback(r.Host)
}

// loopback reports a host, with or without a port, that browsers treat as secure without HTTPS.
func loopback(host string) bool {
	name := (&url.URL{Host: host}).Hostname()
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	address, err := netip.ParseAddr(name)
	return err == nil && address.IsLoopback()
}

// unforgeable reports a request that depends on a bearer token or an API key alone: browsers
// send no such thing by themselves, so no other site can have forged it. An
// endpoint that needs no authentication, such as the login, depends on none.
func (g *Gate) unforgeable(e Endpoint, r *http.Request) bool {
	_, present, _ := g.cookie.read(r)
	return e.Need != NeedNothing && !present && g.presentsHeader(r)
}
