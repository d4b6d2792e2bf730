package transport

import (
	"context"
	"net/http"
	"strings"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/authz/policy"
)

// RouteFunc says which route of the application a request matched, as it was added to the router, such as /articles/{id}; empty
// when that is not known. It never derives it from the path of the request.
type RouteFunc func(*http.Request) string

// MatchedPattern is the [RouteFunc] of http.ServeMux and of routers that set [http.Request.Pattern] as well: the pattern without its method.
func MatchedPattern(r *http.Request) string { _, route := SplitPattern(r.Pattern); return route }

// SplitPattern returns the method of a pattern of http.ServeMux, empty for any, and its host and path.
func SplitPattern(pattern string) (method, route string) {
	const blank = " \t"
	if i := strings.IndexAny(pattern, blank); i >= 0 && pattern[0] != '/' {
		return pattern[:i], strings.TrimLeft(pattern[i:], blank)
	}
	return "", pattern
}

// RequestContext is a request's context with its caller, for [CallerFrom] and [authn.PrincipalFrom], and with what policies know of the
// request, for [authz.EnvironmentKey]. It costs nothing that nobody asks for. Adapters make one for each request; the zero value is not usable.
type RequestContext struct {
	authn.PrincipalContext
	caller  *Caller
	request *http.Request
	route   string
	// matched is asked for the route when a policy is; nil where it is known before.
	matched RouteFunc
}

// requestKey is what a context is asked for its [RequestContext] by.
type requestKey struct{}

// Set makes it the context of a request. The route is the one that matched, as it was added to the router; a policy never sees the raw path.
func (c *RequestContext) Set(ctx context.Context, caller *Caller, r *http.Request, route string) {
	c.Context, c.Principal, c.caller, c.request, c.route = ctx, caller.principal, caller, r, route
}

// Value returns the caller, the principal, what policies know of the request, or what the context beneath has.
func (c *RequestContext) Value(key any) any {
	switch key.(type) {
	case requestKey:
		return c
	case authz.EnvironmentKey:
		return c.environment()
	}
	return c.PrincipalContext.Value(key)
}

func (c *RequestContext) environment() authz.Environment {
	route := c.route
	if c.matched != nil {
		route = c.matched(c.request)
	}
	return authz.Environment{Context: policy.Context{
		IP: c.caller.gate.clients.client(c.request).IP, Method: c.request.Method, Route: route,
	}}
}

func requestIn(ctx context.Context) *RequestContext {
	known, _ := ctx.Value(requestKey{}).(*RequestContext)
	return known
}

// Asking returns the context for a guard that asks about the caller of r. Policies know of r as it is now: the router has matched it, perhaps
// after it was copied, so that the request that [Caller.CarryBefore] returned does not know the route.
func Asking(r *http.Request) context.Context {
	known := requestIn(r.Context())
	if known == nil || known.request == r {
		return r.Context()
	}
	asking := *known
	asking.Context, asking.request = r.Context(), r
	return &asking
}

// AskingAt is [Asking] where the adapter knows the route.
func AskingAt(r *http.Request, route string) context.Context {
	known := requestIn(r.Context())
	if known == nil || known.request == r && known.matched == nil && known.route == route {
		return r.Context()
	}
	asking := &RequestContext{}
	asking.Set(r.Context(), known.caller, r, route)
	return asking
}
