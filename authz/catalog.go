package authz

import (
	"cmp"
	"slices"
)

// catalog numbers everything that a role can hold, from one: the names of
// roles, for being or inheriting one, and grants.
type catalog struct {
	numbers table
	entries []entry
	shapes  []shape
	// byLength has for each number of segments the shapes that can match such a permission, the most exact first.
	byLength [maxSegments + 1][]shape
}

// entry is the name of a role, or a grant.
type entry struct {
	role  string
	grant *grant
}

// is reports whether the entry is such a grant.
func (e *entry) is(g *grant) bool { return e.grant != nil && *e.grant == *g }

// newCatalog returns a catalog that need not grow for n entries.
func newCatalog(n int) *catalog { return &catalog{numbers: newTable(n), entries: make([]entry, 0, n)} }

// role returns the number of being the role, or zero.
func (c *catalog) role(k key) uint32 {
	number, at := c.numbers.next(first(k.tag), k.tag)
	for number != 0 && c.entries[number-1].role != k.text {
		number, at = c.numbers.next(at, k.tag)
	}
	return number
}

// addRole returns the number of being the role, which it adds when it is new.
func (c *catalog) addRole(k key) uint32 {
	if n := c.role(k); n != 0 {
		return n
	}
	return c.add(entry{role: k.text}, k.tag)
}

// addGrant returns the number of the grant, which it adds when it is new. The grant must not change afterwards.
func (c *catalog) addGrant(g *grant) uint32 {
	number, at := c.numbers.next(first(g.tag), g.tag)
	for number != 0 && !c.entries[number-1].is(g) {
		number, at = c.numbers.next(at, g.tag)
	}
	if number != 0 {
		return number
	}
	if !slices.Contains(c.shapes, g.shape) {
		c.shapes = append(c.shapes, g.shape)
	}
	return c.add(entry{grant: g}, g.tag)
}

func (c *catalog) add(e entry, tag uint32) uint32 {
	c.entries = append(c.entries, e)
	n := uint32(len(c.entries))
	c.numbers.add(tag, n)
	return n
}

// finish orders the shapes, for look-ups.
func (c *catalog) finish() {
	slices.SortFunc(c.shapes, func(a, b shape) int {
		return cmp.Or(cmp.Compare(b.exactness(), a.exactness()), cmp.Compare(b.stars, a.stars))
	})
	for n := range c.byLength {
		for _, s := range c.shapes {
			if s.fits(n) {
				c.byLength[n] = append(c.byLength[n], s)
			}
		}
	}
}

// match finds the grants that match the permission.
func (c *catalog) match(p Permission, segments *segmentHashes, m *matching) {
	for _, s := range c.byLength[p.segments] {
		number := c.find(p, s.tag(segments), s.denied)
		switch {
		case number == 0:
		case s.denied:
			m.takes.add(number)
		default:
			m.gives.add(number)
		}
	}
}

// find returns the number of the grant with this tag that matches the permission, or zero.
func (c *catalog) find(p Permission, tag uint32, denied bool) uint32 {
	number, at := c.numbers.next(first(tag), tag)
	for number != 0 {
		if g := c.entries[number-1].grant; g != nil && g.shape.denied == denied && g.pattern.Matches(p) {
			return number
		}
		number, at = c.numbers.next(at, tag)
	}
	return 0
}
