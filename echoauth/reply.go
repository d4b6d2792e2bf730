package echoauth

import (
	"errors"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/authmodule/authmodule/transport"
)

// fail sets the header fields of the problem in err, and returns an error that every
// Echo error handler understands.
func fail(c echo.Context, err error) error {
	problem := transport.ProblemIn(err)
	problem.SetHeader(c.Response().Header())
	return echo.NewHTTPError(problem.Status, problem.Detail).SetInternal(err)
}

// ErrorHandler answers the module's errors as application/problem+json
// (RFC 9457) and hands all others to next. An application that sets its own
// error handler after Mount wraps it in this.
func ErrorHandler(next echo.HTTPErrorHandler) echo.HTTPErrorHandler {
	return func(err error, c echo.Context) {
		var p *transport.Problem
		if !errors.As(err, &p) || c.Response().Committed {
			next(err, c)
			return
		}
		transport.ProblemIn(err).Write(c.Response(), c.Request())
	}
}

func (a *Auth) path(e transport.Endpoint) string {
	return strings.NewReplacer("{", ":", "}", "").Replace(a.gate.Route(e))
}

func (a *Auth) serve(e transport.Endpoint) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		for _, name := range c.ParamNames() {
			r.SetPathValue(name, c.Param(name))
		}
		if problem := a.gate.Answer(c.Response(), r, e, callerOf(c)); problem != nil {
			return fail(c, problem)
		}
		return nil
	}
}
