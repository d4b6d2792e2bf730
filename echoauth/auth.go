package echoauth

import (
	"errors"
	"reflect"

	"github.com/labstack/echo/v4"

	"github.com/authmodule/authmodule/transport"
)

// Auth connects a [transport.Gate] to Echo. It is safe for concurrent use.
type Auth struct {
	gate      *transport.Gate
	endpoints []transport.Endpoint
	recorder  *Recorder
	// plain is Echo's own context type, the only one that is wrapped.
	plain reflect.Type
}

// New returns an Auth that mounts the gate's endpoints and the extra ones.
func New(gate *transport.Gate, extra ...transport.Endpoint) (*Auth, error) {
	return NewWith(&Recorder{}, gate, extra...)
}

// NewWith is New with a recorder that watches routers already.
func NewWith(recorder *Recorder, gate *transport.Gate, extra ...transport.Endpoint) (*Auth, error) {
	if gate == nil || recorder == nil {
		return nil, errors.New("echoauth: a gate and a recorder are required")
	}
	a := &Auth{
		gate:      gate,
		recorder:  recorder,
		endpoints: gate.Endpoints(extra...),
		plain:     reflect.TypeOf(echo.New().NewContext(nil, nil)),
	}
	recorder.belongsTo(a)
	return a, nil
}

// Mount authenticates every request of e, adds the module's routes, and
// answers the module's errors as problem+json. An error handler that is set
// on e later gets them as *echo.HTTPError instead; see [ErrorHandler].
//
// It is meant for fx.Invoke. Guards may be put on routes before or after it.
func Mount(e *echo.Echo, a *Auth) error {
	if e == nil || a == nil {
		return errors.New("echoauth: Mount needs an *echo.Echo and an *echoauth.Auth in the graph")
	}
	e.Use(a.authenticator())
	e.HTTPErrorHandler = ErrorHandler(e.HTTPErrorHandler)
	a.recorder.mount(e, func(own func(method, path string, need transport.Need)) {
		for _, endpoint := range a.endpoints {
			path := a.path(endpoint)
			e.Add(endpoint.Method, path, a.serve(endpoint))
			own(endpoint.Method, path, endpoint.Need)
		}
	})
	return nil
}

// authenticator returns Authenticate as a method value; see guarded.
//
//go:noinline
func (a *Auth) authenticator() echo.MiddlewareFunc { return a.Authenticate }

// Authenticate is the middleware that says who each request is from. It never
// answers: guards do. Mount installs it.
func (a *Auth) Authenticate(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		caller := a.gate.Authenticate(c.Request())
		carried := a.carry(c, caller)
		err := next(carried)
		if caller.MaySetCookie() {
			transport.KeepFromCaches(c.Response().Header()) // an answer of headers alone begins when the handler returned
		}
		return err
	}
}
