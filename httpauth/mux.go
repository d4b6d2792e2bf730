package httpauth

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"sync"

	"github.com/authmodule/authmodule/transport"
)

// Mux is an http.ServeMux that can say which routes it has, which that of the standard library cannot. Make it by [NewMux]. It is safe for concurrent use.
//
//	mux := httpauth.NewMux()
//	mux.Handle("GET /me", httpauth.RequireAuth()(http.HandlerFunc(me)))
//	err := mux.Mount(auth)
//	err = auth.CheckRoutes(ctx, mux.Walk)
//	server := http.Server{Handler: auth.Authenticate(mux)}
type Mux struct {
	mux    http.ServeMux
	mu     sync.Mutex
	routes []muxRoute
}

type muxRoute struct {
	pattern string
	handler http.Handler
}

// NewMux returns a Mux without routes.
func NewMux() *Mux { return &Mux{} }

// Mount adds the module's routes, as [Mount] does. It is meant for fx.Invoke((*httpauth.Mux).Mount).
func (m *Mux) Mount(a *Auth) error {
	if m == nil || a == nil {
		return errors.New("httpauth: Mount needs an *httpauth.Mux and an *httpauth.Auth in the graph")
	}
	return a.mount(m)
}

// Handle adds a route; see [http.ServeMux.Handle], which panics at a pattern that is malformed or taken, and so does this.
func (m *Mux) Handle(pattern string, h http.Handler) {
	m.mux.Handle(pattern, h)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.routes = append(m.routes, muxRoute{pattern, h})
}

// HandleFunc adds a route without a guard.
func (m *Mux) HandleFunc(pattern string, h func(http.ResponseWriter, *http.Request)) {
	m.Handle(pattern, http.HandlerFunc(h))
}

// ServeHTTP implements [http.Handler].
func (m *Mux) ServeHTTP(w http.ResponseWriter, r *http.Request) { m.mux.ServeHTTP(w, r) }

// anyMethod is the method of a route that has them all.
const anyMethod = "*"

// Walk is a [Walk] of the routes, in the order in which they were added.
func (m *Mux) Walk(visit Visit) error {
	m.mu.Lock()
	routes := slices.Clone(m.routes)
	m.mu.Unlock()
	for _, route := range routes {
		method, pattern := transport.SplitPattern(route.pattern)
		if err := visit(cmp.Or(method, anyMethod), pattern, route.handler); err != nil {
			return err
		}
	}
	return nil
}
