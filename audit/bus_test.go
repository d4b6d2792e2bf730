package audit_test

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/audit"
)

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func newBus() (*audit.Bus, *bytes.Buffer) {
	log := &bytes.Buffer{}
	return audit.NewBus(slog.New(slog.NewTextHandler(log, nil)), func() time.Time { return epoch }), log
}

func TestEmitTellsInTheOrderOfSubscription(t *testing.T) {
	t.Parallel()
	bus, _ := newBus()
	var told []int
	for i := range 5 {
		bus.Subscribe(audit.ListenerFunc(func(context.Context, audit.Event) { told = append(told, i) }))
	}
	for range 2 {
		bus.Emit(t.Context(), audit.Event{Type: audit.LoginFailed})
	}
	assert.Equal(t, []int{0, 1, 2, 3, 4, 0, 1, 2, 3, 4}, told, "and all have been told when Emit returns")
}

type contextKey struct{}

func TestEmitPassesTheEventAndTheContextOn(t *testing.T) {
	t.Parallel()
	bus, _ := newBus()
	var events []audit.Event
	bus.Subscribe(audit.ListenerFunc(func(ctx context.Context, e audit.Event) {
		assert.Equal(t, "request", ctx.Value(contextKey{}))
		events = append(events, e)
	}))
	ctx, cancel := context.WithCancel(context.WithValue(t.Context(), contextKey{}, "request"))
	cancel()
	own := epoch.Add(-time.Hour)
	event := audit.Event{
		Type: audit.RoleAssigned, Tenant: "acme", Subject: "u1", Actor: "u2", SessionID: "s1", IP: "192.0.2.1", UserAgent: "curl", Reason: "r", Detail: map[string]string{"role": "admin"},
	}
	bus.Emit(ctx, event)
	event.Time = own
	bus.Emit(ctx, event)
	stamped := event
	stamped.Time = epoch
	assert.Equal(t, []audit.Event{stamped, event}, events, "a time is set when there is none; a request that ended is told of too")
}

func TestNilBusDropsEvents(t *testing.T) {
	t.Parallel()
	var bus *audit.Bus
	assert.NotPanics(t, func() { bus.Emit(t.Context(), audit.Event{Type: audit.LoginFailed}) })
}

func TestBusDefaults(t *testing.T) {
	t.Parallel()
	bus := audit.NewBus(nil, nil)
	var event audit.Event
	bus.Subscribe(audit.ListenerFunc(func(context.Context, audit.Event) { panic("listener") }))
	bus.Subscribe(audit.ListenerFunc(func(_ context.Context, e audit.Event) { event = e }))
	require.NotPanics(t, func() { bus.Emit(t.Context(), audit.Event{Type: audit.LoginFailed}) })
	assert.False(t, event.Time.IsZero())
}

type panicking struct{ value any }

func (p panicking) On(context.Context, audit.Event) { panic(p.value) }

func TestPanicGoesNoFurtherThanItsListener(t *testing.T) {
	t.Parallel()
	bus, log := newBus()
	told := 0
	count := audit.ListenerFunc(func(context.Context, audit.Event) { told++ })
	bus.Subscribe(count)
	for _, listener := range []audit.Listener{panicking{"hunter2"}, panicking{assert.AnError}, nil, panicking{nil}} {
		bus.Subscribe(listener)
		bus.Subscribe(count)
	}
	require.NotPanics(t, func() { bus.Emit(t.Context(), audit.Event{Type: audit.LoginFailed}) })
	assert.Equal(t, 5, told, "everybody else is told")
	assert.Equal(t, 4, bytes.Count(log.Bytes(), []byte("level=ERROR")))
	assert.Contains(t, log.String(), "event=login.failed")
	assert.Contains(t, log.String(), "panicking")
	assert.NotContains(t, log.String(), "hunter2", "what a listener panics with may hold anything")
}

// A listener may subscribe another one; that is told of the next event.
func TestSubscribeWhileBeingTold(t *testing.T) {
	t.Parallel()
	bus, _ := newBus()
	var late int
	var once sync.Once
	bus.Subscribe(audit.ListenerFunc(func(context.Context, audit.Event) {
		once.Do(func() { bus.Subscribe(audit.ListenerFunc(func(context.Context, audit.Event) { late++ })) })
	}))
	bus.Emit(t.Context(), audit.Event{Type: audit.LoginFailed})
	assert.Zero(t, late)
	bus.Emit(t.Context(), audit.Event{Type: audit.LoginFailed})
	assert.Equal(t, 1, late)
}

// A listener may emit, too: no lock is held while it is told.
func TestEmitWhileBeingTold(t *testing.T) {
	t.Parallel()
	bus, _ := newBus()
	var types []audit.Type
	bus.Subscribe(audit.ListenerFunc(func(ctx context.Context, e audit.Event) {
		types = append(types, e.Type)
		if e.Type == audit.RefreshReused {
			bus.Emit(ctx, audit.Event{Type: audit.SessionEnded})
		}
	}))
	bus.Emit(t.Context(), audit.Event{Type: audit.RefreshReused})
	assert.Equal(t, []audit.Type{audit.RefreshReused, audit.SessionEnded}, types)
}

// With -race this also shows that no slice is shared with a writer.
func TestBusIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	const each = 50
	bus, _ := newBus()
	var first, others atomic.Int64
	bus.Subscribe(audit.ListenerFunc(func(context.Context, audit.Event) { first.Add(1) }))
	var wg sync.WaitGroup
	for range each {
		wg.Go(func() {
			bus.Subscribe(audit.ListenerFunc(func(context.Context, audit.Event) { others.Add(1) }))
		})
		wg.Go(func() { bus.Emit(context.Background(), audit.Event{Type: audit.LoginSucceeded}) })
	}
	wg.Wait()
	assert.EqualValues(t, each, first.Load(), "each event once")
	before := others.Load()
	bus.Emit(t.Context(), audit.Event{Type: audit.LoginSucceeded})
	assert.EqualValues(t, each, others.Load()-before, "no subscription is lost")
}
