package transport

import (
	"context"
	"time"

	"github.com/authmodule/authmodule/authn"
)

// Recheck returns the problem of a caller that no longer is one, or nil. See [authn.Watcher].
func (c *Caller) Recheck(ctx context.Context) (refused *Problem) {
	if p := c.RequireAuth(); p != nil {
		return p
	}
	defer c.gate.refusePanic(ctx, &refused)
	if err := c.gate.watcher().Recheck(ctx, *c.principal); err != nil {
		return c.gate.Problem(ctx, err)
	}
	return nil
}

// Watch returns a context that ends when the caller no longer is one. See [authn.Watcher]. That of an anonymous caller
// ends with ctx alone.
func (c *Caller) Watch(ctx context.Context, every time.Duration) (context.Context, context.CancelFunc) {
	if c.principal == nil {
		return context.WithCancel(ctx)
	}
	return c.gate.watcher().Watch(ctx, *c.principal, every)
}

func (g *Gate) watcher() authn.Watcher {
	return authn.Watcher{Users: g.deps.Users, Keys: g.deps.APIKeys}
}

// Recheck is [Caller.Recheck] of the caller in ctx. Without one it is [Unmounted].
func Recheck(ctx context.Context) error {
	caller := CallerFrom(ctx)
	if caller == nil {
		return Unmounted()
	}
	if p := caller.Recheck(ctx); p != nil {
		return p
	}
	return nil
}

// Watch is [Caller.Watch] of the caller in ctx. Without one the context has ended already.
func Watch(ctx context.Context, every time.Duration) (context.Context, context.CancelFunc) {
	caller := CallerFrom(ctx)
	if caller == nil {
		ended, stop := context.WithCancel(ctx)
		stop()
		return ended, stop
	}
	return caller.Watch(ctx, every)
}
