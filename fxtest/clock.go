package fxtest

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/authmodule/authmodule/audit"
)

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock(start time.Time) *clock { return &clock{now: start} }

// Now is the time of the application under test.
func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Now returns the application's time, which stands still but for [App.Advance].
func (a *App) Now() time.Time { return a.clock.Now() }

// Advance moves the application's time on.
func (a *App) Advance(d time.Duration) {
	a.clock.mu.Lock()
	defer a.clock.mu.Unlock()
	a.clock.now = a.clock.now.Add(d)
}

type recorder struct {
	mu     sync.Mutex
	events []audit.Event
}

// On implements [audit.Listener].
func (r *recorder) On(_ context.Context, e audit.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
}

// Events returns what happened so far, in order: all events, or those of the types.
func (a *App) Events(types ...audit.Type) []audit.Event {
	a.events.mu.Lock()
	defer a.events.mu.Unlock()
	if len(types) == 0 {
		return slices.Clone(a.events.events)
	}
	var out []audit.Event
	for _, e := range a.events.events {
		if slices.Contains(types, e.Type) {
			out = append(out, e)
		}
	}
	return out
}
