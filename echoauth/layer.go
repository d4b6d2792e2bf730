package echoauth

import (
	"errors"
	"reflect"
	"unsafe"

	"github.com/labstack/echo/v4"

	"github.com/authmodule/authmodule/transport"
)

// layers are the middlewares of one route, in the order in which they run.
type layers struct {
	list []transport.Layer
	// own says that the route is the module's, notFound that its handler is Echo's own, which answers 404.
	own, notFound bool
}

func layersOf(handler echo.HandlerFunc, middlewares []echo.MiddlewareFunc) layers {
	all := layers{list: make([]transport.Layer, len(middlewares)), notFound: answersNotFound(handler)}
	for i, m := range middlewares {
		all.list[i] = layerOf(m)
	}
	return all
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

// globals are the middlewares of Pre and Use, which Echo hands to nobody. When it keeps them elsewhere than today
// there are none, and routes that only they guard are undeclared. Public is not among them: it would declare every route that
// is ever added.
func globals(e *echo.Echo) []transport.Layer {
	var all []transport.Layer
	for _, field := range []string{"premiddleware", "middleware"} {
		for _, m := range middlewaresIn(e, field) {
			if l := layerOf(m); l.Guarding.Kind != transport.KindPublic {
				all = append(all, l)
			}
		}
	}
	return all
}

func middlewaresIn(e *echo.Echo, field string) []echo.MiddlewareFunc {
	list := reflect.ValueOf(e).Elem().FieldByName(field)
	if !list.IsValid() || list.Type() != reflect.TypeFor[[]echo.MiddlewareFunc]() {
		return nil
	}
	return *(*[]echo.MiddlewareFunc)(unsafe.Pointer(list.UnsafeAddr())) //nolint:gosec // it is read as the type that it has
}

// described is what a guard without a handler answers with.
type described struct{ guarding transport.Guarding }

func (d described) Error() string {
	return "echoauth: a guard without a handler: " + d.guarding.String()
}
