package transport

import (
	"context"
	"net/http"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/authz/policy"
)

// RequestContext is a request's context with its caller, for handlers, and with what policies know of the
// request. It costs nothing that nobody asks for. Adapters make one for each request; the zero value is not usable.
type RequestContext struct {
	authn.PrincipalContext
	gate    *Gate
	request *http.Request
	route   string
}

// Set makes it the context of a request. The route is the one that matched, as it was added to the router; a policy never sees the raw path.
func (c *RequestContext) Set(ctx context.Context, caller *Caller, r *http.Request, route string) {
	c.Context, c.Principal, c.gate, c.request, c.route = ctx, caller.principal, caller.gate, r, route
}

// Value returns the principal, what policies know of the request, or what the context beneath has.
func (c *RequestContext) Value(key any) any {
	if _, asked := key.(authz.EnvironmentKey); asked {
		return c.environment()
	}
	return c.PrincipalContext.Value(key)
}

func (c *RequestContext) environment() authz.Environment {
	return authz.Environment{Context: policy.Context{
		IP: c.gate.clients.client(c.request).IP, Method: c.request.Method, Route: c.route,
	}}
}
