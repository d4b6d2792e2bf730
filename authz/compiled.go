package authz

import (
	"math/bits"
	"slices"
	"sync/atomic"
)

// compiled is one role with all that it inherits, for lookups.
type compiled struct {
	// catalog has the numbers of what is held.
	catalog *catalog
	// held is a hash table by number, the size a power of two, with at least one free place. What belongs into a place
	// that is taken is in the next free one.
	held []holding
	// lineage has the role itself and every role that it inherits, the nearest first.
	lineage []origin
	// superuser is nil unless the lineage has the superuser role.
	superuser *origin
}

// holding is something that the role holds, and from where in its lineage. Its zero value is a free place.
type holding struct{ number, origin uint32 }

// origin is a role in a lineage, with the way to it.
type origin struct {
	role string
	// heir is the role before this one on the way; nil for the role that the lineage is of.
	heir *origin
	path atomic.Pointer[[]string]
}

// grants returns where what is checked comes from, or nil.
func (c *compiled) grants(what *check) *origin {
	if what.need == needRole {
		return c.first(what.anyOf)
	}
	return c.first(what.held[:])
}

// first returns where the first of the keys that the role holds comes from, or nil.
func (c *compiled) first(keys []key) *origin {
	for i := range keys {
		if number, known := c.catalog.numbers.find(keys[i]); known {
			if o := c.origin(number); o != nil {
				return o
			}
		}
	}
	return nil
}

// origin returns where what has the number comes from, or nil.
func (c *compiled) origin(number uint32) *origin {
	for at := place(number, len(c.held)); ; at++ {
		switch h := &c.held[at&(len(c.held)-1)]; h.number {
		case number:
			return &c.lineage[h.origin]
		case 0:
			return nil
		}
	}
}

// keep fills the empty table.
func (c *compiled) keep(all []holding) {
	size := 1
	for size < 2*len(all) {
		size *= 2
	}
	c.held = make([]holding, size)
	for _, h := range all {
		at := place(h.number, size)
		for c.held[at&(size-1)].number != 0 {
			at++
		}
		c.held[at&(size-1)] = h
	}
}

// place spreads numbers over a table (Fibonacci hashing); size is a power of two.
func place(number uint32, size int) int {
	return int(number * 0x9E3779B1 >> bits.LeadingZeros32(uint32(size-1))) //nolint:gosec // a table has fewer than 2^32 places
}

// collect adds every pattern that the role holds.
func (c *compiled) collect(held map[string]struct{}) {
	for _, h := range c.held {
		if h.number == 0 {
			continue
		}
		if pattern := c.catalog.pattern(h.number); pattern != "" {
			held[pattern] = struct{}{}
		}
	}
}

// reaches reports whether the lineage has a role of the set.
func (c *compiled) reaches(set roleSet) bool {
	for i := range c.lineage {
		if _, found := set[c.lineage[i].role]; found {
			return true
		}
	}
	return false
}

// fromAssigned returns the way to the role. It is made once and only when asked for,
// as few of all possible ways ever are.
func (o *origin) fromAssigned() []string {
	if path := o.path.Load(); path != nil {
		return *path
	}
	var path []string
	for at := o; at != nil; at = at.heir {
		path = append(path, at.role)
	}
	slices.Reverse(path)
	o.path.Store(&path)
	return path
}
