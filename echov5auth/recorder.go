package echov5auth

import (
	"context"
	"reflect"
	"slices"
	"sync"

	"github.com/labstack/echo/v5"

	"github.com/authmodule/authmodule/transport"
)

// Recorder remembers the middlewares of every route that is added to the routers it watches, because Echo keeps them where nobody
// can read them. It never runs them, nor a handler. The zero value is ready; it is safe for concurrent use.
//
// [Module] watches the *echo.Echo of the graph from the moment it is made. Without fx, call Watch before routes are added.
type Recorder struct {
	mu      sync.Mutex
	routers []*recorded
	// auth is whose recorder it is, once there is one.
	auth *Auth
}

// recorded is what is known about the routes of one *echo.Echo. Its recorder's lock guards it.
type recorded struct {
	echo   *echo.Echo
	routes map[routeKey][]layers
	// mounted says that Mount was called, lost that another hook took the place of the recorder's.
	mounted, lost bool
}

// routeKey is by what Echo tells routes apart.
type routeKey struct{ method, path string }

// layers are the middlewares of one route, in the order in which they run.
type layers struct {
	list []transport.Layer
	// own says that the route is the module's, notFound that Echo answers it, with 404.
	own, notFound bool
}

// Watch records the routes that are added to e from now on. It asks a hook that e has first. A hook that takes its place
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
		r.routers = append(r.routers, &recorded{echo: e, routes: map[routeKey][]layers{}})
		e.OnAddRoute = r.hook(r.routers[i], e.OnAddRoute)
	}
	known := r.routers[i]
	if !hooked(e) {
		known.lost = true
		e.OnAddRoute = r.hook(known, e.OnAddRoute)
	}
	return known
}

// hook is what Echo calls before it adds a route. It is not inlined, so that all hooks have the code that hooked looks for.
//
//go:noinline
func (r *Recorder) hook(known *recorded, next func(echo.Route) error) func(echo.Route) error {
	return func(route echo.Route) error {
		if next != nil {
			if err := next(route); err != nil {
				return err
			}
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		known.add(route)
		return nil
	}
}

// add keeps what was known of a route of the same name: whether the router takes the new one is not known yet, and either may be the one that answers.
func (k *recorded) add(route echo.Route) {
	all := layers{list: make([]transport.Layer, len(route.Middlewares)), notFound: route.Handler == nil}
	for i, m := range route.Middlewares {
		all.list[i] = layerOf(m)
	}
	key := routeKey{route.Method, route.Path}
	before := k.routes[key]
	if len(before) > 0 && !k.has(key) {
		before = nil // the router refused it
	}
	k.routes[key] = append(before, all)
}

func (k *recorded) has(key routeKey) bool {
	_, err := k.echo.Router().Routes().FindByMethodPath(key.method, key.path)
	return err == nil
}

// hooked reports whether the hook of e is a recorder's.
func hooked(e *echo.Echo) bool {
	return e.OnAddRoute != nil && code(e.OnAddRoute) == code((*Recorder)(nil).hook(nil, nil))
}

// mount notes that e authenticates.
func (r *Recorder) mount(e *echo.Echo) *recorded {
	r.mu.Lock()
	defer r.mu.Unlock()
	known := r.watch(e)
	known.mounted = true
	return known
}

// own notes that a route which was just added is the module's.
func (r *Recorder) own(known *recorded, method, path string, need transport.Need) {
	r.mu.Lock()
	defer r.mu.Unlock()
	own := layers{own: true, list: []transport.Layer{{Kind: transport.LayerGuard, Guarding: need.Describe()}}}
	all := known.routes[routeKey{method, path}]
	if len(all) == 0 { // another hook took the place of the recorder's
		return
	}
	all[len(all)-1] = own
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

// code is the address of a function's code, which all closures of one function literal, and all values of one method, share.
func code(f any) uintptr { return reflect.ValueOf(f).Pointer() }
