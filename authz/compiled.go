package authz

import (
	"slices"
	"sync/atomic"
)

// compiled is one role with all that it inherits, for lookups.
type compiled struct {
	// lineage has the role itself and every role that it inherits.
	lineage map[string]*origin
	// exact is by permission; the others are for patterns with a star.
	exact, byResource, byAction map[string]*origin
	all                         *origin
	// superuser is nil unless the lineage has the superuser role.
	superuser *origin
}

// compile walks from the role outwards, so that the nearest of several origins is kept.
func compile(name string, set roleSet, superuser string) *compiled {
	self := &origin{role: name}
	c := &compiled{lineage: map[string]*origin{name: self}, exact: map[string]*origin{}}
	queue := []*origin{self}
	for len(queue) > 0 {
		o := queue[0]
		queue = queue[1:]
		for _, p := range set[o.role].patterns {
			c.hold(p, o)
		}
		for _, parent := range set[o.role].Inherits {
			if c.lineage[parent] == nil {
				c.lineage[parent] = &origin{role: parent, heir: o}
				queue = append(queue, c.lineage[parent])
			}
		}
	}
	c.superuser = c.lineage[superuser]
	return c
}

func (c *compiled) hold(p Pattern, o *origin) {
	resource, action := p.held.Resource(), p.held.Action()
	switch {
	case resource != star && action != star:
		keep(&c.exact, p.String(), o)
	case resource != star:
		keep(&c.byResource, resource, o)
	case action != star:
		keep(&c.byAction, action, o)
	case c.all == nil:
		c.all = o
	}
}

func keep(m *map[string]*origin, key string, o *origin) {
	if *m == nil {
		*m = map[string]*origin{}
	}
	if (*m)[key] == nil {
		(*m)[key] = o
	}
}

// grants returns where the permission comes from, or nil.
func (c *compiled) grants(p Permission) *origin {
	if o := c.exact[p.text]; o != nil {
		return o
	}
	if o := c.byResource[p.Resource()]; o != nil {
		return o
	}
	if o := c.byAction[p.Action()]; o != nil {
		return o
	}
	return c.all
}

// inherited returns the first of the roles that is in the lineage, or nil.
func (c *compiled) inherited(anyOf []string) *origin {
	for _, name := range anyOf {
		if o := c.lineage[name]; o != nil {
			return o
		}
	}
	return nil
}

// collect adds every pattern that the role holds.
func (c *compiled) collect(held map[string]struct{}) {
	for permission := range c.exact {
		held[permission] = struct{}{}
	}
	for resource := range c.byResource {
		held[resource+"."+star] = struct{}{}
	}
	for action := range c.byAction {
		held[star+"."+action] = struct{}{}
	}
	if c.all != nil {
		held[everything] = struct{}{}
	}
}

// reaches reports whether the lineage has a role of the set.
func (c *compiled) reaches(set roleSet) bool {
	if len(set) < len(c.lineage) {
		for name := range set {
			if c.lineage[name] != nil {
				return true
			}
		}
		return false
	}
	for name := range c.lineage {
		if _, found := set[name]; found {
			return true
		}
	}
	return false
}

// origin is a role in a lineage, with the way to it.
type origin struct {
	role string
	// heir is the role before this one on the way; nil for the role that the lineage is of.
	heir *origin
	path atomic.Pointer[[]string]
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
