package redisstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/rueidis"
)

// inFlight is how many commands may be under way. More wait for one of them, or for the end of their context.
const inFlight = 2048

var errClosed = errors.New("the store is closed")

// within bounds a call in time. A context that is done already has nothing sent.
func (s *Store) within(ctx context.Context) (context.Context, context.CancelFunc, error) {
	if err := ctx.Err(); err != nil {
		return ctx, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.opts.Timeout)
	return ctx, cancel, nil
}

// do sends one command.
func (s *Store) do(ctx context.Context, command rueidis.Completed) rueidis.RedisResult {
	r, err := detached(ctx, s, func(ctx context.Context) rueidis.RedisResult { return s.client.Do(ctx, command) })
	if err != nil {
		return rueidis.NewErrorResult(err)
	}
	return r
}

// doMulti sends several in one go. In a cluster they are in order only within a slot.
func (s *Store) doMulti(ctx context.Context, commands ...rueidis.Completed) []rueidis.RedisResult {
	results, err := detached(ctx, s, func(ctx context.Context) []rueidis.RedisResult { return s.client.DoMulti(ctx, commands...) })
	if err != nil {
		results = make([]rueidis.RedisResult, len(commands))
		for i := range results {
			results[i] = rueidis.NewErrorResult(err)
		}
	}
	return results
}

// detached returns when the context ends, whatever the client does: while it
// dials, and when its queue is full, it waits for the server alone. The call itself goes on to its own end.
func detached[T any](ctx context.Context, s *Store, call func(context.Context) T) (T, error) {
	var none T
	select {
	case s.slots <- struct{}{}:
	case <-ctx.Done():
		return none, ctx.Err()
	case <-s.closed.Done():
		return none, errClosed
	}
	answered := make(chan T, 1)
	go func() {
		defer func() { <-s.slots }()
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.opts.Timeout)
		defer cancel()
		answered <- call(bounded)
	}()
	select {
	case answer := <-answered:
		return answer, nil
	case <-ctx.Done():
		return none, ctx.Err()
	}
}

// run makes steps, each atomic for itself, in one round trip: a script that
// the server does not know was not run, and is sent in full.
func (s *Store) run(ctx context.Context, steps ...step) []rueidis.RedisResult {
	commands := make([]rueidis.Completed, len(steps))
	for i, p := range steps {
		commands[i] = p.cached(s.client.B())
	}
	results := s.doMulti(ctx, commands...)
	var unknown []int
	var again []rueidis.Completed
	for i, r := range results {
		if unknownScript(r.Error()) {
			unknown, again = append(unknown, i), append(again, steps[i].full(s.client.B()))
		}
	}
	if len(again) > 0 {
		for n, r := range s.doMulti(ctx, again...) {
			results[unknown[n]] = r
		}
	}
	return results
}

// step makes one step.
func (s *Store) step(ctx context.Context, code script, keys []string, args ...string) rueidis.RedisResult {
	p := step{script: code, keys: keys, args: args}
	r := s.do(ctx, p.cached(s.client.B()))
	if unknownScript(r.Error()) {
		return s.do(ctx, p.full(s.client.B()))
	}
	return r
}

func unknownScript(err error) bool {
	e, ok := rueidis.IsRedisErr(err)
	return ok && e.IsNoScript()
}

// wrapped says which operation failed. Where the context ended, it is the context's error.
func wrapped(ctx context.Context, what string, err error) error {
	if err == nil {
		return nil
	}
	if ended := ctx.Err(); ended != nil && !errors.Is(err, ended) {
		return fmt.Errorf("redisstore: %s: %w: %w", what, ended, err)
	}
	return fmt.Errorf("redisstore: %s: %w", what, err)
}

// failed returns the first error that is not "nothing there".
func failed(results []rueidis.RedisResult) error {
	for _, r := range results {
		if err := r.Error(); err != nil && !rueidis.IsRedisNil(err) {
			return err
		}
	}
	return nil
}
