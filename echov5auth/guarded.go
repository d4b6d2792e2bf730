package echov5auth

import (
	"context"

	"github.com/labstack/echo/v5"

	"github.com/authmodule/authmodule/transport"
)

// guard puts a transport.Guard before a handler.
type guard struct {
	*transport.Guard
	// ask is nil for a guard that needs to know nothing but the caller.
	ask func(*echo.Context, *transport.Caller) error
}

// guarded returns a method value, so that the table of routes can recognise the middleware by its code.
func guarded(g *transport.Guard) echo.MiddlewareFunc { return guardedBy(g, nil) }

// guardedBy makes all of them, and is not inlined, so that they have the same code.
//
//go:noinline
func guardedBy(g *transport.Guard, ask func(*echo.Context, *transport.Caller) error) echo.MiddlewareFunc {
	return (&guard{g, ask}).wrap
}

// wrap is called when a route is added. Without a handler, which no route comes to, it makes one that describes the guard.
func (g *guard) wrap(next echo.HandlerFunc) echo.HandlerFunc {
	if next == nil {
		return g.describe
	}
	return func(c *echo.Context) error {
		caller := callerOf(c)
		if g.Passes(caller) {
			return next(c)
		}
		if err := g.refuse(c, caller); err != nil {
			return err
		}
		return next(c)
	}
}

func (g *guard) refuse(c *echo.Context, caller *transport.Caller) error {
	if g.ask == nil {
		return refusal(c, g.Refuse(asking(c), caller))
	}
	if refused := g.RefuseAnonymous(caller); refused != nil {
		return fail(c, refused)
	}
	return g.ask(c, caller)
}

func (g *guard) describe(*echo.Context) error { return described{g.Describe()} }

// described is what a guard without a handler answers with.
type described struct{ guarding transport.Guarding }

// Error implements error.
func (d described) Error() string {
	return "echov5auth: a guard without a handler: " + d.guarding.String()
}

// asking is the context of a guard that asks about the caller. It has what policies know of the request.
func asking(c *echo.Context) context.Context { return transport.AskingAt(c.Request(), c.Path()) }

func refusal(c *echo.Context, p *transport.Problem) error {
	if p == nil {
		return nil
	}
	return fail(c, p)
}
