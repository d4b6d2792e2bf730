package audit_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/store/memstore"
)

// secretOf is a key of a journal.
func secretOf(name string) []byte { return []byte(fmt.Sprintf("%-32s", name)) }

// failing is a store that can be down.
type failing struct {
	audit.JournalStore
	down atomic.Bool
	puts atomic.Int64
}

var errDown = errors.New("the store is down")

func (f *failing) PutEvents(ctx context.Context, events ...audit.Waiting) error {
	f.puts.Add(1)
	if f.down.Load() {
		return errDown
	}
	return f.JournalStore.PutEvents(ctx, events...)
}

type logBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}

type journalKit struct {
	*audit.Journal
	store *failing
	log   *logBuffer
	bus   *audit.Bus
}

func newKit(t *testing.T, change ...func(*audit.JournalDeps)) journalKit {
	t.Helper()
	kit := journalKit{store: &failing{JournalStore: memstore.New()}, log: &logBuffer{}}
	deps := audit.JournalDeps{Store: kit.store, Key: secretOf("key"), Log: slog.New(slog.NewTextHandler(kit.log, nil)), Now: func() time.Time { return epoch }}
	for _, do := range change {
		do(&deps)
	}
	journal, err := audit.NewJournal(deps)
	require.NoError(t, err)
	kit.Journal, kit.bus = journal, audit.NewBus(deps.Log, deps.Now)
	journal.Subscribe(kit.bus)
	return kit
}

func (k journalKit) types(t *testing.T) (types []audit.Type) {
	t.Helper()
	list, err := k.Entries(t.Context(), audit.Query{Limit: 100_000})
	require.NoError(t, err)
	for _, e := range list {
		types = append(types, e.Type)
	}
	return types
}

func (k journalKit) sound(t *testing.T, kept ...audit.Checkpoint) audit.Report {
	t.Helper()
	report, err := k.Verify(t.Context(), kept...)
	require.NoError(t, err)
	require.Empty(t, report.Faults)
	require.True(t, report.OK())
	return report
}

func (k journalKit) fill(t *testing.T, n int) {
	t.Helper()
	for i := range n {
		k.bus.Emit(t.Context(), audit.Event{Type: audit.UserRegistered, Subject: fmt.Sprint("u", i+1)})
	}
	require.NoError(t, k.Flush(t.Context()))
}

func TestEventsOfActsAreWrittenBeforeTheCallerGoesOn(t *testing.T) {
	t.Parallel()
	kit := newKit(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	kit.bus.Emit(ctx, audit.Event{Type: audit.UserRegistered, Subject: "u1"})
	n, err := kit.store.WaitingEvents(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 1, n, "a caller that left stops no event of what is done")
	n, err = kit.Chain(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 1, n)
	assert.Equal(t, []audit.Type{audit.UserRegistered}, kit.types(t))
	report := kit.sound(t)
	assert.Equal(t, audit.Report{Entries: 1, First: 1, Last: 1, Checkpoint: report.Checkpoint}, report)
	assert.EqualValues(t, 1, report.Checkpoint.Seq)
	assert.Len(t, report.Checkpoint.Hash, 32)
}

func TestRecordedEventsAreNotWrittenAgain(t *testing.T) {
	t.Parallel()
	kit := newKit(t)
	bus, _ := heard()
	kit.Journal.Subscribe(bus)
	act := bus.Act(audit.Event{Type: audit.UserRegistered})
	ctx := act.In(t.Context())
	list, err := audit.AttachedTo(ctx).Waiting(nil)
	require.NoError(t, err)
	require.NoError(t, kit.store.PutEvents(t.Context(), list...))
	act.Tell(t.Context())
	puts := kit.store.puts.Load()
	assert.EqualValues(t, 2, puts, "the store has not said that it wrote it")
	audit.AttachedTo(ctx).Recorded()
	act.Tell(t.Context())
	assert.EqualValues(t, puts, kit.store.puts.Load())
	require.NoError(t, kit.Flush(t.Context()))
	assert.Len(t, kit.types(t), 1, "the ID makes them one")
}

// Nobody waits for the store when a login fails, and what fails is written within 100 ms.
func TestWhatComesWithNoActIsBuffered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		kit := newKit(t)
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { kit.Run(ctx) })
		free := []audit.Type{
			audit.LoginFailed, audit.LoginThrottled, audit.BindingFailed, audit.MFAFailed, audit.StepUpFailed, audit.AccessDenied, audit.AccessGranted, audit.AuthenticatorDisabled, audit.AuditTampered,
		}
		for _, what := range free {
			kit.bus.Emit(t.Context(), audit.Event{Type: what})
		}
		require.Zero(t, kit.store.puts.Load())
		time.Sleep(101 * time.Millisecond)
		synctest.Wait()
		require.EqualValues(t, 1, kit.store.puts.Load(), "in one write")
		time.Sleep(time.Second)
		synctest.Wait()
		assert.Equal(t, free, kit.types(t))
		cancel()
		running.Wait()
	})
}

// A store that stays down, maybe since its disk is full, does not fill the log ten times a second.
func TestStoreThatStaysDownIsWarnedOfNowAndThen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		kit := newKit(t, func(d *audit.JournalDeps) { d.Now = time.Now })
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { kit.Run(ctx) })
		kit.store.down.Store(true)
		kit.bus.Emit(t.Context(), audit.Event{Type: audit.LoginFailed})
		time.Sleep(time.Minute)
		cancel()
		running.Wait()
		assert.Equal(t, 6, strings.Count(kit.log.String(), "level=WARN"))
		assert.Greater(t, kit.store.puts.Load(), int64(500), "it is tried all the same")
	})
}

func TestStoreThatIsDown(t *testing.T) {
	t.Parallel()
	kit := newKit(t, func(d *audit.JournalDeps) { d.Buffer = 3 })
	var told []audit.Event
	kit.bus.Subscribe(audit.ListenerFunc(func(_ context.Context, e audit.Event) {
		if e.Type == audit.AuditDropped {
			told = append(told, e)
		}
	}))
	kit.store.down.Store(true)
	kit.bus.Emit(t.Context(), audit.Event{Type: audit.RoleAssigned, Subject: "u1", Detail: map[string]string{"role": "admin"}})
	assert.Contains(t, kit.log.String(), "level=ERROR")
	assert.Contains(t, kit.log.String(), "event=role.assigned")
	assert.Contains(t, kit.log.String(), "role=admin")
	for range 12 {
		kit.bus.Emit(t.Context(), audit.Event{Type: audit.LoginFailed})
	}
	require.ErrorIs(t, kit.Flush(t.Context()), errDown)
	kit.bus.Emit(t.Context(), audit.Event{Type: audit.LoginFailed})
	require.ErrorIs(t, kit.Flush(t.Context()), errDown)
	assert.Empty(t, told)
	kit.store.down.Store(false)
	require.NoError(t, kit.Flush(t.Context()))
	assert.ElementsMatch(t, []audit.Type{audit.AuditDropped, audit.RoleAssigned, audit.LoginFailed, audit.LoginFailed, audit.AuditDropped}, kit.types(t))
	require.Len(t, told, 2)
	assert.Equal(t, "10", told[0].Detail["count"])
	assert.Equal(t, "1", told[1].Detail["count"], "what was lost while the first report waited")
	require.NoError(t, kit.Flush(t.Context()))
	assert.Len(t, kit.types(t), 5, "and once")
	kit.sound(t)
}

// A flood of what anybody can cause keeps no event of an act out while the store is down; and those are bounded too.
func TestFloodLeavesRoomForActs(t *testing.T) {
	t.Parallel()
	kit := newKit(t, func(d *audit.JournalDeps) { d.Buffer = 3 })
	kit.store.down.Store(true)
	for range 10 {
		kit.bus.Emit(t.Context(), audit.Event{Type: audit.LoginFailed})
	}
	for range 4 {
		kit.bus.Emit(t.Context(), audit.Event{Type: audit.RoleAssigned})
	}
	assert.Equal(t, 3, strings.Count(kit.log.String(), "could not be stored; it is tried again"))
	assert.Equal(t, 1, strings.Count(kit.log.String(), "too many wait: it is not in the journal"))
	kit.store.down.Store(false)
	require.NoError(t, kit.Flush(t.Context()))
	assert.Equal(t, map[audit.Type]int{audit.LoginFailed: 3, audit.RoleAssigned: 3, audit.AuditDropped: 1}, count(kit.types(t)))
	last, err := kit.Entries(t.Context(), audit.Query{Type: audit.AuditDropped, Limit: 1})
	require.NoError(t, err)
	e, err := last[0].Event()
	require.NoError(t, err)
	assert.Equal(t, "8", e.Detail["count"])
}

func count(types []audit.Type) map[audit.Type]int {
	n := map[audit.Type]int{}
	for _, t := range types {
		n[t]++
	}
	return n
}

// A flood is bounded, and every event is in the journal or counted (-race).
func TestFloodLosesNothingUncounted(t *testing.T) {
	t.Parallel()
	kit := newKit(t, func(d *audit.JournalDeps) { d.Buffer = 50 })
	const callers, each = 8, 500
	var all sync.WaitGroup
	done := make(chan struct{})
	var flusher sync.WaitGroup
	flusher.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				_ = kit.Flush(context.Background())
			}
		}
	})
	for range callers {
		all.Go(func() {
			for range each {
				kit.bus.Emit(context.Background(), audit.Event{Type: audit.LoginFailed})
			}
		})
	}
	all.Wait()
	close(done)
	flusher.Wait()
	require.NoError(t, kit.Flush(t.Context()))
	require.NoError(t, kit.Flush(t.Context()))
	list, err := kit.Entries(t.Context(), audit.Query{Limit: 100_000})
	require.NoError(t, err)
	have := 0
	for _, entry := range list {
		e, err := entry.Event()
		require.NoError(t, err)
		if e.Type == audit.AuditDropped {
			var n int
			_, err := fmt.Sscan(e.Detail["count"], &n)
			require.NoError(t, err)
			have += n
			continue
		}
		have++
	}
	assert.Equal(t, callers*each, have)
	kit.sound(t)
}

func TestCheckpointsAreLogged(t *testing.T) {
	t.Parallel()
	now := epoch
	kit := newKit(t, func(d *audit.JournalDeps) { d.Now = func() time.Time { return now } })
	logged := func() (found []audit.Checkpoint) {
		for line := range strings.Lines(kit.log.String()) {
			if _, text, ok := strings.Cut(strings.TrimSpace(line), "checkpoint="); ok {
				c, err := audit.ParseCheckpoint(text)
				require.NoError(t, err)
				found = append(found, c)
			}
		}
		return found
	}
	chain := func(n int) {
		for range n {
			kit.bus.Emit(t.Context(), audit.Event{Type: audit.UserRegistered})
		}
		_, err := kit.Chain(t.Context())
		require.NoError(t, err)
	}
	chain(1)
	require.Len(t, logged(), 1, "the first of a process")
	chain(998)
	require.Len(t, logged(), 1)
	chain(2)
	require.Len(t, logged(), 2, "a thousand")
	now = now.Add(time.Hour)
	chain(0)
	require.Len(t, logged(), 2, "nothing is chained")
	chain(1)
	require.Len(t, logged(), 3, "an hour")
	chain(1)
	require.Len(t, logged(), 3)
	require.NoError(t, kit.Flush(t.Context()))
	require.Len(t, logged(), 4, "the last of a process")
	require.NoError(t, kit.Flush(t.Context()))
	require.Len(t, logged(), 4)
	kit.sound(t, logged()...)
}

func TestCheckpointText(t *testing.T) {
	t.Parallel()
	c := audit.Checkpoint{Seq: 4711, Hash: []byte{0x9f, 0x86}}
	assert.Equal(t, "4711:9f86", c.String())
	read, err := audit.ParseCheckpoint(c.String())
	require.NoError(t, err)
	assert.Equal(t, c, read)
	for _, text := range []string{"", ":", "1", "1:", ":00", "0:00", "-1:00", "x:00", "1:0", "1:zz", "1:00:00"} {
		_, err := audit.ParseCheckpoint(text)
		assert.Error(t, err, text)
	}
}

func TestJournalDemands(t *testing.T) {
	t.Parallel()
	for name, deps := range map[string]audit.JournalDeps{
		"no store": {Key: secretOf("key")}, "no key": {Store: memstore.New()}, "short key": {Store: memstore.New(), Key: []byte("short")},
		"short previous key": {Store: memstore.New(), Key: secretOf("key"), Previous: [][]byte{[]byte("short")}},
	} {
		_, err := audit.NewJournal(deps)
		assert.Error(t, err, name)
	}
	kit := newKit(t, func(d *audit.JournalDeps) { d.Key = secretOf("hunter2") })
	assert.NotContains(t, fmt.Sprintf("%v %+v %#v", kit.Journal, kit.Journal, kit.Journal), "hunter2")
}

// slowStore takes so many events in one call, as one that is given too little time for more.
type slowStore struct {
	audit.JournalStore
	most  int
	calls int
}

func (s *slowStore) PutEvents(ctx context.Context, events ...audit.Waiting) error {
	s.calls++
	if len(events) > s.most {
		return context.DeadlineExceeded
	}
	return s.JournalStore.PutEvents(ctx, events...)
}

func (s *slowStore) ChainEvents(ctx context.Context, limit int, link func(audit.Head, []audit.Waiting) ([]audit.Entry, audit.Head, error)) (int, error) {
	if limit > s.most {
		return 0, context.DeadlineExceeded
	}
	return s.JournalStore.ChainEvents(ctx, limit, link)
}

// A database that is far away or busy has no time for 500 events at once: then they go in smaller steps, and not never.
func TestStoreThatHasNoTimeForLargeBatches(t *testing.T) {
	t.Parallel()
	for _, most := range []int{1, 7, 499} {
		store := &slowStore{JournalStore: memstore.New(), most: most}
		kit := newKit(t, func(d *audit.JournalDeps) { d.Store, d.Buffer = store, 1500 })
		for range 1500 + 200 {
			kit.bus.Emit(t.Context(), audit.Event{Type: audit.LoginFailed})
		}
		tries := 0
		for kit.Flush(t.Context()) != nil {
			tries++
			require.Less(t, tries, 8000, "%d at once", most)
		}
		assert.Equal(t, map[audit.Type]int{audit.LoginFailed: 1500, audit.AuditDropped: 1}, count(kit.types(t)))
		kit.sound(t)
		store.most = audit.ChainBatch
		for round := range 5 {
			store.calls = 0
			for range 1500 {
				kit.bus.Emit(t.Context(), audit.Event{Type: audit.LoginFailed})
			}
			require.NoError(t, kit.Flush(t.Context()))
			if round == 4 {
				assert.LessOrEqual(t, store.calls, 6, "when it has time again, it gets as many at once as before")
			}
		}
	}
}
