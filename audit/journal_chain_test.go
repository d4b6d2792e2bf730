package audit_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/store/memstore"
)

func TestKeysChange(t *testing.T) {
	t.Parallel()
	old := newKit(t)
	old.fill(t, 3)
	with := func(key string, previous ...string) journalKit {
		return newKit(t, func(d *audit.JournalDeps) {
			d.Store, d.Key = old.store, secretOf(key)
			for _, p := range previous {
				d.Previous = append(d.Previous, secretOf(p))
			}
		})
	}
	next := with("next", "key")
	next.fill(t, 3)
	assert.Equal(t, 6, next.sound(t).Entries)
	old.bus.Emit(t.Context(), audit.Event{Type: audit.UserDisabled})
	_, err := old.Chain(t.Context())
	require.ErrorIs(t, err, audit.ErrJournalBroken, "a node that knows the old key alone")
	n, err := old.store.WaitingEvents(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 1, n, "leaves it to those that know the new one")
	next.fill(t, 0)
	assert.Equal(t, 7, next.sound(t).Entries)
	report, err := with("next").Verify(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []audit.Fault{{Kind: audit.UnknownKey, Seq: 1, Last: 1}, {Kind: audit.UnknownKey, Seq: 2, Last: 2}, {Kind: audit.UnknownKey, Seq: 3, Last: 3}}, report.Faults)
	report, err = with("stranger").Verify(t.Context())
	require.NoError(t, err)
	assert.Equal(t, audit.BadHead, report.Faults[0].Kind)
}

func TestRetention(t *testing.T) {
	t.Parallel()
	now := epoch
	kit := newKit(t, func(d *audit.JournalDeps) { d.Keep, d.Now = 24*time.Hour, func() time.Time { return now } })
	kit.fill(t, 1200)
	before := kit.sound(t).Checkpoint
	now = now.Add(25 * time.Hour)
	kit.fill(t, 5)
	n, err := kit.Prune(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 1200, n)
	report := kit.sound(t, before)
	assert.Equal(t, 5, report.Entries)
	assert.EqualValues(t, 1200, report.Dropped)
	assert.EqualValues(t, 1201, report.First)
	now = now.Add(25 * time.Hour)
	n, err = kit.Prune(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 5, n)
	assert.Zero(t, kit.sound(t).Entries)
	kit.fill(t, 1)
	assert.EqualValues(t, 1206, kit.sound(t).Last)
	forever := newKit(t, func(d *audit.JournalDeps) { d.Now = func() time.Time { return now } })
	forever.fill(t, 1)
	now = now.Add(100 * 365 * 24 * time.Hour)
	n, err = forever.Prune(t.Context())
	require.NoError(t, err)
	assert.Zero(t, n)
}

// Entries that are dropped and chained while the chain is read are no faults.
func TestVerifyWhileTheChainMoves(t *testing.T) {
	t.Parallel()
	var now atomic.Int64
	kit := newKit(t, func(d *audit.JournalDeps) {
		d.Keep, d.Now = time.Hour, func() time.Time { return epoch.Add(time.Duration(now.Load())) }
	})
	kit.fill(t, 600)
	var all sync.WaitGroup
	all.Go(func() {
		for range 30 {
			kit.bus.Emit(context.Background(), audit.Event{Type: audit.UserEnabled})
			_ = kit.Flush(context.Background())
			now.Add(int64(5 * time.Minute))
			_, _ = kit.Prune(context.Background())
		}
	})
	for range 30 {
		report, err := kit.Verify(t.Context())
		if !errors.Is(err, audit.ErrJournalMoving) {
			require.NoError(t, err)
		}
		require.Empty(t, report.Faults)
	}
	all.Wait()
	kit.sound(t)
}

// pruning is a store of which old entries are dropped each time a page but the first was read.
type pruning struct {
	audit.JournalStore
	drop func()
}

func (s *pruning) Entries(ctx context.Context, q audit.Query) ([]audit.Entry, error) {
	list, err := s.JournalStore.Entries(ctx, q)
	if q.After > 0 && s.drop != nil {
		s.drop()
	}
	return list, err
}

// A chain that takes longer to read than it is from one sweep to the next can be verified all the same: what was dropped after it was read is no matter. What
// somebody removed meanwhile is found.
func TestVerifyOfAChainThatIsAlwaysDroppedFrom(t *testing.T) {
	t.Parallel()
	for name, removed := range map[string]bool{"sound": false, "removed": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := epoch
			inner := memstore.New()
			store := &pruning{JournalStore: inner}
			kit := newKit(t, func(d *audit.JournalDeps) { d.Store, d.Keep, d.Now = store, time.Hour, func() time.Time { return now } })
			for i := range chainLength {
				kit.bus.Emit(t.Context(), audit.Event{Type: audit.UserRegistered, Subject: fmt.Sprint("u", i+1)})
				now = now.Add(time.Second)
			}
			require.NoError(t, kit.Flush(t.Context()))
			reader := store
			if removed {
				copied := tamper(t, inner)
				copied.drop(900)
				reader = &pruning{JournalStore: &withHead{copied, inner}}
			}
			now = epoch.Add(time.Hour)
			pruned := 0
			reader.drop = func() {
				now = now.Add(time.Second)
				n, err := kit.Prune(context.Background())
				require.NoError(t, err)
				pruned += n
			}
			verifier := newKit(t, func(d *audit.JournalDeps) { d.Store = reader })
			report, err := verifier.Verify(t.Context())
			require.NoError(t, err)
			assert.Positive(t, pruned)
			if removed {
				assert.Equal(t, one(audit.Missing, 900), report.Faults)
				return
			}
			assert.Empty(t, report.Faults)
			assert.GreaterOrEqual(t, report.Entries, chainLength-pruned)
		})
	}
}

// flipping is a store whose head somebody sets back each time before the chain is read, and forth again after it.
type flipping struct {
	*tampered
	old   audit.Head
	heads int
}

func (s *flipping) Head(ctx context.Context) (audit.Head, error) {
	if s.heads++; s.heads%2 == 1 {
		return s.old, nil
	}
	return s.tampered.Head(ctx)
}

// Entries are dropped and never come back: who feigns that, so that the chain is read anew and nothing is said of it, is found.
func TestVerifyIsNotKeptFromAnAnswer(t *testing.T) {
	t.Parallel()
	now := epoch
	kit := newKit(t, func(d *audit.JournalDeps) { d.Keep, d.Now = time.Hour, func() time.Time { return now } })
	kit.fill(t, 20)
	before, err := kit.store.Head(t.Context())
	require.NoError(t, err)
	now = now.Add(2 * time.Hour)
	kit.fill(t, 3)
	n, err := kit.Prune(t.Context())
	require.NoError(t, err)
	require.Equal(t, 20, n)
	s := &flipping{tampered: tamper(t, kit.store), old: before}
	s.drop(22)
	report, err := newKit(t, func(d *audit.JournalDeps) { d.Store = s }).Verify(t.Context())
	require.NoError(t, err)
	require.NotEmpty(t, report.Faults)
	assert.Equal(t, audit.BadHead, report.Faults[0].Kind)
}

// deafPages is a store that heeds no context, and counts its pages; the reader has enough after the first.
type deafPages struct {
	audit.JournalStore
	enough func()
	pages  int
}

func (s *deafPages) Entries(ctx context.Context, q audit.Query) ([]audit.Entry, error) {
	s.pages++
	s.enough()
	return s.JournalStore.Entries(context.WithoutCancel(ctx), q)
}

func (s *deafPages) Head(ctx context.Context) (audit.Head, error) {
	return s.JournalStore.Head(context.WithoutCancel(ctx))
}

// A long chain does not hold up the stop of a program, whatever its store does.
func TestVerifyStopsAtOnce(t *testing.T) {
	t.Parallel()
	kit := newKit(t)
	kit.fill(t, chainLength)
	ctx, cancel := context.WithCancel(t.Context())
	s := &deafPages{JournalStore: kit.store, enough: cancel}
	_, err := newKit(t, func(d *audit.JournalDeps) { d.Store = s }).Verify(ctx)
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, 1, s.pages)
}

// withHead has the entries of one store and the head of another.
type withHead struct {
	*tampered
	head audit.JournalStore
}

func (s *withHead) Head(ctx context.Context) (audit.Head, error) { return s.head.Head(ctx) }
