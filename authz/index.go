package authz

import "hash/maphash"

// key is a text with its hash, so that what is looked up often is hashed once.
type key struct {
	text string
	hash uint64
}

// seed differs from process to process: nobody can choose names that collide.
var seed = maphash.MakeSeed()

func newKey(text string) key { return key{text: text, hash: maphash.String(seed, text)} }

// index finds values by text. It is faster than a map for keys that were hashed before,
// and takes the same steps whether it is small or large. The empty text is never in it.
// Its zero value is empty; it must not change while others look things up.
type index[V any] struct {
	// slots are a power of two, at most half of them in use. What belongs into a slot that is taken is in the next free one.
	slots []slot[V]
	used  int
}

type slot[V any] struct {
	key   key // without text when the slot is free
	value V
}

const fewestSlots = 8

// withRoom returns an index that need not grow for n values.
func withRoom[V any](n int) index[V] {
	size := fewestSlots
	for size < 2*n {
		size *= 2
	}
	return index[V]{slots: make([]slot[V], size)}
}

// find returns the zero value for a text that is not in the index.
func (x *index[V]) find(k key) (value V, found bool) {
	if len(x.slots) == 0 {
		return value, false
	}
	for at := k.hash; ; at++ {
		s := &x.slots[at&uint64(len(x.slots)-1)]
		if s.key.text == "" {
			return value, false
		}
		if s.key.hash == k.hash && s.key.text == k.text {
			return s.value, true
		}
	}
}

// add puts a value in for a text that is not in the index.
func (x *index[V]) add(k key, value V) {
	if 2*(x.used+1) > len(x.slots) {
		x.grow()
	}
	x.used++
	x.place(slot[V]{key: k, value: value})
}

func (x *index[V]) grow() {
	old := x.slots
	x.slots = make([]slot[V], max(fewestSlots, 2*len(old)))
	for _, s := range old {
		if s.key.text != "" {
			x.place(s)
		}
	}
}

func (x *index[V]) place(s slot[V]) {
	at, last := s.key.hash, uint64(len(x.slots)-1)
	for x.slots[at&last].key.text != "" {
		at++
	}
	x.slots[at&last] = s
}
