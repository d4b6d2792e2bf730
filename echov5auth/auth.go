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
}

// New returns an Auth that mounts the gate's endpoints and the extra ones.
func New(gate *transport.Gate, extra ...transport.Endpoint) (*Auth, error) {
	if gate == nil {
		return nil, errors.New("echov5auth: a gate is required")
	}
	return &Auth{gate: gate, endpoints: gate.Endpoints(extra...)}, nil
}

// Mount authenticates every request of e, adds the module's routes, and answers the module's errors as problem+json. An
// error handler that is set on e later gets them as *echo.HTTPError instead; see [ErrorHandler].
//
// It is meant for fx.Invoke. Guards may be put on routes before or after it.
func Mount(e *echo.Echo, a *Auth) error {
	if e == nil || a == nil {
		return errors.New("echov5auth: Mount needs an *echo.Echo and an *echov5auth.Auth in the graph; the latter is of echov5auth.Module()")
	}
	e.Use(a.Authenticate)
	e.HTTPErrorHandler = ErrorHandler(e.HTTPErrorHandler)
	braces := strings.NewReplacer("{", ":", "}", "")
	for _, endpoint := range a.endpoints {
		route := echo.Route{Method: endpoint.Method, Path: braces.Replace(a.gate.Route(endpoint)), Handler: a.serve(endpoint)}
		if _, err := e.AddRoute(route); err != nil {
			return fmt.Errorf("echov5auth: mount %s %s: %w", route.Method, route.Path, err)
		}
	}
	return nil
}

// Authenticate is the middleware that says who each request is from. It never answers: guards do. Mount installs it.
func (a *Auth) Authenticate(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c *echo.Context) error {
		caller := a.gate.Authenticate(c.Request())
		c.SetRequest(caller.Carry(c.Request()))
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
