package audit_test

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/audit"
)

// heard is a bus that gives IDs, and what it told.
func heard() (*audit.Bus, *[]audit.Event) {
	bus := audit.NewBus(nil, func() time.Time { return epoch }, audit.WithIDs(rand.Reader))
	events := &[]audit.Event{}
	var mu sync.Mutex
	bus.Subscribe(audit.ListenerFunc(func(_ context.Context, e audit.Event) {
		mu.Lock()
		defer mu.Unlock()
		*events = append(*events, e)
	}))
	return bus, events
}

func waitingOf(t *testing.T, ctx context.Context, outcome any) (ids []string) {
	t.Helper()
	list, err := audit.AttachedTo(ctx).Waiting(outcome)
	require.NoError(t, err)
	for _, w := range list {
		ids = append(ids, w.ID)
	}
	return ids
}

func TestActIsToldAsItWasWritten(t *testing.T) {
	t.Parallel()
	bus, events := heard()
	act := bus.Act(audit.Event{Type: audit.UserRegistered, Subject: "u1"}, audit.Event{Type: audit.RoleAssigned, ID: "own", Time: epoch.Add(-time.Hour)})
	require.Empty(t, audit.AttachedTo(t.Context()))
	ctx := act.In(t.Context())
	first := waitingOf(t, ctx, nil)
	assert.Equal(t, first, waitingOf(t, ctx, "after a rollback"), "the same events")
	assert.Empty(t, *events, "nothing is told before the act is done")
	act.Tell(t.Context())
	require.Len(t, *events, 2)
	assert.Equal(t, first, []string{(*events)[0].ID, (*events)[1].ID})
	assert.Len(t, first[0], 32)
	assert.Equal(t, "own", first[1])
	assert.Equal(t, epoch, (*events)[0].Time)
	assert.Equal(t, epoch.Add(-time.Hour), (*events)[1].Time)
}

func ofNames(outcome any) (events []audit.Event) {
	names, _ := outcome.([]string)
	for _, name := range names {
		events = append(events, audit.Event{Type: audit.SessionEnded, SessionID: name})
	}
	return events
}

func TestActOfAnOutcome(t *testing.T) {
	t.Parallel()
	bus, events := heard()
	act := bus.ActOf(ofNames)
	ctx := act.In(t.Context())
	require.Empty(t, waitingOf(t, ctx, nil))
	rolledBack := waitingOf(t, ctx, []string{"a"})
	written := waitingOf(t, ctx, []string{"a", "b"})
	assert.Equal(t, rolledBack[0], written[0], "what may have been written has the same ID")
	audit.AttachedTo(ctx).Recorded()
	act.TellOf(t.Context(), []string{"another", "answer", "of the caller"})
	require.Len(t, *events, 2, "what was written is told")
	assert.Equal(t, written, []string{(*events)[0].ID, (*events)[1].ID})
	assert.Equal(t, "b", (*events)[1].SessionID)
}

// What a listener tells of with the context it was given is an event of its own, and is written.
func TestEventOfAListenerIsWritten(t *testing.T) {
	t.Parallel()
	kit := newKit(t)
	bus, _ := heard()
	kit.Journal.Subscribe(bus)
	bus.Subscribe(audit.ListenerFunc(func(ctx context.Context, e audit.Event) {
		if e.Type == audit.UserRegistered {
			bus.Emit(ctx, audit.Event{Type: audit.AccessDenied, Subject: "u2"})
			bus.Act(audit.Event{Type: audit.RoleAssigned, Subject: "u3"}).Tell(ctx)
		}
	}))
	act := bus.Act(audit.Event{Type: audit.UserRegistered, Subject: "u1"})
	waiting, err := audit.AttachedTo(act.In(t.Context())).Waiting(nil)
	require.NoError(t, err)
	require.NoError(t, kit.store.PutEvents(t.Context(), waiting...))
	audit.AttachedTo(act.In(t.Context())).Recorded()
	act.Tell(t.Context())
	require.NoError(t, kit.Flush(t.Context()))
	assert.ElementsMatch(t, []audit.Type{audit.UserRegistered, audit.AccessDenied, audit.RoleAssigned}, kit.types(t))
}

// A caller that gave up has told nothing; the store that is still at it writes what it does.
func TestActOfAStoreThatWasGivenUp(t *testing.T) {
	t.Parallel()
	bus, events := heard()
	act := bus.ActOf(ofNames)
	ctx := act.In(t.Context())
	act.TellOf(t.Context(), nil)
	assert.Empty(t, *events)
	assert.Len(t, waitingOf(t, ctx, []string{"a", "b"}), 2)
}

func TestOfferedActIsSettledByTheService(t *testing.T) {
	t.Parallel()
	bus, events := heard()
	require.Nil(t, audit.Offered(t.Context()))
	act := bus.ActOf(ofNames)
	ctx := act.Offer(t.Context())
	require.Empty(t, audit.AttachedTo(ctx), "an offer reaches no store by itself")
	offered := audit.Offered(ctx)
	offered.Settle([]string{"s1"})
	own := bus.Act(audit.Event{Type: audit.LoginSucceeded})
	ids := waitingOf(t, own.In(offered.In(ctx)), 7)
	require.Len(t, ids, 2)
	act.TellOf(t.Context(), []string{"other"})
	require.Len(t, *events, 1)
	assert.Equal(t, "s1", (*events)[0].SessionID)
	assert.Equal(t, ids[0], (*events)[0].ID)
}

func TestNoActDoesNothing(t *testing.T) {
	t.Parallel()
	var bus *audit.Bus
	for _, act := range []*audit.Act{bus.Act(audit.Event{Type: audit.UserRegistered}), bus.ActOf(ofNames), nil} {
		ctx := act.Offer(act.In(t.Context()))
		assert.Equal(t, t.Context(), ctx)
		act.Settle(nil)
		act.Tell(ctx)
		act.TellOf(ctx, nil)
	}
}

// An act without an ID cannot be written twice and be one: a bus that gives none is no bus for a journal.
func TestActWithoutIDIsNotWritten(t *testing.T) {
	t.Parallel()
	bus, _ := newBus()
	_, err := audit.AttachedTo(bus.Act(audit.Event{Type: audit.UserRegistered}).In(t.Context())).Waiting(nil)
	assert.ErrorContains(t, err, "without an ID")
}

func TestIDsNeedNoSource(t *testing.T) {
	t.Parallel()
	bus := audit.NewBus(nil, nil, audit.WithIDs(iotest.ErrReader(errors.New("none"))))
	ids := map[string]bool{}
	bus.Subscribe(audit.ListenerFunc(func(_ context.Context, e audit.Event) { ids[e.ID] = true }))
	for range 100 {
		bus.Emit(t.Context(), audit.Event{Type: audit.LoginFailed})
	}
	assert.Len(t, ids, 100)
}
