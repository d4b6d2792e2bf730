package redisstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/rueidis"
)

// within bounds a call in time. A context that is done already has nothing sent.
func (s *Store) within(ctx context.Context) (context.Context, context.CancelFunc, error) {
	if err := ctx.Err(); err != nil {
		return ctx, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.opts.Timeout)
	return ctx, cancel, nil
}

// run makes steps, each atomic for itself, in one round trip: a script that
// the server does not know was not run, and is sent in full.
func (s *Store) run(ctx context.Context, steps ...step) []rueidis.RedisResult {
	commands := make([]rueidis.Completed, len(steps))
	for i, p := range steps {
		commands[i] = p.cached(s.client.B())
	}
	results := s.client.DoMulti(ctx, commands...)
	var unknown []int
	for i, r := range results {
		if e, ok := rueidis.IsRedisErr(r.Error()); ok && e.IsNoScript() {
			unknown = append(unknown, i)
		}
	}
	if len(unknown) == 0 {
		return results
	}
	commands = commands[:0]
	for _, i := range unknown {
		commands = append(commands, steps[i].full(s.client.B()))
	}
	for n, r := range s.client.DoMulti(ctx, commands...) {
		results[unknown[n]] = r
	}
	return results
}

// step makes one step.
func (s *Store) step(ctx context.Context, code script, keys []string, args ...string) rueidis.RedisResult {
	p := step{script: code, keys: keys, args: args}
	r := s.client.Do(ctx, p.cached(s.client.B()))
	if e, ok := rueidis.IsRedisErr(r.Error()); ok && e.IsNoScript() {
		return s.client.Do(ctx, p.full(s.client.B()))
	}
	return r
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
