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
	// clockSlack is by how much two looks at the time may differ that belong together: nodes have clocks of their own,
	// and an attempt may have waited since it looked.
	clockSlack = 5 * time.Minute
)

// wait is for how long the counter is locked, zero if it is not. A lock whose end
// is farther away than any can be was set by a clock that was wrong. One that is so by no more than [clockSlack] holds: it was set after
// the attempt looked at the time, and must not be escaped by that.
func (l limit) wait(c Counter, now time.Time) time.Duration {
	left, most := c.LockedUntil.Sub(now), max(l.window, l.longest)
	if left <= 0 || left > most+clockSlack {
		return 0
	}
	return min(left, most)
}

// count adds a failure to a counter that is not locked.
func (l limit) count(c Counter, now time.Time) Counter {
	if l.ended(c, now) {
		c.WindowStart, c.Failures, c.Pending = now, 0, 0
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

// settle ends an attempt that was counted in the window. One that did not fail is taken away, and with it the lock that it brought about.
func (l limit) settle(c Counter, window time.Time, failed bool) Counter {
	if !c.WindowStart.Equal(window) || c.Failures == 0 {
		return c // the window is over, and its failures with it
	}
	c.Pending = max(c.Pending-1, 0)
	if failed {
		return c
	}
	if c.Failures == l.most {
		c = unlocked(c)
	}
	c.Failures--
	return c
}

// unlocked takes the last lock back. Those before it stay in a row: the last of them ended before the window began.
func unlocked(c Counter) Counter {
	c.LockedUntil, c.Locks = time.Time{}, max(c.Locks-1, 0)
	if c.Locks > 0 {
		c.LockedUntil = c.WindowStart
	}
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
	return c.WindowStart.IsZero() || now.Sub(c.WindowStart) >= l.window || c.WindowStart.Sub(now) > l.window+clockSlack ||
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
