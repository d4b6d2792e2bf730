package httpauth

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"strings"

	"github.com/authmodule/authmodule/transport"
)

// Visit is told of one route: its method, its pattern, its handler, and the middlewares before that, the outermost first.
type Visit = func(method, pattern string, h http.Handler, middlewares ...func(http.Handler) http.Handler) error

// Walk tells of every route of one router. That of a [Mux] is [Mux.Walk]; that of chi is
//
//	func(visit httpauth.Visit) error { return chi.Walk(router, visit) }
type Walk = func(visit Visit) error

const adapter = "httpauth"

var errNoWalk = errors.New("httpauth: there are no routes to look at: hand on the Walk of every router, such as that of httpauth.Mux")

// Routes returns what every route of the routers requires: all guards before its handler, in order. No handler is run for it, and no middleware of
// others. A guard is seen where it is a middleware of the router's, or the outermost of a handler, or directly within
// another guard; behind a middleware of others it is not. The error is that of a walk.
func (a *Auth) Routes(walks ...Walk) (transport.RouteTable, error) {
	if len(walks) == 0 {
		return transport.RouteTable{}, errNoWalk
	}
	var rows []transport.Route
	for _, walk := range walks {
		found, err := walked(walk)
		if err != nil {
			return transport.RouteTable{}, err
		}
		rows = append(rows, found...)
	}
	return a.gate.RouteTable(adapter, rows), nil
}

// CheckRoutes returns an error that lists every route that is neither guarded nor public on purpose, and every guard that nobody can pass: a
// *[transport.RouteError]. See [transport.Gate.CheckRoutes]. Call it from a test, and when the application starts: see [Auth.StartCheck].
//
// Where no route of a router has [Auth.Authenticate], it is taken to be around the router; where it is not, guards answer 500 not_mounted.
func (a *Auth) CheckRoutes(ctx context.Context, walks ...Walk) error {
	table, err := a.Routes(walks...)
	if err != nil {
		return err
	}
	return a.gate.CheckRoutes(ctx, table)
}

// StartCheck is [Auth.CheckRoutes] as auth.http.check_routes says: it returns the error in strict mode, logs it as a warning in
// the mode warn, and looks at nothing when it is off. It is meant for a start hook that stands before the listener's.
func (a *Auth) StartCheck(ctx context.Context, walks ...Walk) error {
	if len(walks) == 0 {
		return errNoWalk
	}
	return a.gate.StartCheck(ctx, func(ctx context.Context) error { return a.CheckRoutes(ctx, walks...) })
}

// walkedRoute is one route as it was found.
type walkedRoute struct {
	method, pattern string
	layers          []transport.Layer
	own             bool
}

func walked(walk Walk) ([]transport.Route, error) {
	var found []walkedRoute
	inside := false // whether something authenticates within the router
	err := walk(func(method, pattern string, h http.Handler, middlewares ...func(http.Handler) http.Handler) error {
		route := walkedRoute{method: method, pattern: pattern}
		for _, m := range middlewares {
			route.layers = append(route.layers, layerOf(m))
		}
		route.peel(h)
		inside = inside || transport.Authenticating(route.layers)
		found = append(found, route)
		return nil
	})
	rows := make([]transport.Route, len(found))
	for i, route := range found {
		rows[i] = route.row(!inside)
	}
	return rows, err
}

func (r *walkedRoute) row(authenticated bool) transport.Route {
	row := transport.Layered(authenticated, r.layers)
	row.Method, row.Path, row.Own = r.method, r.pattern, r.own
	if i := strings.IndexByte(r.pattern, '/'); i > 0 {
		row.Host, row.Path = r.pattern[:i], r.pattern[i:]
	}
	return row
}

// peel takes the guards off a handler, from the outermost in.
func (r *walkedRoute) peel(h http.Handler) {
	for {
		switch outer := h.(type) {
		case *guarded:
			r.layers = append(r.layers, outer.layer())
			h = outer.next
		case *authenticated:
			r.layers = append(r.layers, transport.Layer{Kind: transport.LayerAuthenticate})
			h = outer.next
		case *endpoint:
			r.layers = append(r.layers, transport.Layer{Kind: transport.LayerGuard, Guarding: outer.Need.Describe()})
			r.own = true
			return
		default:
			return
		}
	}
}

func (h *guarded) layer() transport.Layer {
	return transport.Layer{Kind: transport.LayerGuard, Guarding: h.guard.Describe()}
}

// layerOf recognises a guard by its code and has it wrap nothing, to ask what it wants. No other middleware is called.
func layerOf(m func(http.Handler) http.Handler) transport.Layer {
	switch {
	case m == nil:
		return transport.Layer{}
	case code(m) == code((*Auth)(nil).authenticator()):
		return transport.Layer{Kind: transport.LayerAuthenticate}
	case code(m) != code(guarding(nil)):
		return transport.Layer{}
	}
	if h, ok := m(nil).(*guarded); ok {
		return h.layer()
	}
	return transport.Layer{}
}

// code is the address of a function's code, which all values of one method share.
func code(f any) uintptr { return reflect.ValueOf(f).Pointer() }
