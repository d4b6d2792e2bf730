package authz

import "math/bits"

// table is a hash table from tags to numbers, which are never zero. It takes the same steps whether it is small
// or large. A tag may stand for several numbers: who looks one up says which of them is
// meant. The zero value is empty; it must not change while others look things up.
type table struct {
	// places are a power of two, at most three quarters of them taken. What belongs into a place that is taken is in the next free one.
	places []place
	taken  int
}

// place is free when its number is zero.
type place struct{ tag, number uint32 }

const fewestPlaces = 8

// newTable returns a table that need not grow for n numbers.
func newTable(n int) table {
	size := fewestPlaces
	for 3*size < 4*n {
		size *= 2
	}
	return table{places: make([]place, size)}
}

// first is where the numbers of a tag begin. Neighbours are spread, so that runs of them make no clusters.
func first(tag uint32) uint32 { return bits.ReverseBytes32(tag * 0x9E3779B1) }

// next returns the next number of the tag and where the one after it may be. It returns zero when there is none.
func (t *table) next(at, tag uint32) (number, after uint32) {
	if len(t.places) == 0 {
		return 0, 0
	}
	for ; ; at++ {
		p := t.places[int(at)&(len(t.places)-1)]
		if p.tag == tag || p.number == 0 {
			return p.number, at + 1
		}
	}
}

func (t *table) add(tag, number uint32) {
	if 3*len(t.places) < 4*(t.taken+1) {
		t.grow()
	}
	t.taken++
	t.put(place{tag: tag, number: number})
}

func (t *table) grow() {
	old := t.places
	t.places = make([]place, max(fewestPlaces, 2*len(old)))
	for _, p := range old {
		if p.number != 0 {
			t.put(p)
		}
	}
}

func (t *table) put(p place) {
	at, last := first(p.tag), len(t.places)-1
	for t.places[int(at)&last].number != 0 {
		at++
	}
	t.places[int(at)&last] = p
}
