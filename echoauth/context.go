package echoauth

import (
	"context"
	"net/http"
	"reflect"
	"sync"

	"github.com/labstack/echo/v4"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/transport"
)

// contextKey is where a caller is found when another context wraps ours, or
// ours could not wrap another's.
const contextKey = "authmodule.caller"

// Principal returns the authenticated caller of the request, or the anonymous
// one. The request's context carries it too, for code that does not know Echo: see [authn.PrincipalFrom].
func Principal(c echo.Context) authn.Principal {
	caller := callerOf(c)
	if caller == nil {
		return authn.Principal{}
	}
	return caller.Principal()
}

func callerOf(c echo.Context) *transport.Caller {
	if ours, ok := c.(*authContext); ok {
		return &ours.caller
	}
	caller, _ := c.Get(contextKey).(*transport.Caller)
	return caller
}

// contextOf returns the request's context as it came, without making the copy
// of the request that carries the principal: a guard has the caller already.
func contextOf(c echo.Context) context.Context {
	if ours, ok := c.(*authContext); ok {
		return ours.unchanged().Context()
	}
	return c.Request().Context()
}

// asking is the context of a guard that asks about the caller. It has what policies know of the request.
func asking(c echo.Context, caller *transport.Caller) context.Context {
	if caller == nil {
		return contextOf(c)
	}
	ctx := &transport.RequestContext{}
	r := c.Request
	if ours, ok := c.(*authContext); ok {
		r = ours.unchanged
	}
	ctx.Set(contextOf(c), caller, r(), c.Path())
	return ctx
}

// unchanged is the request as it came.
func (c *authContext) unchanged() *http.Request {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.Context.Request()
}

// carry hands the caller on. Echo's own context is wrapped; a foreign one,
// whose type the handlers may rely on, is kept and written to.
func (a *Auth) carry(c echo.Context, caller transport.Caller) echo.Context {
	if cookie := caller.StaleCookie(); cookie != nil {
		c.SetCookie(cookie)
		keepFromCaches(c)
	}
	if reflect.TypeOf(c) == a.plain {
		return &authContext{Context: c, caller: caller}
	}
	foreign := caller // the one that is kept
	c.Set(contextKey, &foreign)
	ctx := &transport.RequestContext{}
	ctx.Set(c.Request().Context(), &foreign, c.Request(), c.Path())
	c.SetRequest(c.Request().WithContext(ctx))
	return c
}

// authContext carries the caller of one request. It is never pooled, so a
// handler that keeps it too long finds its own request's caller and no other.
type authContext struct {
	echo.Context
	caller transport.Caller
	// mu guards carrying, the request that has the principal in its context, once
	// asked for: handlers may ask from several goroutines.
	mu       sync.Mutex
	carrying *http.Request
	// ctx is the first carrying request's context; a later one, of a request that the application replaced, is made anew.
	ctx transport.RequestContext
}

// Request returns the request; its context carries the principal.
func (c *authContext) Request() *http.Request {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.Context.Request()
	if r == c.carrying {
		return r
	}
	ctx := &c.ctx
	if c.carrying != nil {
		ctx = &transport.RequestContext{}
	}
	ctx.Set(r.Context(), &c.caller, r, c.Path())
	c.carrying = r.WithContext(ctx)
	c.Context.SetRequest(c.carrying)
	return c.carrying
}

// Get finds the caller for contexts that wrap this one.
func (c *authContext) Get(key string) any {
	if key == contextKey {
		return &c.caller
	}
	return c.Context.Get(key)
}
