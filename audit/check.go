package audit

import (
	"context"
	"errors"
	"strconv"
	"time"
)

// firstCheck is when [Journal.Watch] verifies the chain for the first time.
const firstCheck = 5 * time.Minute

// Watch verifies the chain by [Journal.Check] five minutes after it is called, and each time the duration has passed after that, until the context is
// done. Every node may do so: it only reads. A duration that is not positive does nothing.
func (j *Journal) Watch(ctx context.Context, every time.Duration) {
	if every <= 0 {
		return
	}
	timer := time.NewTimer(min(firstCheck, every))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		_, _ = j.Check(ctx) // it has told
		timer.Reset(every)
	}
}

// Check is [Journal.Verify] with the end of the chain that this program made last, and those that were kept, and tells what was found: that the chain is
// sound, in the log; a fault as an error in the log, and to the bus as [AuditTampered]; and a chain that could not be read as a warning.
func (j *Journal) Check(ctx context.Context, kept ...Checkpoint) (Report, error) {
	if end := j.progress.last(); end.Seq > 0 {
		kept = append(kept[:len(kept):len(kept)], end)
	}
	report, err := j.Verify(ctx, kept...)
	switch {
	case err != nil:
		if ctx.Err() == nil {
			j.deps.Log.WarnContext(ctx, "the audit journal could not be verified", "error", err)
		}
	case !report.OK():
		j.tampered(ctx, report)
	default:
		j.deps.Log.InfoContext(ctx, "the audit journal was verified", "entries", report.Entries, "dropped", report.Dropped, "waiting", report.Waiting, "checkpoint", report.Checkpoint.String())
	}
	return report, err
}

// mostTold is how many faults the log has.
const mostTold = 20

func (j *Journal) tampered(ctx context.Context, r Report) {
	var first []string
	for _, f := range r.Faults[:min(len(r.Faults), mostTold)] {
		first = append(first, f.String())
	}
	count := strconv.Itoa(len(r.Faults))
	if r.More {
		count = "more than " + count
	}
	j.deps.Log.ErrorContext(ctx, "the audit journal was changed by somebody else: see docs/audit.md for what to do", "count", count, "faults", first)
	j.alarm(ctx, count, r.Faults[0])
}

func (j *Journal) alarm(ctx context.Context, count string, first Fault) {
	j.bus.Emit(ctx, Event{Type: AuditTampered, Detail: map[string]string{"count": count, "first": first.String()}})
}

// alarms tells of a head that does not let the chain go on when that begins, and not only when the chain is verified.
type alarms struct{ broken bool }

func (a *alarms) note(ctx context.Context, j *Journal, err error) {
	broken := errors.Is(err, ErrJournalBroken)
	if broken && !a.broken {
		j.alarm(ctx, "1", Fault{Kind: BadHead})
	}
	if broken || err == nil { // a store that is down says nothing about it
		a.broken = broken
	}
}
