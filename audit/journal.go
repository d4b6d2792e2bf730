package audit

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"strconv"
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
	bus      *Bus
	progress progress
	// puts and links are for the two kinds of calls.
	puts, links pace
}

// JournalDeps are what a [Journal] works with. Fields without a remark are required.
type JournalDeps struct {
	Store JournalStore
	// Key makes the hashes; it has at least [ShortestKey] bytes. Previous are keys that did before.
	Key      []byte
	Previous [][]byte
	// Keep is how long entries are kept; 0 is for ever.
	Keep time.Duration
	// Buffer is how many events that come with no act wait in memory at most; as many again are for those of acts. Defaults to [DefaultBuffer].
	Buffer int
	// Log is told of checkpoints and of what could not be written. Defaults to slog.Default().
	Log *slog.Logger
	// Now defaults to time.Now, Rand to crypto/rand.
	Now  func() time.Time
	Rand io.Reader
}

const (
	// DefaultBuffer is how many events that come with no act wait in memory at most, unless told otherwise.
	DefaultBuffer = 10_000
	// ChainBatch is how many events one step moves into the chain at most.
	ChainBatch = 500
	// flushEvery and chainEvery are how often what is buffered is written, and what waits is chained.
	flushEvery = 100 * time.Millisecond
	chainEvery = time.Second
	// warnEvery is how often a store that stays down is warned of.
	warnEvery = 10 * time.Second
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
	if comesWithNoAct(e.Type) {
		j.add(w)
		return
	}
	if err = j.put(ctx, w); err == nil {
		return
	}
	what := "an audit event could not be stored; it is tried again until the program ends"
	if !j.add(w) {
		what = "an audit event could not be stored, and too many wait: it is not in the journal"
	}
	j.deps.Log.ErrorContext(ctx, what, append(logged(e), slog.Any("error", err))...)
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
	case LoginFailed, LoginThrottled, BindingFailed, MFAFailed, StepUpFailed, AccessDenied, AccessGranted, AuthenticatorDisabled, AuditDropped, AuditTampered:
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

// Authentic reports whether the entry is as a journal with one of the keys chained it, at its place. What is missing beside it [Journal.Verify] finds.
func (j *Journal) Authentic(e Entry) bool { return j.ring.made(e) }

// Entries reads the journal. It returns what the store has; see [Journal.Authentic].
func (j *Journal) Entries(ctx context.Context, q Query) ([]Entry, error) {
	return j.deps.Store.Entries(ctx, q)
}

// Run writes what is buffered and chains what waits until the context is done. Call [Journal.Flush] afterwards.
func (j *Journal) Run(ctx context.Context) {
	flush, chain := time.NewTicker(flushEvery), time.NewTicker(chainEvery)
	defer flush.Stop()
	defer chain.Stop()
	var writing, chaining trouble
	var alarms alarms
	for {
		select {
		case <-ctx.Done():
			return
		case <-flush.C:
			writing.note(ctx, j, j.write(ctx))
		case <-chain.C:
			_, err := j.Chain(ctx)
			chaining.note(ctx, j, err)
			alarms.note(ctx, j, err)
		}
	}
}

// trouble is of one thing that is tried again and again. A store that is down, often for want of room, must not fill the log as well.
type trouble struct{ warned time.Time }

func (t *trouble) note(ctx context.Context, j *Journal, err error) {
	now := j.deps.Now()
	if err == nil || ctx.Err() != nil || now.Sub(t.warned).Abs() < warnEvery {
		return
	}
	t.warned = now
	j.deps.Log.WarnContext(ctx, "the audit journal could not be written; it is tried again", "error", err)
}

// Flush writes all that is buffered, chains all that waits and logs a checkpoint.
func (j *Journal) Flush(ctx context.Context) error {
	errWrite := j.write(ctx)
	_, errChain := j.Chain(ctx)
	j.mark(ctx)
	return errors.Join(errWrite, errChain)
}

// write stores what is buffered.
func (j *Journal) write(ctx context.Context) error {
	j.writing.Lock()
	defer j.writing.Unlock()
	for {
		batch, err := j.next(j.puts.now(), j.dropped)
		if err != nil || len(batch) == 0 {
			return err
		}
		err = j.deps.Store.PutEvents(ctx, batch...)
		j.puts.note(err)
		if err != nil {
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
			j.bus.emit(context.WithValue(ctx, toldKey{}, true), e)
		}
	}
}

// Chain moves all that waits into the chain, and returns how many events those were. It returns [ErrJournalBroken] when the record of the chain's ends is not authentic.
func (j *Journal) Chain(ctx context.Context) (int, error) {
	if err := j.begin(ctx); err != nil {
		return 0, err
	}
	for total := 0; ; {
		var done step
		limit := j.links.now()
		n, err := j.deps.Store.ChainEvents(ctx, limit, func(h Head, waiting []Waiting) ([]Entry, Head, error) {
			seen, err := j.progress.from(h)
			if err != nil {
				return nil, Head{}, err
			}
			entries, next, err := j.ring.link(h, waiting)
			done = step{seen, h, next}
			return entries, next, err
		})
		total += n
		j.links.note(err)
		if err != nil {
			return total, err
		}
		j.note(ctx, done)
		if n < limit {
			return total, nil
		}
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
