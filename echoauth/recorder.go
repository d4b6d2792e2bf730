package echoauth

import (
	"context"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/labstack/echo/v4"

	"github.com/authmodule/authmodule/transport"
)

// Recorder remembers the middlewares of every route that is added to the routers it watches, because Echo keeps them where nobody
// can read them. It never runs them, nor a handler. The zero value is ready; it is safe for concurrent use.
//
// The module watches the *echo.Echo of the graph from the moment it is made. Without fx, call Watch before routes are added.
type Recorder struct {
	mu      sync.Mutex
	routers []*recorded
	// auth is whose recorder it is, once there is one.
	auth *Auth
}

// recorded is what is known about the routes of one *echo.Echo. Its recorder's lock guards it.
type recorded struct {
	echo   *echo.Echo
	routes map[routeKey]layers
	// mounted says that Mount was called, lost that another hook took the place of the recorder's.
	mounted, lost bool
}

// routeKey is by what Echo tells routes apart. The host is empty for its main router.
type routeKey struct{ host, method, path string }

// Watch records the routes that are added to e from now on. It hands them on to a hook that e has. A hook that takes its place
// later must call it; where it does not, routes are missed and count as undeclared.
func (r *Recorder) Watch(e *echo.Echo) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.watch(e)
}

func (r *Recorder) watch(e *echo.Echo) *recorded {
	i := slices.IndexFunc(r.routers, func(known *recorded) bool { return known.echo == e })
	if i < 0 {
		i = len(r.routers)
		r.routers = append(r.routers, &recorded{echo: e, routes: map[routeKey]layers{}})
		e.OnAddRouteHandler = r.hook(r.routers[i], e.OnAddRouteHandler)
	}
	known := r.routers[i]
	if !hooked(e) {
		known.lost = true
		e.OnAddRouteHandler = r.hook(known, e.OnAddRouteHandler)
	}
	return known
}

// addHook is what Echo calls after it added a route.
type addHook = func(host string, route echo.Route, handler echo.HandlerFunc, middlewares []echo.MiddlewareFunc)

// hook is not inlined, so that all hooks have the code that hooked looks for.
//
//go:noinline
func (r *Recorder) hook(known *recorded, next addHook) addHook {
	return func(host string, route echo.Route, handler echo.HandlerFunc, middlewares []echo.MiddlewareFunc) {
		r.mu.Lock()
		known.routes[routeKey{host, route.Method, route.Path}] = layersOf(handler, middlewares)
		r.mu.Unlock()
		if next != nil {
			next(host, route, handler, middlewares)
		}
	}
}

// hooked reports whether the hook of e is a recorder's.
func hooked(e *echo.Echo) bool {
	return e.OnAddRouteHandler != nil && code(e.OnAddRouteHandler) == code((*Recorder)(nil).hook(nil, nil))
}

// mount notes that e authenticates, and adds the module's own routes by their need.
func (r *Recorder) mount(e *echo.Echo, add func(own func(method, path string, need transport.Need))) {
	r.mu.Lock()
	known := r.watch(e)
	known.mounted = true
	r.mu.Unlock()
	add(func(method, path string, need transport.Need) {
		r.mu.Lock()
		defer r.mu.Unlock()
		known.routes[routeKey{"", method, path}] = layers{own: true, list: []transport.Layer{{Kind: transport.LayerGuard, Guarding: need.Describe()}}}
	})
}

// CheckRoutes is [Auth.CheckRoutes] of the Auth that was made with the recorder. Without one it finds only that nothing authenticates on the
// routers, and without routers nothing.
func (r *Recorder) CheckRoutes(ctx context.Context) error {
	r.mu.Lock()
	auth, watches := r.auth, len(r.routers) > 0
	r.mu.Unlock()
	switch {
	case !watches:
		return nil
	case auth != nil:
		return auth.CheckRoutes(ctx)
	}
	return &transport.RouteError{Faults: r.faults()}
}

func (r *Recorder) belongsTo(a *Auth) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.auth = a
}

// code is the address of a function's code, which all closures of one function literal, and all values of one method, share.
func code(f any) uintptr { return reflect.ValueOf(f).Pointer() }

// notFoundName is what Echo calls a route with its own handler that answers 404. It is empty when the application put one in its place.
func notFoundName() string {
	name := runtime.FuncForPC(code(echo.NotFoundHandler)).Name()
	if strings.HasPrefix(name, reflect.TypeFor[echo.Echo]().PkgPath()+".") {
		return name
	}
	return ""
}

func answersNotFound(handler echo.HandlerFunc) bool {
	return handler != nil && code(handler) == code(echo.NotFoundHandler) && notFoundName() != ""
}
