package audit

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Listener is told of every event, on the goroutine of the act. It must be
// safe for concurrent use and should hand slow work to another goroutine. A
// panic in it is logged and goes no further.
type Listener interface {
	On(ctx context.Context, e Event)
}

// ListenerFunc makes a function a [Listener].
type ListenerFunc func(ctx context.Context, e Event)

// On calls f.
func (f ListenerFunc) On(ctx context.Context, e Event) { f(ctx, e) }

// Bus passes events on to its listeners. It is safe for concurrent use, and a
// nil Bus drops every event.
type Bus struct {
	log *slog.Logger
	now func() time.Time

	mu        sync.RWMutex
	listeners []Listener
}

// NewBus returns a Bus without listeners. A nil log is slog's default, a nil now is time.Now.
func NewBus(log *slog.Logger, now func() time.Time) *Bus {
	if log == nil {
		log = slog.Default()
	}
	if now == nil {
		now = time.Now
	}
	return &Bus{log: log, now: now}
}

// Subscribe adds a listener for all events to come.
func (b *Bus) Subscribe(l Listener) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.listeners = append(b.listeners[:len(b.listeners):len(b.listeners)], l)
}

// Emit tells every listener. It returns when all have been told.
func (b *Bus) Emit(ctx context.Context, e Event) {
	if b == nil {
		return
	}
	if e.Time.IsZero() {
		e.Time = b.now()
	}
	b.mu.RLock()
	listeners := b.listeners
	b.mu.RUnlock()
	for _, l := range listeners {
		b.tell(ctx, l, e)
	}
}

func (b *Bus) tell(ctx context.Context, l Listener, e Event) {
	defer func() {
		if p := recover(); p != nil {
			b.log.ErrorContext(ctx, "audit listener panicked", "event", string(e.Type), "listener", fmt.Sprintf("%T", l))
		}
	}()
	l.On(ctx, e)
}
