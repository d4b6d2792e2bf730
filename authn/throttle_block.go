package authn

import (
	"context"
	"errors"
	"sync"
	"time"
)

// mostBlocks is how many clients a node remembers as blocked. More are counted, and blocked when they fail again.
const mostBlocks = 4096

// blocks are the clients of which this node knows that they had too many failures.
type blocks struct {
	mu    sync.Mutex
	until map[string]time.Time
}

// Blocked returns a [ThrottledError] if so many attempts of the client have failed, as [Throttle.Failed] was told, that no
// more are to be looked at. It reads no store: it is for secrets that nobody can guess, such as API keys, where
// a success must cost nothing and a limit keeps a flood from the stores.
func (t *Throttle) Blocked(f Factor, client Client) error {
	if t == nil {
		return nil
	}
	key, now := string(f)+" "+t.network(client.IP), t.deps.Now()
	t.blocks.mu.Lock()
	defer t.blocks.mu.Unlock()
	until, found := t.blocks.until[key]
	switch {
	case !found:
		return nil
	case !until.After(now) || until.Sub(now) > t.limits.address.window+clockSlack:
		delete(t.blocks.until, key)
		return nil
	}
	return &ThrottledError{RetryAfter: until.Sub(now)}
}

// Failed counts a failure of a client, for [Throttle.Blocked].
func (t *Throttle) Failed(ctx context.Context, f Factor, client Client) {
	if t == nil || t.network(client.IP) == "" {
		return
	}
	ctx = context.WithoutCancel(ctx) // hanging up must not help
	charge, now := t.address(f, t.network(client.IP)), t.now()
	seen, err := t.deps.Counters.Counter(ctx, charge.key)
	if err == nil {
		seen, err = t.change(ctx, charge.key, seen, func(c Counter) (Counter, error) {
			if wait := charge.wait(c, now); wait > 0 {
				return Counter{}, &ThrottledError{RetryAfter: wait}
			}
			c = charge.limit.count(c, now)
			c.Last = now
			return charge.kept(c), nil
		})
	}
	var locked *ThrottledError
	switch {
	case errors.As(err, &locked):
		t.block(charge.key.ID, now.Add(locked.RetryAfter), now)
	case err != nil:
		t.deps.Log.WarnContext(ctx, "a failed attempt could not be counted", "factor", string(f), "error", err)
	case charge.wait(seen, now) > 0:
		t.block(charge.key.ID, seen.LockedUntil, now)
		t.throttled(ctx, Target{Factor: f, Client: client}, CounterAddress, seen, now)
	}
}

func (t *Throttle) block(key string, until, now time.Time) {
	t.blocks.mu.Lock()
	defer t.blocks.mu.Unlock()
	if len(t.blocks.until) >= mostBlocks {
		for k, end := range t.blocks.until {
			if !end.After(now) {
				delete(t.blocks.until, k)
			}
		}
	}
	if len(t.blocks.until) < mostBlocks {
		t.blocks.until[key] = until
	}
}
