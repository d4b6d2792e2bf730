package authn

import (
	"context"
	"errors"
	"hash/maphash"
	"time"

	"github.com/authmodule/authmodule/audit"
)

const (
	// turns is how many counters of a node can have a queue of their own.
	turns = 256
	// changeTries is how often other nodes may come first.
	changeTries = 32
	// retryBusy is when to come again where they did each time.
	retryBusy = time.Second
	// shortestPause and longestPause are between two looks at attempts under way, and longestWait is all of them together.
	shortestPause = 5 * time.Millisecond
	longestPause  = 160 * time.Millisecond
	longestWait   = 5 * time.Second
)

// Attempt is one attempt under way, which counts as a failure until it has
// succeeded; also if nothing is said of it any more, as after a crash. It is for one goroutine. Nil is one that nobody counts.
type Attempt struct {
	throttle *Throttle
	target   Target
	held     []counted
	over     bool
}

// errDeviceSpent: a known device had as many failures in a row as one may have.
var errDeviceSpent = errors.New("authn: the device's failures in a row are used up")

// counted is a counter in which the attempt was counted.
type counted struct {
	charge  charge
	counter Counter
}

// Attempt counts an attempt, and says whether it may be made: before it is, and before anything is
// computed for it. Over a limit the error is a [ThrottledError]; where attempts under way make the difference, it waits
// a few seconds for what becomes of them. It is [ErrAuthenticatorDisabled] where the factor had too
// many failures in a row; the attempt has been counted then like any other.
func (t *Throttle) Attempt(ctx context.Context, x Target) (*Attempt, error) {
	if t == nil {
		return nil, nil
	}
	device, err := t.device(ctx, x)
	if err != nil {
		return nil, err
	}
	charges := t.charges(x, device)
	waited := time.Duration(0)
	for pause := shortestPause; ; pause = min(2*pause, longestPause) {
		a, err := t.attempt(ctx, x, charges)
		if errors.Is(err, errDeviceSpent) {
			charges = t.spentDevice(x, device)
			continue
		}
		var over *ThrottledError
		if !errors.As(err, &over) || !over.busy {
			return a, err
		}
		if waited >= longestWait {
			return nil, &ThrottledError{RetryAfter: retryBusy}
		}
		waited += pause
		if err := sleep(ctx, pause); err != nil {
			return nil, err
		}
	}
}

// attempt is Attempt without waiting.
func (t *Throttle) attempt(ctx context.Context, x Target, charges []charge) (*Attempt, error) {
	now := t.now()
	seen, err := t.look(ctx, charges, now)
	if err != nil {
		return nil, err
	}
	a, disabled := &Attempt{throttle: t, target: x}, false
	for i, c := range charges {
		counter, spent, err := t.reserve(ctx, c, seen[i], now)
		if err != nil {
			a.Cancel(ctx)
			return nil, err
		}
		if spent { // there is no consecutive failure to take back
			c.most, disabled = 0, true
		}
		a.held = append(a.held, counted{c, counter})
	}
	if disabled {
		a.end(ctx, failure)
		return nil, ErrAuthenticatorDisabled
	}
	return a, nil
}

// Done ends the attempt: as not made if err is an error, else as a success or a failure.
func (a *Attempt) Done(ctx context.Context, success bool, err error) {
	switch {
	case err != nil:
		a.Cancel(ctx)
	case success:
		a.Succeed(ctx)
	default:
		a.Fail(ctx)
	}
}

// Succeed takes the attempt back and forgets the consecutive failures of its
// factor. Other failures stay, for they may be somebody else's.
func (a *Attempt) Succeed(ctx context.Context) { a.end(ctx, success) }

// Cancel takes the attempt back. It is for one that was not made, such as for a store that does not answer.
func (a *Attempt) Cancel(ctx context.Context) { a.end(ctx, notMade) }

// Fail leaves the attempt counted, and tells of a limit that it reached.
func (a *Attempt) Fail(ctx context.Context) {
	if a == nil || a.over {
		return
	}
	consecutive := a.consecutive()
	a.end(ctx, failure)
	t, now := a.throttle, a.throttle.now()
	for _, h := range a.held {
		if c := h.counter; h.charge.wait(c, now) > 0 && c.Pending == 0 { // the last to fail
			t.throttled(ctx, a.target, h.charge.key.Kind, c, now)
		}
	}
	a.disabled(ctx, consecutive)
}

// consecutive is how many failures in a row there are, with this one; 0 where they are not counted.
func (a *Attempt) consecutive() int64 {
	for _, h := range a.held {
		if h.charge.most > 0 && h.charge.key.Kind != CounterDevice {
			return h.counter.Consecutive
		}
	}
	return 0
}

// failures is how many there were in a row before this attempt.
func (a *Attempt) failures() int64 {
	if a == nil {
		return 0
	}
	return max(a.consecutive()-1, 0)
}

// disabled tells of the failure that was the last.
func (a *Attempt) disabled(ctx context.Context, consecutive int64) {
	why := ""
	switch consecutive {
	case a.throttle.limits.all:
		why = "all_devices"
	case a.throttle.limits.strangers:
		why = "unknown_devices"
	default:
		return
	}
	x := a.target
	a.throttle.deps.Events.Emit(ctx, audit.Event{
		Type: audit.AuthenticatorDisabled, Tenant: string(x.Subject.Tenant), Subject: x.Subject.ID,
		IP: x.Client.IPText(), UserAgent: x.Client.UserAgent, Reason: why, Detail: map[string]string{"factor": string(x.Factor)},
	})
}

// end goes on when the caller has left: who hangs up after a success must not be counted as a failure.
func (a *Attempt) end(ctx context.Context, o outcome) {
	if a == nil || a.over {
		return
	}
	a.over = true
	ctx = context.WithoutCancel(ctx)
	for i, h := range a.held {
		c, err := a.throttle.change(ctx, h.charge.key, h.counter, func(c Counter) (Counter, error) {
			return h.charge.settle(c, h.counter.WindowStart, o), nil
		})
		if err != nil {
			a.throttle.deps.Log.WarnContext(ctx, "the end of an attempt could not be counted; it stays a failure", "counter", string(h.charge.key.Kind), "error", err)
			continue
		}
		a.held[i].counter = c
	}
}

// look reads all counters, and refuses where one is locked, before any is changed.
func (t *Throttle) look(ctx context.Context, charges []charge, now time.Time) ([]Counter, error) {
	seen := make([]Counter, len(charges))
	var longest time.Duration
	busy := true
	for i, c := range charges {
		var err error
		if seen[i], err = t.deps.Counters.Counter(ctx, c.key); err != nil {
			return nil, wrapped("read a counter", err)
		}
		if wait := c.wait(seen[i], now); wait > 0 {
			longest, busy = max(longest, wait), busy && c.busy(seen[i], now)
		}
	}
	if longest > 0 {
		return nil, &ThrottledError{RetryAfter: longest, busy: busy}
	}
	return seen, nil
}

func (t *Throttle) reserve(ctx context.Context, c charge, seen Counter, now time.Time) (counter Counter, spent bool, err error) {
	counter, err = t.change(ctx, c.key, seen, func(n Counter) (Counter, error) {
		if wait := c.wait(n, now); wait > 0 {
			return Counter{}, &ThrottledError{RetryAfter: wait, busy: c.busy(n, now)}
		}
		if c.yields && n.Consecutive >= c.most {
			return Counter{}, c.spent(n, now)
		}
		n, spent = c.reserve(n, now)
		return n, nil
	})
	return counter, spent, err
}

// change stores what next makes of the counter, which was seen at first. On a node one at a time changes
// it: who has to wait for that reads it again, so that a flood of guesses writes no more than there are guesses to be made.
func (t *Throttle) change(ctx context.Context, k CounterKey, seen Counter, next func(Counter) (Counter, error)) (Counter, error) {
	release, stale, err := t.turn(ctx, k)
	if err != nil {
		return Counter{}, err
	}
	defer release()
	for range changeTries {
		if stale {
			if seen, err = t.deps.Counters.Counter(ctx, k); err != nil {
				return Counter{}, wrapped("read a counter", err)
			}
		}
		c, err := next(seen)
		if err != nil {
			return Counter{}, err
		}
		err = t.deps.Counters.PutCounter(ctx, k, c, seen.Version)
		if stale = errors.Is(err, ErrConflict); !stale {
			c.Version = seen.Version + 1
			return c, wrapped("count an attempt", err)
		}
	}
	return Counter{}, &ThrottledError{RetryAfter: retryBusy}
}

// turn waits until nobody else of this node changes a counter of the key's queue, and says whether it had to.
func (t *Throttle) turn(ctx context.Context, k CounterKey) (release func(), waited bool, err error) {
	mine := t.turns[maphash.Comparable(t.seed, k)%turns]
	release = func() { <-mine }
	select {
	case mine <- struct{}{}:
		return release, false, nil
	default:
	}
	timer := time.NewTimer(longestWait)
	defer timer.Stop()
	select {
	case mine <- struct{}{}:
		return release, true, nil
	case <-timer.C:
		return nil, false, &ThrottledError{RetryAfter: retryBusy}
	case <-ctx.Done():
		return nil, false, ctx.Err()
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// now is the time as stores keep it.
func (t *Throttle) now() time.Time { return t.deps.Now().UTC().Truncate(time.Microsecond) }
