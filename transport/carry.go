package transport

import (
	"context"
	"net/http"
)

// Carry returns r with a [RequestContext] of the caller and the route, for adapters whose router has matched r.
func (c Caller) Carry(r *http.Request, route string) *http.Request { return c.carry(r, route, nil) }

// CarryBefore is [Caller.Carry] for adapters that stand before the router: the route is asked for when a policy is, of the request that is
// returned. A router that sets it on a copy leaves it unknown there; guards see it by [Asking].
func (c Caller) CarryBefore(r *http.Request, matched RouteFunc) *http.Request {
	return c.carry(r, "", matched)
}

// carried is one allocation for both.
type carried struct {
	RequestContext
	caller Caller
}

func (c Caller) carry(r *http.Request, route string, matched RouteFunc) *http.Request {
	ctx := &carried{caller: c}
	carrying := r.WithContext(ctx)
	ctx.Set(r.Context(), &ctx.caller, carrying, route)
	ctx.matched = matched
	return carrying
}

// CallerFrom returns the caller of a [RequestContext], or nil where nothing authenticated.
func CallerFrom(ctx context.Context) *Caller {
	if known := requestIn(ctx); known != nil {
		return known.caller
	}
	return nil
}
