package health

import (
	"context"
	"time"
)

// watched is a probe and what it found before. Only one look at a time uses it.
type watched struct {
	Probe
	// since is when it began to fail.
	since time.Time
	// wroteAt is when Write was last called, wrote what came of it.
	wroteAt time.Time
	wrote   string
}

// row is what was found, together with what requests met with. The writes of another port
// in the same store, nil if there is none, tell when that is over.
func (w *watched) row(found finding, other *watched, cfg Config) Row {
	row := Row{Name: w.Name, Driver: w.Driver}
	var seen Trouble
	if w.Seen != nil {
		seen, row.Failures = w.Seen()
	}
	if found.class == "" && w.lasts(seen, cfg.Now()) && !other.wroteSince(seen.Last) {
		found = finding{class: seen.Class, writes: seen.Writes}
	}
	row.Class, row.Writes, row.OK = found.class, found.writes, found.class == ""
	row.Since = w.began(row.OK, seen.Since, cfg.Now())
	return row
}

// find probes. Reading comes first: who cannot read is not asked to write. Who failed to write is asked each time.
func (w *watched) find(ctx context.Context, cfg Config) finding {
	if class := w.ask(ctx, w.Read); class != "" {
		return finding{class: class}
	}
	now := cfg.Now()
	if age := now.Sub(w.wroteAt); w.wroteAt.IsZero() || w.wrote != "" || age < 0 || age >= cfg.WriteEvery {
		w.wroteAt, w.wrote = now, w.ask(ctx, w.Write)
	}
	return finding{class: w.wrote, writes: w.wrote != ""}
}

// lasts reports whether what requests met with still counts: a failure to
// write, which no probe of this port can find, and which was a moment ago.
func (w *watched) lasts(seen Trouble, now time.Time) bool {
	return seen.Writes && w.Write == nil && now.Sub(seen.Last) < seenFor
}

// wroteSince reports whether a write did well that began after that time.
func (w *watched) wroteSince(at time.Time) bool {
	return w != nil && w.wrote == "" && w.wroteAt.After(at)
}

func (w *watched) began(ok bool, seen, now time.Time) time.Time {
	switch {
	case ok:
		w.since = time.Time{}
	case w.since.IsZero() && !seen.IsZero():
		w.since = seen
	case w.since.IsZero():
		w.since = now
	}
	return w.since
}
