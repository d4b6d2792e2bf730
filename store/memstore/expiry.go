package memstore

import (
	"container/heap"
	"time"
)

// expiry knows which keys may be dropped first, so that pruning does not look
// at every record. An entry says "not before at": a record that lives longer
// by then is filed again, and one that is gone is forgotten.
type expiry[K comparable] struct{ entries entries[K] }

// add files k. It must be called for each new record and whenever a record's
// end moves to an earlier time; a later end needs no call.
func (e *expiry[K]) add(at time.Time, k K) {
	heap.Push(&e.entries, entry[K]{at: at, key: k})
}

// prune calls drop for every key whose record ends before the given time, and
// returns how many. The function end tells when a record ends, and whether there is one.
func (e *expiry[K]) prune(before time.Time, end func(K) (time.Time, bool), drop func(K)) int {
	n := 0
	for len(e.entries) > 0 && e.entries[0].at.Before(before) {
		k := heap.Pop(&e.entries).(entry[K]).key
		at, found := end(k)
		switch {
		case !found:
		case at.Before(before):
			drop(k)
			n++
		default:
			e.add(at, k)
		}
	}
	return n
}

type entry[K comparable] struct {
	at  time.Time
	key K
}

// entries implements [heap.Interface], the earliest first.
type entries[K comparable] []entry[K]

func (e entries[K]) Len() int           { return len(e) }
func (e entries[K]) Less(i, j int) bool { return e[i].at.Before(e[j].at) }
func (e entries[K]) Swap(i, j int)      { e[i], e[j] = e[j], e[i] }

func (e *entries[K]) Push(x any) { *e = append(*e, x.(entry[K])) }

func (e *entries[K]) Pop() any {
	last := len(*e) - 1
	x := (*e)[last]
	(*e)[last] = entry[K]{}
	*e = (*e)[:last]
	return x
}
