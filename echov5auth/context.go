package echov5auth

import (
	"context"
	"time"

	"github.com/labstack/echo/v5"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/transport"
)

// Principal returns the authenticated caller of the request, or the anonymous one. [authn.PrincipalFrom] finds it in the
// request's context, for code that does not know Echo.
func Principal(c *echo.Context) authn.Principal {
	caller := callerOf(c)
	if caller == nil {
		return authn.Principal{}
	}
	return caller.Principal()
}

func callerOf(c *echo.Context) *transport.Caller { return transport.CallerFrom(contextOf(c)) }

func contextOf(c *echo.Context) context.Context { return c.Request().Context() }

// RenewSession gives the caller's session another cookie and sets it on the answer. Call it where the caller proved
// more than the login did or may do more from now on, such as after a second factor or a change of roles: who
// knows the old cookie is left behind with nothing. The session stays the same one, listed under its ID.
//
// Call it once in a request, before the answer is begun; the cookie is set whatever the answer then is. It does nothing for callers
// without a session cookie, whose tokens and keys a browser does not send by itself. Anonymous callers get 401.
//
// Of concurrent requests with one cookie one renews it. For the others the error is
// [authn.ErrSessionRenewed] and is answered with 409 session_renewed when the handler returns it. Requests that are
// under way with the old cookie are anonymous, and do not clear the new one.
func RenewSession(c *echo.Context) error {
	if err := transport.Renew(contextOf(c), callerOf(c), c.Response().Header(), c.Request()); err != nil {
		return fail(c, err)
	}
	keepFromCaches(c)
	return nil
}

// Recheck answers whether the caller of a request that takes long, such as a WebSocket, still is one: nil, or the refusal
// to return from the handler. It asks the stores, and counts as no use of the session.
func Recheck(c *echo.Context) error {
	if err := transport.Recheck(contextOf(c)); err != nil {
		return fail(c, err)
	}
	return nil
}

// Watch returns a context that ends when the request does, and when its caller no longer is one: logged out, revoked,
// disabled, expired. The handler of a WebSocket, a stream or a long poll works under it and closes the connection when it
// ends; [context.Cause] says why.
//
//	ctx, stop := echov5auth.Watch(c, 0)
//	defer stop()
//
// What every node is told of is noticed within about a second; the end of a cookie's session each time the duration has
// passed, 10 seconds if it is zero. Where nothing authenticates, it has ended already. See [authn.Watcher].
func Watch(c *echo.Context, every time.Duration) (context.Context, context.CancelFunc) {
	return transport.Watch(contextOf(c), every)
}
