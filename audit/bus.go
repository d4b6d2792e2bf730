package audit

import (
	"context"
	"fmt"
	"io"
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
	// random is nil for a bus that gives no IDs.
	random io.Reader

	mu        sync.RWMutex
	listeners []Listener
}

// BusOption changes what [NewBus] makes.
type BusOption func(*Bus)

// WithIDs gives each event an ID of 128 random bits, unless it has one. The source must never give the same twice, and
// be safe for concurrent use, such as crypto/rand.Reader.
func WithIDs(random io.Reader) BusOption { return func(b *Bus) { b.random = random } }

// NewBus returns a Bus without listeners. A nil log is slog's default, a nil now is time.Now. Events get IDs by [WithIDs] alone;
// a [Journal] gives one to each event that has none.
func NewBus(log *slog.Logger, now func() time.Time, options ...BusOption) *Bus {
	if log == nil {
		log = slog.Default()
	}
	if now == nil {
		now = time.Now
	}
	b := &Bus{log: log, now: now}
	for _, option := range options {
		option(b)
	}
	return b
}

// Subscribe adds a listener for all events to come.
func (b *Bus) Subscribe(l Listener) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.listeners = append(b.listeners[:len(b.listeners):len(b.listeners)], l)
}

// Emit tells every listener. It returns when all have been told.
func (b *Bus) Emit(ctx context.Context, e Event) {
	if Recorded(ctx) { // of the event that the caller, a listener, was told of
		ctx = context.WithValue(ctx, toldKey{}, false)
	}
	b.emit(ctx, e)
}

func (b *Bus) emit(ctx context.Context, e Event) {
	if b == nil {
		return
	}
	e = b.stamped(e)
	b.mu.RLock()
	listeners := b.listeners
	b.mu.RUnlock()
	for _, l := range listeners {
		b.tell(ctx, l, e)
	}
}

// stamped is e with a time, and an ID where the bus gives them.
func (b *Bus) stamped(e Event) Event {
	if e.Time.IsZero() {
		e.Time = b.now()
	}
	if e.ID == "" && b.random != nil {
		e.ID = newID(b.random)
	}
	return e
}

func (b *Bus) tell(ctx context.Context, l Listener, e Event) {
	defer func() {
		if p := recover(); p != nil {
			b.log.ErrorContext(ctx, "audit listener panicked", "event", string(e.Type), "listener", fmt.Sprintf("%T", l))
		}
	}()
	l.On(ctx, e)
}
