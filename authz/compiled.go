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

// from returns where what has the number comes from, or nil when the role does not hold it.
func (c *compiled) from(number uint32) *origin {
	if number == 0 {
		return nil
	}
	if at, _ := c.held.next(first(number), number); at != 0 {
		return &c.lineage[at-1]
	}
	return nil
}

// firstOf returns where the first of the numbers that the role holds comes from, or nil.
func (c *compiled) firstOf(list *numberList) *origin {
	for i := range list.n {
		if o := c.from(list.room[i]); o != nil {
			return o
		}
	}
	for _, number := range list.more {
		if o := c.from(number); o != nil {
			return o
		}
	}
	return nil
}

// inherits returns the first of the roles that this one is or inherits, or nil.
func (c *compiled) inherits(anyOf []key) *origin {
	for i := range anyOf {
		if o := c.from(c.catalog.role(anyOf[i])); o != nil {
			return o
		}
	}
	return nil
}

// collect adds every grant that the role holds.
func (c *compiled) collect(held map[string]struct{}) {
	for _, p := range c.held.places {
		if p.number == 0 {
			continue
		}
		if e := &c.catalog.entries[p.tag-1]; e.role == "" {
			held[e.grant.String()] = struct{}{}
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
