package audit

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"
)

// progress is what a journal has seen of the chain since the program began.
type progress struct {
	mu sync.Mutex
	// begun says that the chain had a head, or nothing at all.
	begun bool
	// end is the last end that this journal made.
	end Checkpoint
	// marked is the Seq of the last checkpoint that was logged, and markedAt when.
	marked   int64
	markedAt time.Time
}

// begin finds out whether the chain may be begun where it has no head: entries without one were robbed of it.
func (j *Journal) begin(ctx context.Context) error {
	j.progress.mu.Lock()
	begun := j.progress.begun
	j.progress.mu.Unlock()
	if begun {
		return nil
	}
	left, err := j.deps.Store.Entries(ctx, Query{After: math.MinInt64, Limit: 1})
	if err != nil {
		return err
	}
	head, err := j.deps.Store.Head(ctx) // after the entries: another node may begin meanwhile
	if err != nil {
		return err
	}
	if head.blank() && len(left) > 0 {
		return errNoHead
	}
	j.progress.mu.Lock()
	defer j.progress.mu.Unlock()
	j.progress.begun = true
	return nil
}

var errNoHead = fmt.Errorf("%w: the record of its ends was removed", ErrJournalBroken)

// from refuses a head that was removed while the program ran. It returns the end that this journal made before.
func (p *progress) from(h Head) (Checkpoint, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if h.blank() && p.end.Seq > 0 {
		return Checkpoint{}, errNoHead
	}
	return p.end, nil
}

// last is the end that this journal made last.
func (p *progress) last() Checkpoint {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.end
}

// step is what one call of the store did: it found the chain's end before, and left it after. seen is the end that this journal had made until then.
type step struct {
	seen          Checkpoint
	before, after Head
}

// setBack reports that entries which this journal had chained were gone.
func (s step) setBack() bool { return s.before.Seq < s.seen.Seq }

// note takes up what was chained, and logs a checkpoint every now and then.
func (j *Journal) note(ctx context.Context, s step) {
	if s.setBack() {
		j.deps.Log.ErrorContext(ctx, "the audit journal was set back: entries that this program had chained are gone", "chained", s.seen.String(), "found", s.before.Seq)
		j.alarm(ctx, "1", Fault{Kind: RolledBack, Seq: s.seen.Seq, Last: s.seen.Seq})
	}
	if j.progress.take(s, j.deps.Now()) {
		j.mark(ctx)
	}
}

// take reports whether a checkpoint is due.
func (p *progress) take(s step, now time.Time) (due bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.after.Seq > p.end.Seq || s.setBack() {
		p.end = Checkpoint{s.after.Seq, s.after.Hash}
	}
	return s.setBack() || p.end.Seq-p.marked >= checkpointEntries || now.Sub(p.markedAt) >= checkpointEvery
}

// mark logs the end as a checkpoint, unless it was logged last.
func (j *Journal) mark(ctx context.Context) {
	p := &j.progress
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.end.Seq == p.marked {
		return
	}
	p.marked, p.markedAt = p.end.Seq, j.deps.Now()
	j.deps.Log.InfoContext(ctx, "audit journal checkpoint", "checkpoint", p.end.String())
}
