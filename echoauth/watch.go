package echoauth

import (
	"context"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/authmodule/authmodule/transport"
)

// Recheck answers whether the caller of a request that takes long, such as a
// WebSocket, still is one: nil, or the refusal to return from the handler. It asks the stores, and counts as no use of the session.
func Recheck(c echo.Context) error {
	caller := callerOf(c)
	if caller == nil {
		return fail(c, transport.Unmounted())
	}
	if p := caller.Recheck(contextOf(c)); p != nil {
		return fail(c, p)
	}
	return nil
}

// Watch returns a context that ends when the request does, and when its
// caller no longer is one: logged out, revoked, disabled, expired. The handler of a WebSocket, a stream or a long poll
// works under it and closes the connection when it ends; [context.Cause] says why.
//
//	ctx, stop := echoauth.Watch(c, 0)
//	defer stop()
//	for {
//		select {
//		case <-ctx.Done():
//			return nil
//		case message := <-messages: // send it
//		}
//	}
//
// What every node is told of is noticed within about a second; the end of a cookie's session each time the duration has
// passed, 10 seconds if it is zero. See [authn.Watcher].
func Watch(c echo.Context, every time.Duration) (context.Context, context.CancelFunc) {
	caller := callerOf(c)
	if caller == nil {
		ctx, stop := context.WithCancel(contextOf(c))
		stop()
		return ctx, stop
	}
	return caller.Watch(contextOf(c), every)
}
