package authn

import "time"

// limit says how many failures there may be in a window, and for how long they
// lock. Its methods compute and do nothing else.
type limit struct {
	most   int64
	window time.Duration
	// first is how long the first lock lasts at least; each next one lasts twice as long, up to longest.
	// Zero locks until the window ends.
	first, longest time.Duration
}

const (
	// shortestMemory is for how long locks count as being in a row, at least.
	shortestMemory = 10 * time.Minute
	// memoryOfLocks is that in lengths of the last lock.
	memoryOfLocks = 4
)

// wait is for how long the counter is locked, zero if it is not. A lock that
// is farther away than any can be was set by a clock that was wrong.
func (l limit) wait(c Counter, now time.Time) time.Duration {
	left := c.LockedUntil.Sub(now)
	if left <= 0 || left > max(l.window, l.longest) {
		return 0
	}
	return left
}

// count adds a failure to a counter that is not locked.
func (l limit) count(c Counter, now time.Time) Counter {
	if l.ended(c, now) {
		c.WindowStart, c.Failures = now, 0
		if now.Sub(c.LockedUntil) >= l.memory(c.Locks) {
			c.Locks = 0
		}
	}
	c.Failures++
	if c.Failures >= l.most {
		c.LockedUntil = c.WindowStart.Add(l.window)
		if l.first > 0 {
			c.Locks++
			c.LockedUntil = later(c.LockedUntil, now.Add(l.delay(c.Locks)))
		}
	}
	return c
}

// giveBack takes away the failure that was counted in the window, and the lock that it brought about.
func (l limit) giveBack(c Counter, window time.Time) Counter {
	if !c.WindowStart.Equal(window) || c.Failures == 0 {
		return c // the window is over, and its failures with it
	}
	if c.Failures == l.most {
		c.LockedUntil, c.Locks = time.Time{}, max(c.Locks-1, 0)
	}
	c.Failures--
	return c
}

// expires is when the counter is as good as none.
func (l limit) expires(c Counter) time.Time {
	end := later(c.WindowStart.Add(l.window), c.LockedUntil)
	if c.Locks > 0 {
		end = later(end, c.LockedUntil.Add(l.memory(c.Locks)))
	}
	return end
}

// ended reports whether the window is over, or lies where a clock that was wrong has put it.
func (l limit) ended(c Counter, now time.Time) bool {
	return c.WindowStart.IsZero() || now.Sub(c.WindowStart) >= l.window || c.WindowStart.Sub(now) > l.window ||
		c.Failures >= l.most // locked, and the lock is over
}

func (l limit) delay(locks int64) time.Duration {
	d := l.first
	for ; locks > 1 && d < l.longest; locks-- {
		d *= 2
	}
	return min(d, l.longest)
}

func (l limit) memory(locks int64) time.Duration {
	return max(shortestMemory, memoryOfLocks*l.delay(locks))
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// charge is one counter that an attempt is counted in, and how.
type charge struct {
	key   CounterKey
	limit limit
	// windowed false counts consecutive failures alone.
	windowed bool
	// most is how many consecutive failures there may be; 0 does not count them.
	most int64
}

// wait is for how long the counter refuses the attempt.
func (c charge) wait(n Counter, now time.Time) time.Duration {
	if !c.windowed {
		return 0
	}
	return c.limit.wait(n, now)
}

// reserve counts the attempt as a failure. Where there are as many consecutive ones as there may be, spent is true.
func (c charge) reserve(n Counter, now time.Time) (next Counter, spent bool) {
	if c.windowed {
		n = c.limit.count(n, now)
	}
	spent = c.most > 0 && n.Consecutive >= c.most
	if c.most > 0 && !spent {
		n.Consecutive++
	}
	n.Last = now
	return c.kept(n), spent
}

// giveBack undoes reserve, in whose window; a success does away with the consecutive failures.
func (c charge) giveBack(n Counter, window time.Time, success bool) Counter {
	if c.windowed {
		n = c.limit.giveBack(n, window)
	}
	switch {
	case c.most == 0:
	case success:
		n.Consecutive = 0
	default:
		n.Consecutive = max(n.Consecutive-1, 0)
	}
	return c.kept(n)
}

func (c charge) kept(n Counter) Counter {
	n.Expires = time.Time{}
	if n.Consecutive == 0 {
		n.Expires = c.limit.expires(n)
	}
	return n
}
