package echoauth

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/transport"
)

// RequireAuth lets authenticated callers through, and answers 401 to others.
func RequireAuth() echo.MiddlewareFunc { return (&guard{ask: (*transport.Caller).RequireAuth}).wrap }

// OptionalAuth lets authenticated and anonymous callers through, and answers
// 401 to a bad credential.
func OptionalAuth() echo.MiddlewareFunc { return (&guard{ask: (*transport.Caller).OptionalAuth}).wrap }

// RequireRoles lets callers through who have one of the roles, directly or by
// inheritance. It answers 401 to anonymous callers and 403 to others.
func RequireRoles(anyOf ...string) echo.MiddlewareFunc {
	return (&guard{required: authz.RequireRoles(anyOf...)}).wrap
}

// RequirePermissions lets callers through who have every one of the
// permissions, each of the form resource.action. It answers 401 to anonymous
// callers and 403 to others. A guard without permissions, or with a pattern
// such as articles.*, is a mistake and answers 500.
func RequirePermissions(allOf ...string) echo.MiddlewareFunc {
	return (&guard{required: authz.RequirePermissions(allOf...)}).wrap
}

// RequireScopes lets callers through whose credential is good for every one of
// the permissions: one with scopes, such as an API key, must have scopes that
// cover them, and one without, such as a session cookie or an access token, is
// good for all. It asks nothing of the account, which is what RequirePermissions is
// for; that one looks at scopes as well. It answers 401 to anonymous callers
// and 403 to others.
func RequireScopes(allOf ...string) echo.MiddlewareFunc {
	return (&guard{required: authz.RequireScopes(allOf...)}).wrap
}

// guard is one requirement, which is read once for all requests. Its middleware is a method value, so that a
// route table can recognise it.
type guard struct {
	// ask is nil when roles or scopes decide.
	ask      func(*transport.Caller) *transport.Problem
	required authz.Requirement
}

func (g *guard) wrap(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		caller := callerOf(c)
		if caller == nil {
			return fail(c, unmounted())
		}
		if problem := g.refuse(c, caller); problem != nil {
			return fail(c, problem)
		}
		return next(c)
	}
}

func (g *guard) refuse(c echo.Context, caller *transport.Caller) *transport.Problem {
	if g.ask != nil {
		return g.ask(caller)
	}
	if caller.Passes(g.required) {
		return nil
	}
	return caller.Require(contextOf(c), g.required)
}

// unmounted is the answer of a guard that no Authenticate ran before.
func unmounted() *transport.Problem {
	return &transport.Problem{
		Type: "about:blank", Title: http.StatusText(http.StatusInternalServerError), Status: http.StatusInternalServerError,
		Code: "not_mounted", Detail: "a guard stands on a route where nothing authenticates: call echoauth.Mount on this *echo.Echo",
	}
}
