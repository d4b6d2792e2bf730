package storeguard

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"time"
)

// asked is a call that runs in a goroutine of its own, so that it can be left behind.
type asked[T any] struct {
	g      *Guard
	op     string
	answer chan struct{}
	// over is set by whoever comes first: the store that answers, or the caller that gives up.
	over  atomic.Bool
	value T
	err   error
}

func start[T any](ctx context.Context, g *Guard, op string, ask func(context.Context) (T, error)) *asked[T] {
	a := &asked[T]{g: g, op: op, answer: make(chan struct{})}
	go a.run(ctx, ask)
	return a
}

func (a *asked[T]) run(ctx context.Context, ask func(context.Context) (T, error)) {
	a.err = errUnfinished // for a store that ends its goroutine
	defer a.end()
	defer a.recovered(ctx)
	a.value, a.err = ask(ctx)
}

var errUnfinished = errors.New("the store ended its goroutine")

// recovered makes a panic an error. What it says may be a secret: its type alone is logged.
func (a *asked[T]) recovered(ctx context.Context) {
	what := recover()
	if what == nil {
		return
	}
	a.err = &Error{Port: a.g.cfg.Port, Op: a.op, Class: Panic, Err: fmt.Errorf("a panic of type %T was recovered", what)}
	a.g.cfg.Log.ErrorContext(ctx, "a store panicked", "port", a.g.cfg.Port, "call", a.op, "type", fmt.Sprintf("%T", what), "stack", string(debug.Stack()))
}

func (a *asked[T]) end() {
	if !a.over.CompareAndSwap(false, true) {
		a.g.left.Add(-1)
	}
	close(a.answer)
}

// wait returns the answer, or gives up when grace has passed after ctx was done.
func (a *asked[T]) wait(ctx context.Context, grace time.Duration) (T, error) {
	select {
	case <-a.answer:
		return a.value, a.err
	case <-ctx.Done():
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-a.answer:
		return a.value, a.err
	case <-timer.C:
	}
	a.g.left.Add(1)
	if !a.over.CompareAndSwap(false, true) {
		a.g.left.Add(-1)
		<-a.answer
		return a.value, a.err
	}
	var none T
	return none, errTimeout
}
