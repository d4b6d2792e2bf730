package audit_test

import (
	"context"
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

// tells returns the events of the type that a bus has told of since.
func tells(bus *audit.Bus, what audit.Type) func() []audit.Event {
	var mu sync.Mutex
	var events []audit.Event
	bus.Subscribe(audit.ListenerFunc(func(_ context.Context, e audit.Event) {
		mu.Lock()
		defer mu.Unlock()
		if e.Type == what {
			events = append(events, e)
		}
	}))
	return func() []audit.Event {
		mu.Lock()
		defer mu.Unlock()
		return events
	}
}

func TestCheckTellsWhatItFinds(t *testing.T) {
	t.Parallel()
	kit := newKit(t)
	kit.fill(t, chainLength)
	for name, c := range map[string]struct {
		do     func(*tampered)
		detail map[string]string
		log    string
	}{
		"sound":   {func(*tampered) {}, nil, `level=INFO msg="the audit journal was verified" entries=1203 dropped=0 waiting=0 checkpoint=1203:`},
		"altered": {func(s *tampered) { s.at(17).Payload = nil }, map[string]string{"count": "1", "first": "altered: 17"}, `count=1 faults="[altered: 17]"`},
		"many": {func(s *tampered) {
			for i := range s.entries {
				s.entries[i].Hash = nil
			}
		}, map[string]string{"count": "more than 1000", "first": "altered: 1"}, `count="more than 1000" faults="[altered: 1 altered: 2 `},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := tamper(t, kit.store)
			c.do(s)
			j := newKit(t, func(d *audit.JournalDeps) { d.Store = s })
			told := tells(j.bus, audit.AuditTampered)
			report, err := j.Check(t.Context())
			require.NoError(t, err)
			assert.Contains(t, j.log.String(), c.log)
			assert.Equal(t, c.detail == nil, report.OK())
			if c.detail == nil {
				assert.Empty(t, told())
				return
			}
			require.Len(t, told(), 1)
			assert.Equal(t, c.detail, told()[0].Detail)
			assert.Contains(t, j.log.String(), `level=ERROR msg="the audit journal was changed by somebody else: see docs/audit.md for what to do"`)
			assert.Less(t, len(j.log.String()), 1000)
		})
	}
}

// A program knows the end that it made itself: a database that is set back while it runs is found by it, without a checkpoint that somebody kept.
func TestCheckFindsADatabaseThatWasSetBack(t *testing.T) {
	t.Parallel()
	inner := newKit(t).store
	s := &switched{JournalStore: inner}
	kit := newKit(t, func(d *audit.JournalDeps) { d.Store = s })
	kit.fill(t, 3)
	earlier := tamper(t, inner)
	kit.fill(t, 2)
	report, err := kit.Check(t.Context())
	require.NoError(t, err)
	require.True(t, report.OK())
	s.JournalStore = earlier
	report, err = kit.Check(t.Context())
	require.NoError(t, err)
	assert.Equal(t, one(audit.RolledBack, 5), report.Faults)
	kept, err := audit.ParseCheckpoint("4:00")
	require.NoError(t, err)
	report, err = kit.Check(t.Context(), kept)
	require.NoError(t, err)
	assert.Equal(t, append(one(audit.RolledBack, 4), one(audit.RolledBack, 5)...), report.Faults)
}

// switched is a store in whose place another can be put, and whose head somebody can change.
type switched struct {
	audit.JournalStore
	headless atomic.Bool
}

func (s *switched) ChainEvents(ctx context.Context, limit int, link func(audit.Head, []audit.Waiting) ([]audit.Entry, audit.Head, error)) (int, error) {
	return s.JournalStore.ChainEvents(ctx, limit, func(h audit.Head, list []audit.Waiting) ([]audit.Entry, audit.Head, error) {
		if s.headless.Load() {
			h.MAC = nil
		}
		return link(h, list)
	})
}

// The chain is verified five minutes after the start, for programs that are started often, and then each time the duration has passed.
func TestWatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		kit := newKit(t)
		kit.fill(t, 3)
		s := tamper(t, kit.store)
		s.drop(2)
		j := newKit(t, func(d *audit.JournalDeps) { d.Store, d.Now = s, time.Now })
		told := tells(j.bus, audit.AuditTampered)
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { j.Watch(ctx, 24*time.Hour) })
		for _, step := range []struct {
			passes time.Duration
			told   int
		}{{5*time.Minute - 1, 0}, {1, 1}, {24*time.Hour - 1, 1}, {1, 2}} {
			time.Sleep(step.passes)
			synctest.Wait()
			require.Len(t, told(), step.told)
		}
		cancel()
		running.Wait()
		assert.Equal(t, 2, strings.Count(j.log.String(), "level=ERROR"))
		j.Watch(t.Context(), 0) // returns
	})
}

func TestCheckThatCannotBeMade(t *testing.T) {
	t.Parallel()
	kit := newKit(t)
	s := &switched{JournalStore: kit.store}
	j := newKit(t, func(d *audit.JournalDeps) { d.Store = s })
	s.JournalStore = unreadable{kit.store}
	told := tells(j.bus, audit.AuditTampered)
	_, err := j.Check(t.Context())
	require.ErrorIs(t, err, errDown)
	assert.Contains(t, j.log.String(), `level=WARN msg="the audit journal could not be verified"`)
	assert.Empty(t, told())
}

type unreadable struct{ audit.JournalStore }

func (unreadable) Head(context.Context) (audit.Head, error) { return audit.Head{}, errDown }

// A head that was changed, and a chain that was set back, are told of when the next event is to be chained, and once.
func TestChainThatCannotGoOnIsToldOfAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		inner := memstore.New()
		s := &switched{JournalStore: inner}
		kit := newKit(t, func(d *audit.JournalDeps) { d.Store, d.Now = s, time.Now })
		told := tells(kit.bus, audit.AuditTampered)
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { kit.Run(ctx) })
		next := func() {
			kit.bus.Emit(t.Context(), audit.Event{Type: audit.UserRegistered})
			time.Sleep(5 * time.Second)
			synctest.Wait()
		}
		next()
		require.Empty(t, told())
		s.headless.Store(true)
		next()
		next()
		require.Len(t, told(), 1)
		assert.Equal(t, map[string]string{"count": "1", "first": "bad_head: 0"}, told()[0].Detail)
		s.headless.Store(false)
		next()
		s.headless.Store(true)
		next()
		assert.Len(t, told(), 2, "again")
		cancel()
		running.Wait()
	})
}
