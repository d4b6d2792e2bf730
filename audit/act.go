package audit

import (
	"context"
	"sync"
)

// Act is something that is about to be done, with the events that tell of it. A store that keeps the journal writes
// them in the transaction of the act itself, so that neither is ever there without the other; every other store does
// not look at them, and the journal then writes them when they are told:
//
//	act := bus.Act(audit.Event{Type: audit.UserRegistered, Subject: id})
//	if err := users.CreateUser(act.In(ctx), user); err != nil { // nothing is told
//		return err
//	}
//	act.Tell(ctx)
//
// A nil Act, which a nil [Bus] returns, does nothing. It is safe for concurrent use.
type Act struct {
	bus *Bus
	// of makes the events of what the store answered.
	of func(outcome any) []Event

	mu     sync.Mutex
	events []Event
	// fixed says that events do not depend on an outcome any more, recorded that a store has written them.
	fixed, recorded bool
}

// Act returns an act with its events. Their ID and Time are set now.
func (b *Bus) Act(events ...Event) *Act {
	if b == nil {
		return nil
	}
	a := &Act{bus: b, fixed: true}
	a.make(events)
	return a
}

// ActOf returns an act whose events depend on what it brings about, such as which sessions it ends. The function gets what
// the store's documentation says of the method, or what [Act.Settle] or [Act.TellOf] is given; it may be called more
// than once, in the store's transaction too, and must not call the store. It must not mind a value of another type.
func (b *Bus) ActOf(of func(outcome any) []Event) *Act {
	if b == nil {
		return nil
	}
	return &Act{bus: b, of: of}
}

// Settle makes the events before the store is asked, which then does not.
func (a *Act) Settle(outcome any) {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.fixed {
		a.make(a.of(outcome))
		a.fixed = true
	}
}

// make keeps the IDs of an earlier call, so that what a store wrote without being able to say so is written once.
func (a *Act) make(events []Event) {
	before := a.events
	a.events = make([]Event, 0, len(events))
	for i, e := range events {
		if i < len(before) {
			e.ID, e.Time = before[i].ID, before[i].Time
		}
		a.events = append(a.events, a.bus.stamped(e))
	}
}

type (
	attachedKey struct{}
	offeredKey  struct{}
	toldKey     struct{}
)

// In returns a context for the one call of the store that does the act. The events go with the next write of that
// context which changes something, so it must reach no other.
func (a *Act) In(ctx context.Context) context.Context {
	if a == nil {
		return ctx
	}
	before := AttachedTo(ctx)
	return context.WithValue(ctx, attachedKey{}, append(before[:len(before):len(before)], a))
}

// Offer returns a context for a service that does the act by its own store; it finds it with [Offered].
func (a *Act) Offer(ctx context.Context) context.Context {
	if a == nil {
		return ctx
	}
	return context.WithValue(ctx, offeredKey{}, a)
}

// Offered returns the act that the caller wants done, or nil.
func Offered(ctx context.Context) *Act {
	a, _ := ctx.Value(offeredKey{}).(*Act)
	return a
}

// Tell tells the listeners of the events. Call it when the act is done, and not when it failed.
func (a *Act) Tell(ctx context.Context) { a.TellOf(ctx, nil) }

// TellOf is Tell for an act of [Bus.ActOf]; the outcome counts if no store wrote the events.
func (a *Act) TellOf(ctx context.Context, outcome any) {
	if a == nil {
		return
	}
	a.mu.Lock()
	if !a.fixed { // a store that was given up may still be at it: it asks by itself
		a.make(a.of(outcome))
	}
	events, recorded := a.events, a.recorded
	a.mu.Unlock()
	ctx = context.WithValue(ctx, toldKey{}, recorded)
	for _, e := range events {
		a.bus.emit(ctx, e)
	}
}

// Recorded reports, to a listener, an event that a store has written with its act.
func Recorded(ctx context.Context) bool {
	recorded, _ := ctx.Value(toldKey{}).(bool)
	return recorded
}

// Attached are the acts that a store is asked to do by one call.
type Attached []*Act

// AttachedTo returns the acts of the context. It is for stores that keep the journal.
func AttachedTo(ctx context.Context) Attached {
	list, _ := ctx.Value(attachedKey{}).(Attached)
	return list
}

// Waiting returns the events as they are to be written with the act, which has the given outcome. A store whose
// transaction was rolled back asks again.
func (l Attached) Waiting(outcome any) ([]Waiting, error) {
	var all []Waiting
	for _, a := range l {
		for _, e := range a.resolve(outcome) {
			w, err := NewWaiting(e)
			if err != nil {
				return nil, err
			}
			all = append(all, w)
		}
	}
	return all, nil
}

func (a *Act) resolve(outcome any) []Event {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.fixed {
		a.make(a.of(outcome))
	}
	return a.events
}

// Recorded notes that the events were written and the transaction is committed.
func (l Attached) Recorded() {
	for _, a := range l {
		a.mu.Lock()
		a.fixed, a.recorded = true, true
		a.mu.Unlock()
	}
}
