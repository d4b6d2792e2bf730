package echoauth

import (
	"time"

	"github.com/labstack/echo/v4"

	"github.com/authmodule/authmodule/transport"
)

// RequireAuth lets authenticated callers through, and answers 401 to others.
func RequireAuth() echo.MiddlewareFunc { return guarded(transport.GuardAuth()) }

// OptionalAuth lets authenticated and anonymous callers through, and answers
// 401 to a bad credential.
func OptionalAuth() echo.MiddlewareFunc { return guarded(transport.GuardOptional()) }

// Public marks a route as public on purpose. It lets everybody through, whatever credential they presented;
// [Principal] is who authenticated, if anybody did. A guard beside it, such as that of its group, still refuses.
func Public() echo.MiddlewareFunc { return guarded(transport.GuardPublic()) }

// RequireRoles lets callers through who have one of the roles, directly or by
// inheritance. It answers 401 to anonymous callers and 403 to others.
func RequireRoles(anyOf ...string) echo.MiddlewareFunc {
	return guarded(transport.GuardRoles(anyOf...))
}

// RequirePermissions lets callers through who have every one of the
// permissions, each of the form resource.action. It answers 401 to anonymous
// callers and 403 to others. A guard without permissions, or with a pattern
// such as articles.*, is a mistake and answers 500.
func RequirePermissions(allOf ...string) echo.MiddlewareFunc {
	return guarded(transport.GuardPermissions(allOf...))
}

// RequireAnyPermission lets callers through who have one of the permissions. It answers 401 to anonymous
// callers and 403, which is one denial in the audit log, to others. One name that is no permission makes it a mistake that
// answers 500, as in [RequirePermissions].
func RequireAnyPermission(anyOf ...string) echo.MiddlewareFunc {
	return guarded(transport.GuardAnyPermission(anyOf...))
}

// RequireScopes lets callers through whose credential is good for every one of
// the permissions: one with scopes, such as an API key, must have scopes that
// cover them, and one without, such as a session cookie or an access token, is
// good for all. It asks nothing of the account, which is what RequirePermissions is
// for; that one looks at scopes as well. It answers 401 to anonymous callers
// and 403 to others.
func RequireScopes(allOf ...string) echo.MiddlewareFunc {
	return guarded(transport.GuardScopes(allOf...))
}

// RequireMFA lets callers through who proved a second factor at most maxAge ago; 0 is at any time in their session. It
// answers 401 with a challenge that says what is missing (RFC 9470) to others, and 403 to those who could never pass: API keys, other
// credentials with scopes, and who acts as somebody else. A negative age is a mistake and answers 500.
func RequireMFA(maxAge time.Duration) echo.MiddlewareFunc {
	return guarded(transport.GuardMFA(maxAge))
}

// RequireRecentAuth is [RequireMFA] for callers who proved who they are, by whatever factor, at most maxAge ago. Refreshing
// tokens proves nothing. An age that is not positive is a mistake and answers 500.
func RequireRecentAuth(maxAge time.Duration) echo.MiddlewareFunc {
	return guarded(transport.GuardRecentAuth(maxAge))
}

// RequireACR is [RequireMFA] for callers whose login is of one of the authentication context classes, such as authn.ACR2, or of a
// stronger one. Naming none is a mistake and answers 500.
func RequireACR(anyOf ...string) echo.MiddlewareFunc {
	return guarded(transport.GuardACR(anyOf...))
}

// guard puts a transport.Guard before a handler.
type guard struct {
	*transport.Guard
	// ask is nil for a guard that needs to know nothing but the caller.
	ask func(echo.Context, *transport.Caller) error
}

// guarded returns a method value, so that the route table can recognise the middleware by its code.
func guarded(g *transport.Guard) echo.MiddlewareFunc { return guardedBy(g, nil) }

// guardedBy makes all of them, and is not inlined, so that they have the same code.
//
//go:noinline
func guardedBy(g *transport.Guard, ask func(echo.Context, *transport.Caller) error) echo.MiddlewareFunc {
	return (&guard{g, ask}).wrap
}

// wrap is called at each request. Without a handler, which no route comes to, it makes one that describes the guard.
func (g *guard) wrap(next echo.HandlerFunc) echo.HandlerFunc {
	if next == nil {
		return g.describe
	}
	return func(c echo.Context) error {
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

func (g *guard) refuse(c echo.Context, caller *transport.Caller) error {
	if g.ask == nil {
		return refusal(c, g.Refuse(asking(c, caller), caller))
	}
	if refused := g.RefuseAnonymous(caller); refused != nil {
		return fail(c, refused)
	}
	return g.ask(c, caller)
}

func (g *guard) describe(echo.Context) error { return described{g.Describe()} }
