package httpauth

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/authmodule/authmodule/transport"
)

// Auth connects a [transport.Gate] to net/http. It is safe for concurrent use.
type Auth struct {
	gate      *transport.Gate
	endpoints []transport.Endpoint
	matched   transport.RouteFunc
}

// New returns an Auth that mounts the gate's endpoints and the extra ones.
func New(gate *transport.Gate, extra ...transport.Endpoint) (*Auth, error) {
	if gate == nil {
		return nil, errors.New("httpauth: a gate is required")
	}
	return &Auth{gate: gate, endpoints: gate.Endpoints(extra...), matched: transport.MatchedPattern}, nil
}

// WithRoute returns an Auth that asks matched which route a request matched, for policies that look at context.route. It is for
// routers that do not set [http.Request.Pattern]; http.ServeMux does, and chi since 5.5. It must answer as the router matched, and never by the path
// of the request; empty is unknown, and a policy that looks at the route denies then.
//
//	auth = auth.WithRoute(func(r *http.Request) string { return chi.RouteContext(r.Context()).RoutePattern() })
func (a *Auth) WithRoute(matched func(*http.Request) string) *Auth {
	other := *a
	other.matched = matched
	return &other
}

// Authenticate is the middleware that says who each request is from. It never answers: guards do. It belongs around the
// router, or first in it; a second one around the same request, of the same gate, does nothing.
//
// Callers whom a session cookie authenticated, or whose cookie is cleared, get a ResponseWriter that keeps the answer from
// caches where it sets the cookie. It can flush and be hijacked where the server's own can, and unwraps to that for
// [http.ResponseController]. All others get the server's own.
func (a *Auth) Authenticate(next http.Handler) http.Handler { return &authenticated{a, next} }

// authenticator returns Authenticate as a method value; see guarding.
//
//go:noinline
func (a *Auth) authenticator() func(http.Handler) http.Handler { return a.Authenticate }

// authenticated is a handler behind Authenticate. The table of routes looks into it.
type authenticated struct {
	auth *Auth
	next http.Handler
}

// ServeHTTP implements [http.Handler].
func (h *authenticated) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	gate := h.auth.gate
	if caller := transport.CallerFrom(r.Context()); caller != nil && caller.Gate() == gate {
		h.next.ServeHTTP(w, r)
		return
	}
	caller := gate.Authenticate(r)
	carrying := caller.CarryBefore(r, h.auth.matched)
	if !caller.MaySetCookie() {
		h.next.ServeHTTP(w, carrying)
		return
	}
	if stale := caller.StaleCookie(); stale != nil {
		http.SetCookie(w, stale)
	}
	kept := &cookieWriter{ResponseWriter: w}
	h.next.ServeHTTP(kept, carrying)
	kept.begin() // an answer of headers alone begins when the handler returns
}

// Register adds the module's routes by add, which gets the method, the path with parameters in braces and the handler of
// each. It is what chi's Method is: auth.Register(router.Method). A router that knows braces and sets
// [http.Request.SetPathValue] needs no more; for others there is [Auth.Handler].
func (a *Auth) Register(add func(method, path string, h http.Handler)) {
	for _, endpoint := range a.endpoints {
		add(endpoint.Method, a.gate.Route(endpoint), a.serve(endpoint))
	}
}

// Handler returns a handler of the module's routes alone, by their whole paths, for a router to send them to. It
// authenticates where nothing did before.
func (a *Auth) Handler() http.Handler {
	mux := http.NewServeMux()
	a.Register(adder(mux))
	return a.Authenticate(mux)
}

// Mount adds the module's routes to mux. It is meant for fx.Invoke; what serves mux wraps it in [Auth.Authenticate]. A path
// that is taken is an error. For a [Mux] there is its own Mount.
func Mount(mux *http.ServeMux, a *Auth) error {
	if mux == nil || a == nil {
		return errors.New("httpauth: Mount needs an *http.ServeMux and an *httpauth.Auth in the graph")
	}
	return a.mount(mux)
}

// handles is what http.ServeMux and [Mux] have.
type handles interface {
	Handle(pattern string, h http.Handler)
}

func (a *Auth) mount(mux handles) (err error) {
	defer func() {
		if what := recover(); what != nil { // the mux refuses by panicking
			err = fmt.Errorf("httpauth: mount the module's routes: %v; move yours, or set auth.http.prefix", what)
		}
	}()
	a.Register(adder(mux))
	return nil
}

func adder(mux handles) func(method, path string, h http.Handler) {
	return func(method, path string, h http.Handler) { mux.Handle(method+" "+path, h) }
}

func (a *Auth) serve(e transport.Endpoint) http.Handler { return &endpoint{a.gate, e} }

// endpoint is one of the module's routes.
type endpoint struct {
	gate *transport.Gate
	transport.Endpoint
}

// ServeHTTP implements [http.Handler].
func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if problem := e.gate.Answer(w, r, e.Endpoint, transport.CallerFrom(r.Context())); problem != nil {
		problem.Write(w, r)
	}
}
