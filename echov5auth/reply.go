package echov5auth

import (
	"errors"

	"github.com/labstack/echo/v5"

	"github.com/authmodule/authmodule/transport"
)

// fail sets the header fields of the problem in err, and returns an error that every Echo error handler understands.
func fail(c *echo.Context, err error) error {
	problem := transport.ProblemIn(err)
	problem.SetHeader(c.Response().Header())
	return echo.NewHTTPError(problem.Status, problem.Detail).Wrap(err)
}

// ErrorHandler answers the module's errors as application/problem+json (RFC 9457) and hands all others to next. An
// application that sets its own error handler after Mount wraps it in this.
func ErrorHandler(next echo.HTTPErrorHandler) echo.HTTPErrorHandler {
	return func(c *echo.Context, err error) {
		var p *transport.Problem
		if !errors.As(err, &p) || begun(c) {
			next(c, err)
			return
		}
		transport.ProblemIn(err).Write(c.Response(), c.Request())
	}
}

func begun(c *echo.Context) bool {
	response, err := echo.UnwrapResponse(c.Response())
	return err == nil && response.Committed
}

// keepFromCaches has the answer looked at when it begins: a handler may say more about caching until then. Where a
// middleware replaced Echo's own response by one that cannot be unwrapped, what is said until now is what counts.
func keepFromCaches(c *echo.Context) {
	header := c.Response().Header()
	transport.KeepFromCaches(header)
	if response, err := echo.UnwrapResponse(c.Response()); err == nil {
		response.Before(func() { transport.KeepFromCaches(header) })
	}
}
