package transport

import (
	"context"
	"net/http"

	"github.com/authmodule/authmodule/authn"
)

type callerKey struct{}

// Carry returns r with a context that carries the caller, for [CallerFrom], and the principal, for [authn.PrincipalFrom].
func (c Caller) Carry(r *http.Request) *http.Request {
	carrying := &callerContext{caller: c}
	carrying.Context, carrying.Principal = r.Context(), c.principal
	return r.WithContext(carrying)
}

// CallerFrom returns the caller that [Caller.Carry] put into the context, or nil where nothing authenticated.
func CallerFrom(ctx context.Context) *Caller {
	caller, _ := ctx.Value(callerKey{}).(*Caller)
	return caller
}

// callerContext is one allocation for both.
type callerContext struct {
	authn.PrincipalContext
	caller Caller
}

// Value implements context.Context.
func (c *callerContext) Value(key any) any {
	if key == (callerKey{}) {
		return &c.caller
	}
	return c.PrincipalContext.Value(key)
}
