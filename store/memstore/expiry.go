package memstore

import (
	"container/heap"
	"time"
)

// expiry knows which keys may be dropped first, so that pruning does not look
// at every record. An entry says "not before at": a record that lives longer
// by then is filed again, and one that is gone is forgotten.
type expiry[K comparable] struct{ entries entries[K] }

// add files k, of which there is a record. It must be called for each new record and whenever a record's
// end moves to an earlier time; a later end needs no call. There are so many records now, and end is as for prune.
func (e *expiry[K]) add(at time.Time, k K, records int, end func(K) (time.Time, bool)) {
	heap.Push(&e.entries, entry[K]{at: at.UnixMicro(), key: k})
	if len(e.entries) > entriesPerRecord*records+spareEntries {
		e.tidy(records, end)
	}
}

const (
	entriesPerRecord = 3
	spareEntries     = 1024
)

// tidy files every record once, and so forgets those that are gone: whoever
// has records made and dropped, again and again, takes no more memory for it.
func (e *expiry[K]) tidy(records int, end func(K) (time.Time, bool)) {
	filed := make(map[K]struct{}, records)
	kept := make(entries[K], 0, records)
	for _, old := range e.entries {
		at, found := end(old.key)
		if _, twice := filed[old.key]; found && !twice {
			filed[old.key] = struct{}{}
			kept = append(kept, entry[K]{at: at.UnixMicro(), key: old.key})
		}
	}
	heap.Init(&kept)
	e.entries = kept
}

// prune calls drop for every key whose record ends before the given time, and
// returns how many. The function end tells when a record ends, and whether there is one.
func (e *expiry[K]) prune(before time.Time, end func(K) (time.Time, bool), drop func(K)) int {
	n := 0
	for len(e.entries) > 0 && e.entries[0].at < before.UnixMicro() {
		k := heap.Pop(&e.entries).(entry[K]).key
		at, found := end(k)
		switch {
		case !found:
		case at.Before(before):
			drop(k)
			n++
		default:
			heap.Push(&e.entries, entry[K]{at: at.UnixMicro(), key: k})
		}
	}
	return n
}

// dropFirst calls drop for the key whose record ends first, and reports whether there was one.
func (e *expiry[K]) dropFirst(end func(K) (time.Time, bool), drop func(K)) bool {
	for len(e.entries) > 0 {
		first := heap.Pop(&e.entries).(entry[K])
		at, found := end(first.key)
		switch {
		case !found:
		case at.UnixMicro() <= first.at:
			drop(first.key)
			return true
		default:
			heap.Push(&e.entries, entry[K]{at: at.UnixMicro(), key: first.key})
		}
	}
	return false
}

type entry[K comparable] struct {
	// at is in microseconds, as times are kept.
	at  int64
	key K
}

// entries implements [heap.Interface], the earliest first.
type entries[K comparable] []entry[K]

func (e entries[K]) Len() int           { return len(e) }
func (e entries[K]) Less(i, j int) bool { return e[i].at < e[j].at }
func (e entries[K]) Swap(i, j int)      { e[i], e[j] = e[j], e[i] }

func (e *entries[K]) Push(x any) { *e = append(*e, x.(entry[K])) }

func (e *entries[K]) Pop() any {
	last := len(*e) - 1
	x := (*e)[last]
	(*e)[last] = entry[K]{}
	*e = (*e)[:last]
	return x
}
