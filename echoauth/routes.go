package echoauth

import (
	"context"
	"slices"

	"github.com/labstack/echo/v4"

	"github.com/authmodule/authmodule/transport"
)

const adapter = "echoauth"

// Routes returns what every route requires: the guards of Use, of its groups and its own, in order. It runs no handler and no
// middleware. It sees the routers that the module watches and those that Mount was called on; a route that was added where
// it could not be seen says so. Routes by which a group answers 404 are not in it.
//
// Echo lists neither what is added by [echo.Router.Add] nor what a middleware answers by itself, such as echo's Static: nobody can see those.
func (a *Auth) Routes() transport.RouteTable {
	return a.gate.RouteTable(adapter, a.recorder.rows())
}

// CheckRoutes returns an error that lists every route that is neither guarded nor public on purpose, and every guard that
// nobody can pass: a *[transport.RouteError]. See [transport.Gate.CheckRoutes]. The module calls it at
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
				Fix:     "set OnAddRouteHandler where the *echo.Echo is made, or before " + adapter + ".Mount; it is called all the same",
			})
		}
	}
	return found
}

// authenticates reports whether Authenticate stands anywhere, without Mount.
func (k *recorded) authenticates() bool {
	if transport.Authenticating(globals(k.echo)) {
		return true
	}
	for _, route := range k.routes {
		if transport.Authenticating(route.list) {
			return true
		}
	}
	return false
}

// rows are the routes that the routers have, whether they were seen being added or not.
func (k *recorded) rows() []transport.Route {
	global := globals(k.echo)
	rows := k.rowsOf("", k.echo.Router(), global)
	for host, router := range k.echo.Routers() {
		rows = append(rows, k.rowsOf(host, router, global)...)
	}
	return rows
}

func (k *recorded) rowsOf(host string, router *echo.Router, global []transport.Layer) (rows []transport.Route) {
	for _, route := range router.Routes() {
		all, seen := k.routes[routeKey{host, route.Method, route.Path}]
		if route.Method == echo.RouteNotFound && (all.notFound || !seen && route.Name == notFoundName()) {
			continue
		}
		row := k.row(slices.Concat(global, all.list))
		row.Host, row.Method, row.Path, row.Own, row.Others = host, route.Method, route.Path, all.own, transport.Layered(true, all.list).Others
		if !seen {
			row.Unseen = "was added before its guards could be seen"
		}
		rows = append(rows, row)
	}
	return rows
}

// row is what the layers require. What authenticates must come before what asks for it.
func (k *recorded) row(all []transport.Layer) transport.Route {
	return transport.Layered(k.mounted && !transport.Authenticating(all), all)
}
