package memstore

import "slices"

const (
	// logPerRecord: of what there may be one record there may be so many entries in the log.
	logPerRecord = 2
	// worthwhile is the part of the log that must be new before it is compacted again.
	worthwhile = 16
)

// room makes room for n more entries where there is none, and reports whether there is.
func (r *revocations) room(n, most int) bool {
	if len(r.entries)+n <= most {
		return true
	}
	if len(r.entries)-r.compacted >= most/worthwhile {
		r.compact()
	}
	return len(r.entries)+n <= most
}

// compact forgets each entry that a later one about the same repeats, which
// is kept as long as the two. Who changes one thing again and again fills the log with one entry.
func (r *revocations) compact() {
	type subject struct {
		name   string
		tenant uint16
		kind   string
	}
	last := make(map[subject]*logEntry, len(r.entries))
	var kept []logEntry
	for i := len(r.entries) - 1; i >= 0; i-- {
		e := &r.entries[i]
		k := subject{e.name, e.tenant, string(e.kind)}
		if later := last[k]; later != nil {
			later.until = max(later.until, e.until)
			continue
		}
		last[k] = e
	}
	for _, e := range last {
		kept = append(kept, *e)
	}
	slices.SortFunc(kept, func(a, b logEntry) int { return int(a.position - b.position) })
	r.entries, r.compacted = kept, len(kept)
}
