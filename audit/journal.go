package audit

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"strconv"
	"sync/atomic"
	"time"
)

// Journal keeps events durably, each in a chain of keyed hashes, so that who can write to the database but has not the key can change
// nothing that was chained without being found out. It is a [Listener]: subscribe it to the bus ([Journal.Subscribe]) and let [Journal.Run]
// run. It is safe for concurrent use, and any number of nodes may share a store.
type Journal struct {
	deps JournalDeps
	ring keyring
	buffer
	// bus is told of lost events; it may be nil.
	bus *Bus
	// marked is the Seq of the last checkpoint that was logged, and markedAt when, in nanoseconds.
	marked, markedAt atomic.Int64
}

// JournalDeps are what a [Journal] works with. Fields without a remark are required.
type JournalDeps struct {
	Store JournalStore
	// Key makes the hashes; it has at least [ShortestKey] bytes. Previous are keys that did before.
	Key      []byte
	Previous [][]byte
	// Keep is how long entries are kept; 0 is for ever.
	Keep time.Duration
	// Buffer is how many events wait in memory at most. Defaults to [DefaultBuffer].
	Buffer int
	// Log is told of checkpoints and of what could not be written. Defaults to slog.Default().
	Log *slog.Logger
	// Now defaults to time.Now, Rand to crypto/rand.
	Now  func() time.Time
	Rand io.Reader
}

const (
	// DefaultBuffer is how many events wait in memory at most, unless told otherwise.
	DefaultBuffer = 10_000
	// ChainBatch is how many events one step moves into the chain at most.
	ChainBatch = 500
	// flushEvery and chainEvery are how often what is buffered is written, and what waits is chained.
	flushEvery = 100 * time.Millisecond
	chainEvery = time.Second
	// putWithin bounds how long an act waits for its event to be written.
	putWithin = 2 * time.Second
	// A checkpoint is logged after so many entries, or when the last was logged so long ago.
	checkpointEntries = 1000
	checkpointEvery   = time.Hour
)

// NewJournal returns a Journal. It does no I/O.
func NewJournal(deps JournalDeps) (*Journal, error) {
	if deps.Store == nil {
		return nil, errors.New("audit: a journal needs a store")
	}
	ring, err := newKeyring(deps.Key, deps.Previous)
	if err != nil {
		return nil, err
	}
	deps.Key, deps.Previous = nil, nil // here they could only be printed
	if deps.Buffer <= 0 {
		deps.Buffer = DefaultBuffer
	}
	if deps.Log == nil {
		deps.Log = slog.Default()
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	if deps.Rand == nil {
		deps.Rand = rand.Reader
	}
	j := &Journal{deps: deps, ring: ring}
	j.most = deps.Buffer
	return j, nil
}

// Subscribe has the bus tell the journal of its events, and its listeners of [AuditDropped]. Call it once, before Run.
func (j *Journal) Subscribe(b *Bus) {
	j.bus = b
	b.Subscribe(j)
}

// On implements [Listener]. What a store has written with the act is not written again. The event of another act is written
// before On returns; when that fails it is logged and kept for another try. What comes with no act, such as a failed
// login, is buffered and written within 100 ms, so that nobody waits for it; of more than fit the number alone is kept.
func (j *Journal) On(ctx context.Context, e Event) {
	if Recorded(ctx) {
		return
	}
	w, err := NewWaiting(j.complete(e))
	if err != nil {
		j.deps.Log.ErrorContext(ctx, "an audit event could not be written down", append(logged(e), slog.Any("error", err))...)
		return
	}
	if !comesWithNoAct(e.Type) {
		if err = j.put(ctx, w); err == nil {
			return
		}
		j.deps.Log.ErrorContext(ctx, "an audit event could not be stored; it is tried again until the program ends", append(logged(e), slog.Any("error", err))...)
	}
	j.add(w)
}

func (j *Journal) complete(e Event) Event {
	if e.Time.IsZero() {
		e.Time = j.deps.Now()
	}
	if e.ID == "" {
		e.ID = newID(j.deps.Rand)
	}
	return e
}

func logged(e Event) (args []any) {
	for _, a := range attrs(e) {
		args = append(args, a)
	}
	return args
}

// comesWithNoAct reports what happens as often as somebody likes.
func comesWithNoAct(t Type) bool {
	switch t {
	case LoginFailed, LoginThrottled, BindingFailed, MFAFailed, StepUpFailed, AccessDenied, AccessGranted, AuthenticatorDisabled, AuditDropped:
		return true
	default:
		return false
	}
}

// put writes the event of an act that is done: the caller's leaving does not stop it.
func (j *Journal) put(ctx context.Context, w Waiting) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), putWithin)
	defer cancel()
	return j.deps.Store.PutEvents(ctx, w)
}

// Entries reads the journal.
func (j *Journal) Entries(ctx context.Context, q Query) ([]Entry, error) {
	return j.deps.Store.Entries(ctx, q)
}

// Run writes what is buffered and chains what waits until the context is done. Call [Journal.Flush] afterwards.
func (j *Journal) Run(ctx context.Context) {
	flush, chain := time.NewTicker(flushEvery), time.NewTicker(chainEvery)
	defer flush.Stop()
	defer chain.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-flush.C:
			err = j.write(ctx)
		case <-chain.C:
			_, err = j.Chain(ctx)
		}
		if err != nil && ctx.Err() == nil {
			j.deps.Log.WarnContext(ctx, "the audit journal could not be written; it is tried again", "error", err)
		}
	}
}

// Flush writes all that is buffered and chains all that waits.
func (j *Journal) Flush(ctx context.Context) error {
	errWrite := j.write(ctx)
	_, errChain := j.Chain(ctx)
	return errors.Join(errWrite, errChain)
}

// write stores what is buffered.
func (j *Journal) write(ctx context.Context) error {
	j.writing.Lock()
	defer j.writing.Unlock()
	for {
		batch, err := j.next(ChainBatch, j.dropped)
		if err != nil || len(batch) == 0 {
			return err
		}
		if err := j.deps.Store.PutEvents(ctx, batch...); err != nil {
			return err
		}
		j.stored(batch)
		j.tellLost(ctx, batch)
	}
}

// dropped is the event that tells of lost ones.
func (j *Journal) dropped(lost int) (Waiting, error) {
	return NewWaiting(j.complete(Event{Type: AuditDropped, Detail: map[string]string{"count": strconv.Itoa(lost)}}))
}

// tellLost tells the listeners what the batch says of lost events.
func (j *Journal) tellLost(ctx context.Context, batch []Waiting) {
	for _, w := range batch {
		if w.Type != AuditDropped {
			continue
		}
		if e, err := w.Event(); err == nil {
			j.bus.Emit(context.WithValue(ctx, toldKey{}, true), e)
		}
	}
}

// Chain moves all that waits into the chain, and returns how many events those were. It returns [ErrJournalBroken] when the record of the chain's ends is not authentic.
func (j *Journal) Chain(ctx context.Context) (int, error) {
	for total := 0; ; {
		var head Head
		n, err := j.deps.Store.ChainEvents(ctx, ChainBatch, func(h Head, waiting []Waiting) ([]Entry, Head, error) {
			entries, next, err := j.ring.link(h, waiting)
			head = next
			return entries, next, err
		})
		total += n
		if err != nil {
			return total, err
		}
		j.mark(ctx, head)
		if n < ChainBatch {
			return total, nil
		}
	}
}

// mark logs a checkpoint every now and then.
func (j *Journal) mark(ctx context.Context, h Head) {
	now, before := j.deps.Now().UnixNano(), j.markedAt.Load()
	due := h.Seq-j.marked.Load() >= checkpointEntries || time.Duration(now-before) >= checkpointEvery
	if h.Seq == 0 || h.Seq == j.marked.Load() || !due {
		return
	}
	if j.markedAt.CompareAndSwap(before, now) {
		j.marked.Store(h.Seq)
		j.deps.Log.InfoContext(ctx, "audit journal checkpoint", "checkpoint", Checkpoint{h.Seq, h.Hash}.String())
	}
}

// Prune drops the entries that are older than they are kept, and returns how many. It returns [ErrJournalBroken], and drops none, when
// one of them was changed or is missing.
func (j *Journal) Prune(ctx context.Context) (int, error) {
	if j.deps.Keep <= 0 {
		return 0, nil
	}
	before := j.deps.Now().Add(-j.deps.Keep)
	for total := 0; ; {
		n, err := j.deps.Store.PruneEntries(ctx, before, ChainBatch, j.ring.move)
		total += n
		if err != nil || n < ChainBatch {
			return total, err
		}
	}
}
