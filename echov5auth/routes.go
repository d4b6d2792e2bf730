package echov5auth

import (
	"context"
	"errors"
	"slices"

	"github.com/labstack/echo/v5"

	"github.com/authmodule/authmodule/transport"
)

const adapter = "echov5auth"

// Routes returns what every route requires: the guards of Use, of its groups and its own, in order. It runs no handler and no
// middleware. It sees the routers that the module watches and those that Mount was called on; a route that was added where
// it could not be seen says so. One that was added twice has a row for each time, because Echo does not tell which one it kept. Routes by which a group
// answers 404 are not in it.
//
// Echo does not list what a middleware answers by itself, such as its own Static, nor the handlers of its router for 404, 405 and OPTIONS.
func (a *Auth) Routes() transport.RouteTable {
	return a.gate.RouteTable(adapter, a.recorder.rows())
}

// CheckRoutes returns an error that lists every route that is neither guarded nor public on purpose, and every guard that
// nobody can pass: a *[transport.RouteError]. See [transport.Gate.CheckRoutes]. [Module] calls it at
// start, as auth.http.check_routes says; a test may too.
func (a *Auth) CheckRoutes(ctx context.Context) error {
	return a.gate.CheckRoutes(ctx, a.Routes(), a.recorder.faults()...)
}

func (r *Recorder) rows() []transport.Route {
	r.mu.Lock()
	defer r.mu.Unlock()
	var rows []transport.Route
	for _, known := range r.routers {
		rows = append(rows, known.rows()...)
	}
	return rows
}

// faults are those of whole routers.
func (r *Recorder) faults() (found []transport.RouteFault) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, known := range r.routers {
		if !known.mounted && !known.authenticates() {
			found = append(found, transport.RouteFault{Problem: "nothing authenticates on an *echo.Echo", Fix: "call " + adapter + ".Mount on it, in an fx.Invoke"})
		}
		if known.lost || !hooked(known.echo) {
			found = append(found, transport.RouteFault{
				Problem: "another hook took the place of the one that sees routes being added, so that some may be missed",
				Fix:     "set OnAddRoute where the *echo.Echo is made, or before " + adapter + ".Mount; it is called all the same",
			})
		}
	}
	return found
}

// authenticates reports whether Authenticate stands anywhere, without Mount.
func (k *recorded) authenticates() bool {
	if transport.Authenticating(k.globals()) {
		return true
	}
	for _, all := range k.routes {
		if slices.ContainsFunc(all, func(one layers) bool { return transport.Authenticating(one.list) }) {
			return true
		}
	}
	return false
}

// globals are the middlewares of Pre and Use, but for Public: it would declare every route that is ever added.
func (k *recorded) globals() []transport.Layer {
	var all []transport.Layer
	for _, m := range slices.Concat(k.echo.PreMiddlewares(), k.echo.Middlewares()) {
		if l := layerOf(m); l.Guarding.Kind != transport.KindPublic {
			all = append(all, l)
		}
	}
	return all
}

// rows are the routes that the router has, whether they were seen being added or not.
func (k *recorded) rows() (rows []transport.Route) {
	global := k.globals()
	for _, route := range k.echo.Router().Routes() {
		all := k.routes[routeKey{route.Method, route.Path}]
		if len(all) == 0 {
			rows = append(rows, transport.Route{Method: route.Method, Path: route.Path, Requires: []transport.Guarding{}, Unseen: "was added before its guards could be seen"})
		}
		for _, one := range all {
			if route.Method == echo.RouteNotFound && one.notFound {
				continue
			}
			rows = append(rows, k.row(route, global, one))
		}
	}
	return rows
}

// row is what the layers of a route require. What authenticates must come before what asks for it.
func (k *recorded) row(route echo.RouteInfo, global []transport.Layer, one layers) transport.Route {
	all := slices.Concat(global, one.list)
	row := transport.Layered(k.mounted && !transport.Authenticating(all), all)
	row.Method, row.Path, row.Own, row.Others = route.Method, route.Path, one.own, transport.Layered(true, one.list).Others
	return row
}

// layerOf recognises a guard by its code and asks it what it wants. No other middleware is called.
func layerOf(m echo.MiddlewareFunc) transport.Layer {
	switch {
	case m == nil:
		return transport.Layer{}
	case code(m) == code((*Auth)(nil).authenticator()):
		return transport.Layer{Kind: transport.LayerAuthenticate}
	case code(m) != code(guarded(nil)):
		return transport.Layer{}
	}
	var told described
	if !errors.As(m(nil)(nil), &told) {
		return transport.Layer{}
	}
	return transport.Layer{Kind: transport.LayerGuard, Guarding: told.guarding}
}
