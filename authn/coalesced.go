package authn

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// coalesced runs one function for many callers. Who calls while it runs waits
// for the next run, which begins after the call: no caller gets an answer from before it asked. Where
// the run under way ends because its time is over, so do they: nobody waits for two of them.
type coalesced struct {
	// turn has a value while there is a run.
	turn chan struct{}
	mu   sync.Mutex
	// next is the run that has not begun, under the one that is under way; nil is none.
	next, under *run
}

func newCoalesced() *coalesced { return &coalesced{turn: make(chan struct{}, 1)} }

type run struct {
	done chan struct{}
	err  error
}

// do waits for a run of f that begins after the call. The run has a context
// of its own, so that a caller who leaves takes nobody with it.
func (c *coalesced) do(ctx context.Context, f func(context.Context) error) error {
	c.mu.Lock()
	if c.next == nil {
		c.next = &run{done: make(chan struct{})}
		go c.run(context.WithoutCancel(ctx), c.next, f)
	}
	r, under := c.next, c.under
	c.mu.Unlock()
	if under != nil {
		if err := under.wait(ctx); timedOut(err) {
			return err
		}
	}
	return r.wait(ctx)
}

func (r *run) wait(ctx context.Context) error {
	select {
	case <-r.done:
		return r.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// timedOut reports an error of somebody who waited as long as he might.
func timedOut(err error) bool {
	var waited interface{ Timeout() bool }
	return errors.As(err, &waited) && waited.Timeout()
}

func (c *coalesced) run(ctx context.Context, r *run, f func(context.Context) error) {
	c.turn <- struct{}{}
	defer func() { <-c.turn }()
	c.mu.Lock()
	c.next, c.under = nil, r
	c.mu.Unlock()
	r.err = guarded(ctx, f)
	c.mu.Lock()
	c.under = nil
	c.mu.Unlock()
	close(r.done)
}

// busy reports whether a run is under way.
func (c *coalesced) busy() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.under != nil || c.next != nil
}

// guarded makes a panic an error: it would end the program, as nobody up this goroutine recovers.
func guarded(ctx context.Context, f func(context.Context) error) (err error) {
	defer func() {
		if what := recover(); what != nil {
			err = fmt.Errorf("authn: a panic of type %T was recovered", what)
		}
	}()
	return f(ctx)
}
