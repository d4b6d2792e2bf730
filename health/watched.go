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

func (w *watched) row(ctx context.Context, cfg Config) Row {
	row := Row{Name: w.Name, Driver: w.Driver}
	found := w.find(ctx, cfg)
	var seen Trouble
	if w.Seen != nil {
		seen, row.Failures = w.Seen()
	}
	if found.class == "" && w.lasts(seen, cfg.Now()) {
		found = finding{class: seen.Class, writes: seen.Writes}
	}
	row.Class, row.Writes, row.OK = found.class, found.writes, found.class == ""
	row.Since = w.began(row.OK, seen.Since, cfg.Now())
	return row
}

// find probes. Reading comes first: who cannot read is not asked to write.
func (w *watched) find(ctx context.Context, cfg Config) finding {
	if class := w.ask(ctx, w.Read); class != "" {
		return finding{class: class}
	}
	now := cfg.Now()
	if age := now.Sub(w.wroteAt); w.wroteAt.IsZero() || age < 0 || age >= cfg.WriteEvery {
		w.wroteAt, w.wrote = now, w.ask(ctx, w.Write)
	}
	return finding{class: w.wrote, writes: w.wrote != ""}
}

// lasts reports whether what requests met with still counts: a failure to
// write, which no probe of this port can find, and which was a moment ago.
func (w *watched) lasts(seen Trouble, now time.Time) bool {
	return seen.Writes && w.Write == nil && now.Sub(seen.Last) < seenFor
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
