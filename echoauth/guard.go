package echoauth

import (
	"context"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"github.com/authmodule/authmodule/transport"
)

// RequireAuth lets authenticated callers through, and answers 401 to others.
func RequireAuth() echo.MiddlewareFunc { return (&guard{check: requireAuth}).wrap }

// OptionalAuth lets authenticated and anonymous callers through, and answers
// 401 to a bad credential.
func OptionalAuth() echo.MiddlewareFunc { return (&guard{check: optionalAuth}).wrap }

// RequireRoles lets callers through who have one of the roles, directly or by
// inheritance. It answers 401 to anonymous callers and 403 to others.
func RequireRoles(anyOf ...string) echo.MiddlewareFunc {
	return (&guard{check: requireRoles, names: slices.Clone(anyOf)}).wrap
}

// RequirePermissions lets callers through who have every one of the
// permissions, each of the form resource.action. It answers 401 to anonymous
// callers and 403 to others. A guard without permissions, or with a pattern
// such as articles.*, is a mistake and answers 500.
func RequirePermissions(allOf ...string) echo.MiddlewareFunc {
	return (&guard{check: requirePermissions, names: slices.Clone(allOf)}).wrap
}

// RequireScopes lets callers through whose credential is good for every one of
// the permissions: one with scopes, such as an API key, must have scopes that
// cover them, and one without, such as a session cookie or an access token, is
// good for all. It asks nothing of the account, which is what RequirePermissions is
// for; that one looks at scopes as well. It answers 401 to anonymous callers
// and 403 to others.
func RequireScopes(allOf ...string) echo.MiddlewareFunc {
	return (&guard{check: requireScopes, names: slices.Clone(allOf)}).wrap
}

type check func(ctx context.Context, caller *transport.Caller, names []string) *transport.Problem

func requireAuth(_ context.Context, caller *transport.Caller, _ []string) *transport.Problem {
	return caller.RequireAuth()
}

func optionalAuth(_ context.Context, caller *transport.Caller, _ []string) *transport.Problem {
	return caller.OptionalAuth()
}

func requireRoles(ctx context.Context, caller *transport.Caller, names []string) *transport.Problem {
	return caller.RequireRoles(ctx, names...)
}

func requirePermissions(ctx context.Context, caller *transport.Caller, names []string) *transport.Problem {
	return caller.RequirePermissions(ctx, names...)
}

func requireScopes(ctx context.Context, caller *transport.Caller, names []string) *transport.Problem {
	return caller.RequireScopes(ctx, names...)
}

// guard is one requirement. Its middleware is a method value, so that a route
// table can recognise it.
type guard struct {
	check check
	names []string
}

func (g *guard) wrap(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		caller := callerOf(c)
		if caller == nil {
			return fail(c, unmounted())
		}
		if problem := g.check(contextOf(c), caller, g.names); problem != nil {
			return fail(c, problem)
		}
		return next(c)
	}
}

// unmounted is the answer of a guard that no Authenticate ran before.
func unmounted() *transport.Problem {
	return &transport.Problem{
		Type: "about:blank", Title: http.StatusText(http.StatusInternalServerError), Status: http.StatusInternalServerError,
		Code: "not_mounted", Detail: "a guard stands on a route where nothing authenticates: call echoauth.Mount on this *echo.Echo",
	}
}
