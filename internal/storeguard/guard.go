package storeguard

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/session"
)

// Config configures a [Guard].
type Config struct {
	// Port is the name of the port, such as sessions.
	Port string
	// Timeout bounds a call. Defaults to 2 seconds.
	Timeout time.Duration
	// Sweep bounds a call that drops expired records, which may be many. Defaults to a minute.
	Sweep time.Duration
	// Log is told of panics. Defaults to slog.Default.
	Log *slog.Logger
	// Now says since when a store fails. Defaults to time.Now.
	Now func() time.Time
}

const (
	defaultTimeout = 2 * time.Second
	defaultSweep   = time.Minute
	// graceShare: a store is told to give up when all but this share of the timeout is over, so that one
	// that looks at its context can still say what became of the call. A caller that leaves waits as long.
	graceShare = 10
	// mostLeft is how many calls that were given up may still be running. They hold memory.
	mostLeft = 256
)

// Guard watches over the calls of one port. It is safe for concurrent use.
type Guard struct {
	cfg  Config
	left atomic.Int64
	state
}

// New returns a guard of one port.
func New(cfg Config) *Guard {
	if cfg.Timeout <= 0 {
		cfg.Timeout = defaultTimeout
	}
	if cfg.Sweep < cfg.Timeout {
		cfg.Sweep = max(defaultSweep, cfg.Timeout)
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Guard{cfg: cfg}
}

// kind is what a call does to the store.
type kind uint8

const (
	reading kind = iota
	writing
	sweeping
	kinds
)

func (g *Guard) limit(k kind) time.Duration {
	if k == sweeping {
		return g.cfg.Sweep
	}
	return g.cfg.Timeout
}

func read[T any](ctx context.Context, g *Guard, op string, ask func(context.Context) (T, error)) (T, error) {
	return call(ctx, g, reading, op, ask)
}

func write[T any](ctx context.Context, g *Guard, op string, ask func(context.Context) (T, error)) (T, error) {
	return call(ctx, g, writing, op, ask)
}

func sweep(ctx context.Context, g *Guard, op string, ask func(context.Context) (int, error)) (int, error) {
	return call(ctx, g, sweeping, op, ask)
}

// do is write for a call that returns an error alone.
func do(ctx context.Context, g *Guard, op string, ask func(context.Context) error) error {
	_, err := write(ctx, g, op, func(ctx context.Context) (struct{}, error) { return struct{}{}, ask(ctx) })
	return err
}

// call asks the store, and returns the zero value with every error.
func call[T any](ctx context.Context, g *Guard, k kind, op string, ask func(context.Context) (T, error)) (T, error) {
	var none T
	if err := ctx.Err(); err != nil {
		return none, err
	}
	if g.left.Load() >= mostLeft {
		return none, g.failed(k, &Error{Port: g.cfg.Port, Op: op, Class: Stuck, Err: errStuck})
	}
	grace := g.cfg.Timeout / graceShare
	bounded, cancel := context.WithTimeout(ctx, g.limit(k)-grace)
	defer cancel()
	asked := start(bounded, g, op, ask)
	value, err := asked.wait(bounded, grace)
	if err = g.settle(ctx, bounded, k, op, err); err != nil {
		return none, err
	}
	return value, nil
}

// settle notes what became of a call, and says what the caller is told. A caller
// that left says nothing about the store.
func (g *Guard) settle(ctx, bounded context.Context, k kind, op string, err error) error {
	switch {
	case err == nil || answered(err):
		g.well(k)
		return err
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		return err
	case ctx.Err() != nil:
		return errors.Join(ctx.Err(), err)
	}
	var e *Error
	if !errors.As(err, &e) {
		e = &Error{Port: g.cfg.Port, Op: op, Class: classOfDriver(err), Err: err}
	}
	if bounded.Err() != nil && e.Class != Panic {
		e.Class = Timeout
	}
	return g.failed(k, e)
}

// answered reports an error that is the store's answer.
func answered(err error) bool {
	for _, answer := range []error{authn.ErrNotFound, authn.ErrConflict, authn.ErrEmailTaken, authn.ErrAPIKeyLimit, session.ErrLimit} {
		if errors.Is(err, answer) {
			return true
		}
	}
	return false
}
