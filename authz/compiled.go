package authz

import (
	"slices"
	"sync/atomic"
)

// compiled is one role with all that it inherits, for lookups.
type compiled struct {
	name string
	// catalog has the numbers of what is held.
	catalog *catalog
	// held has for each number of the catalog where in the lineage it comes from, counted from one.
	held table
	// lineage has the role itself and every role that it inherits, the nearest first.
	lineage []origin
	// superuser is nil unless the lineage has the superuser role.
	superuser *origin
}

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
		return c.firstOf(what.anyOf)
	}
	return c.firstOf(what.held[:])
}

// firstOf returns where the first of the keys that the role holds comes from, or nil.
func (c *compiled) firstOf(keys []key) *origin {
	for i := range keys {
		number := c.catalog.find(keys[i])
		if number == 0 {
			continue
		}
		if at, _ := c.held.next(first(number), number); at != 0 {
			return &c.lineage[at-1]
		}
	}
	return nil
}

// collect adds every pattern that the role holds.
func (c *compiled) collect(held map[string]struct{}) {
	for _, p := range c.held.places {
		if p.number == 0 {
			continue
		}
		if pattern := c.catalog.pattern(p.tag); pattern != "" {
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
