package audit

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"fmt"
	"math"
	"slices"
)

// FaultKind says what is wrong with the chain.
type FaultKind string

// The kinds of faults.
const (
	// Altered: the entry is not what was chained there.
	Altered FaultKind = "altered"
	// Missing: the entries from Seq to Last were chained and are not there.
	Missing FaultKind = "missing"
	// Inserted: the entry was never chained there.
	Inserted FaultKind = "inserted"
	// UnknownKey: the entry's key is none of the journal's.
	UnknownKey FaultKind = "unknown_key"
	// BadHead: the chain's head was altered or removed.
	BadHead FaultKind = "bad_head"
	// RolledBack: a checkpoint that was kept is not in the chain: the database was set back, or another chain was put in its place.
	RolledBack FaultKind = "rolled_back"
)

// Fault is one thing that is wrong.
type Fault struct {
	Kind FaultKind
	// Seq is where, and Last is where it ends; they differ for a range that is missing.
	Seq, Last int64
}

// String names the kind and the place.
func (f Fault) String() string {
	if f.Last > f.Seq {
		return fmt.Sprintf("%s: %d to %d", f.Kind, f.Seq, f.Last)
	}
	return fmt.Sprintf("%s: %d", f.Kind, f.Seq)
}

// Report is what [Journal.Verify] found.
type Report struct {
	// Entries is how many were looked at, First and Last the Seq of the first and the last of them.
	Entries     int
	First, Last int64
	// Dropped is the Seq up to which entries were dropped, since they were older than they are kept.
	Dropped int64
	// Waiting is how many events are not in the chain yet; nothing is known of them.
	Waiting int
	// Checkpoint is the chain's end, to be kept outside of the database. It counts if there is no fault.
	Checkpoint Checkpoint
	// Faults are what is wrong, the first [MaxFaults] of it; More says that there is more.
	Faults []Fault
	More   bool
}

// MaxFaults bounds what a report lists.
const MaxFaults = 1000

// OK reports a chain without fault.
func (r Report) OK() bool { return len(r.Faults) == 0 }

const (
	verifyPage = 500
	// verifyTries is how often the walk begins anew when entries were dropped before it came to them.
	verifyTries = 5
)

// Verify reads the whole chain, a page at a time, and reports every entry that was altered, removed, inserted or moved since
// it was chained. Checkpoints that were kept elsewhere show in addition that the database was not set back to an earlier
// state, which nothing in it can show. Entries may be chained meanwhile: they are for the next call. An error says
// that the chain could not be read, and nothing about it; it is [ErrJournalMoving] when old entries were dropped before they were read, each of five times.
func (j *Journal) Verify(ctx context.Context, kept ...Checkpoint) (Report, error) {
	dropped := int64(math.MinInt64) // up to where the readings before found that entries were dropped
	for try := 1; ; try++ {
		head, err := j.deps.Store.Head(ctx)
		if err != nil {
			return Report{}, err
		}
		w := &walk{ring: j.ring, head: head, kept: kept, prev: head.DroppedHash, whole: true, last: head.DroppedSeq}
		setBack := head.DroppedSeq < dropped
		if setBack { // what was dropped does not come back: somebody feigns a chain that moves
			w.fault(BadHead, head.Seq, head.Seq)
		}
		if err := w.run(ctx, j.deps.Store); err != nil {
			return Report{}, err
		}
		after, err := j.deps.Store.Head(ctx)
		if err != nil {
			return Report{}, err
		}
		overtaken := w.overtaken(after)
		if setBack || after.blank() == head.blank() && !overtaken {
			return w.finish(ctx, j.deps.Store, after)
		}
		if overtaken {
			dropped = after.DroppedSeq
		}
		if try == verifyTries { // what is being dropped must not be taken for what somebody removed
			return Report{}, ErrJournalMoving
		}
	}
}

// walk is one pass over the chain.
type walk struct {
	ring   keyring
	head   Head
	kept   []Checkpoint
	report Report
	// last is the Seq that was looked at last, prev its hash, and whole says that it was in order.
	last  int64
	prev  []byte
	whole bool
	// ends says that the head is authentic, so that it tells where the chain ends.
	ends bool
}

func (w *walk) fault(kind FaultKind, seq, last int64) {
	if len(w.report.Faults) == MaxFaults {
		w.report.More = true
		return
	}
	w.report.Faults = append(w.report.Faults, Fault{kind, seq, last})
}

func (w *walk) run(ctx context.Context, store JournalStore) error {
	w.report.Dropped = w.head.DroppedSeq
	err := w.ring.authentic(w.head)
	w.ends = err == nil && !w.head.blank()
	if err != nil {
		w.fault(BadHead, w.head.Seq, w.head.Seq)
	}
	w.checkpoint(w.head.DroppedSeq, w.head.DroppedHash)
	for after := int64(math.MinInt64); ; {
		page, err := store.Entries(ctx, Query{After: after, Limit: verifyPage})
		if err = cmp.Or(err, ctx.Err()); err != nil { // also where the store does not heed it
			return err
		}
		for _, e := range page {
			if w.ends && e.Seq > w.head.Seq {
				return nil // younger than the head; see finish
			}
			w.entry(e)
			after = max(after, e.Seq)
		}
		if len(page) < verifyPage {
			return nil
		}
	}
}

// entry looks at the next entry.
func (w *walk) entry(e Entry) {
	w.report.Entries++
	if w.report.First == 0 {
		w.report.First = e.Seq
	}
	if e.Seq <= w.last { // before the beginning, or twice
		w.fault(Inserted, e.Seq, e.Seq)
		return
	}
	if e.Seq > w.last+1 {
		w.fault(Missing, w.last+1, e.Seq-1)
		w.whole = false // what comes before this one is gone
	}
	kind, whole := w.judge(e)
	if kind != "" {
		w.fault(kind, e.Seq, e.Seq)
	}
	w.checkpoint(e.Seq, e.Hash)
	w.last, w.prev, w.whole, w.report.Last = e.Seq, e.Hash, whole, e.Seq
}

// judge says what is wrong with an entry, and whether its hash can be gone on from. One that is whole and does
// not follow one that is whole was chained elsewhere.
func (w *walk) judge(e Entry) (kind FaultKind, whole bool) {
	s, known := w.ring.byID[e.KeyID]
	switch {
	case !known:
		return UnknownKey, false
	case !hmac.Equal(s.entry(e), e.Hash), w.whole && !bytes.Equal(e.Prev, w.prev):
		return Altered, false
	case !e.faithful():
		return Altered, true
	}
	return "", true
}

// checkpoint compares one place of the chain with those that were kept.
func (w *walk) checkpoint(seq int64, hash []byte) {
	for _, c := range w.kept {
		if c.Seq == seq && !bytes.Equal(c.Hash, hash) {
			w.fault(RolledBack, seq, seq)
		}
	}
}

// overtaken reports whether entries that the walk did not find may have been dropped meanwhile. What is dropped after it was read is no matter: a
// long chain is dropped from all the time.
func (w *walk) overtaken(after Head) bool {
	if after.DroppedSeq <= w.head.DroppedSeq || w.ring.authentic(after) != nil {
		return false
	}
	return w.last < after.DroppedSeq || slices.ContainsFunc(w.report.Faults, func(f Fault) bool { return f.Kind == Missing && f.Seq <= after.DroppedSeq })
}

// finish looks at the end of the chain, which may have grown since.
func (w *walk) finish(ctx context.Context, store JournalStore, after Head) (Report, error) {
	switch {
	case w.head.blank() && w.report.Entries > 0 && after.blank():
		w.fault(BadHead, 0, 0)
	case w.ends && w.last < w.head.Seq:
		w.fault(Missing, w.last+1, w.head.Seq)
	case w.ends && w.whole && !bytes.Equal(w.prev, w.head.Hash):
		w.fault(BadHead, w.head.Seq, w.head.Seq)
	}
	for _, c := range w.kept {
		if c.Seq > max(w.last, w.head.DroppedSeq) {
			w.fault(RolledBack, c.Seq, c.Seq)
		}
	}
	if err := w.tail(ctx, store); err != nil {
		return Report{}, err
	}
	var err error
	w.report.Waiting, err = store.WaitingEvents(ctx)
	w.report.Checkpoint = Checkpoint{w.head.Seq, w.head.Hash}
	return w.report, err
}

// tail finds entries after the head. What was chained meanwhile is before the head that is read afterwards.
func (w *walk) tail(ctx context.Context, store JournalStore) error {
	if !w.ends {
		return nil
	}
	page, err := store.Entries(ctx, Query{After: w.head.Seq, Limit: verifyPage})
	if err != nil {
		return err
	}
	head, err := store.Head(ctx)
	for _, e := range page {
		if e.Seq > head.Seq {
			w.fault(Inserted, e.Seq, e.Seq)
		}
	}
	return err
}
