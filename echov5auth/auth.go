package echov5auth

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/labstack/echo/v5"

	"github.com/authmodule/authmodule/transport"
)

// Auth connects a [transport.Gate] to Echo. It is safe for concurrent use.
type Auth struct {
	gate      *transport.Gate
	endpoints []transport.Endpoint
	recorder  *Recorder
}

// New returns an Auth that mounts the gate's endpoints and the extra ones.
func New(gate *transport.Gate, extra ...transport.Endpoint) (*Auth, error) {
	return NewWith(&Recorder{}, gate, extra...)
}

// NewWith is New with a recorder that watches routers already.
func NewWith(recorder *Recorder, gate *transport.Gate, extra ...transport.Endpoint) (*Auth, error) {
	if gate == nil || recorder == nil {
		return nil, errors.New("echov5auth: a gate and a recorder are required")
	}
	a := &Auth{gate: gate, endpoints: gate.Endpoints(extra...), recorder: recorder}
	recorder.mu.Lock()
	defer recorder.mu.Unlock()
	recorder.auth = a
	return a, nil
}

// Mount authenticates every request of e, adds the module's routes, and answers the module's errors as problem+json. An
// error handler that is set on e later gets them as *echo.HTTPError instead; see [ErrorHandler].
//
// It is meant for fx.Invoke. Guards may be put on routes before or after it.
func Mount(e *echo.Echo, a *Auth) error {
	if e == nil || a == nil {
		return errors.New("echov5auth: Mount needs an *echo.Echo and an *echov5auth.Auth in the graph; the latter is of echov5auth.Module()")
	}
	e.Use(a.authenticator())
	e.HTTPErrorHandler = ErrorHandler(e.HTTPErrorHandler)
	known := a.recorder.mount(e)
	braces := strings.NewReplacer("{", ":", "}", "")
	for _, endpoint := range a.endpoints {
		route := echo.Route{Method: endpoint.Method, Path: braces.Replace(a.gate.Route(endpoint)), Handler: a.serve(endpoint)}
		if _, err := e.AddRoute(route); err != nil {
			return fmt.Errorf("echov5auth: mount %s %s: %w", route.Method, route.Path, err)
		}
		a.recorder.own(known, route.Method, route.Path, endpoint.Need)
	}
	return nil
}

// authenticator returns Authenticate as a method value; see guarded.
//
//go:noinline
func (a *Auth) authenticator() echo.MiddlewareFunc { return a.Authenticate }

// Authenticate is the middleware that says who each request is from. It never answers: guards do. Mount installs it.
func (a *Auth) Authenticate(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c *echo.Context) error {
		caller := a.gate.Authenticate(c.Request())
		c.SetRequest(caller.Carry(c.Request(), c.Path()))
		if !caller.MaySetCookie() {
			return next(c)
		}
		if stale := caller.StaleCookie(); stale != nil {
			http.SetCookie(c.Response(), stale)
			keepFromCaches(c)
		}
		err := next(c)
		transport.KeepFromCaches(c.Response().Header()) // an answer of headers alone begins when the handler returned
		return err
	}
}

func (a *Auth) serve(e transport.Endpoint) echo.HandlerFunc {
	return func(c *echo.Context) error {
		r := c.Request()
		for _, value := range c.PathValues() {
			r.SetPathValue(value.Name, value.Value)
		}
		if problem := a.gate.Answer(c.Response(), r, e, callerOf(c)); problem != nil {
			return fail(c, problem)
		}
		return nil
	}
}
