package authz

// compiler compiles roles of one valid set, which share a catalog.
type compiler struct {
	set       roleSet
	superuser string
	catalog   *catalog
	numbers   map[string]uint32
	members   []member
	// lists is what the members' lists are cut from.
	lists []uint32
	// seen and taken tell by member and by catalog number which turn met it last, so that nothing is cleared between two roles.
	seen, taken []uint32
	turn        uint32
	walk        []step
	found       []place
}

// member is a role of the set by numbers. Its own is what it holds without inheriting it: its name and its grants.
type member struct {
	name         string
	own, parents []uint32
}

// step is a member met on the way outwards, and the step before it.
type step struct {
	member uint32
	heir   int
}

// newCompiler returns a compiler with room for so many roles and grants.
func newCompiler(set roleSet, superuser string, roles, grants int) *compiler {
	return &compiler{
		set: set, superuser: superuser, catalog: newCatalog(roles + grants),
		numbers: make(map[string]uint32, roles), members: make([]member, 0, roles), lists: make([]uint32, 0, 2*roles+grants),
		seen: make([]uint32, 0, roles), taken: make([]uint32, 0, 1+roles+grants),
	}
}

// member returns the role's number. It reads the role, and what that inherits, once.
func (c *compiler) member(name string) uint32 {
	if n, known := c.numbers[name]; known {
		return n
	}
	n := uint32(len(c.members))
	c.numbers[name] = n
	d := c.set[name]
	begin := len(c.lists)
	c.lists = append(c.lists, c.catalog.addRole(newKey(name)))
	for i := range d.grants {
		c.lists = append(c.lists, c.catalog.addGrant(&d.grants[i]))
	}
	c.members = append(c.members, member{name: name, own: c.lists[begin:len(c.lists):len(c.lists)]})
	for _, parent := range d.Inherits {
		c.member(parent)
	}
	begin = len(c.lists)
	for _, parent := range d.Inherits {
		c.lists = append(c.lists, c.numbers[parent])
	}
	c.members[n].parents = c.lists[begin:len(c.lists):len(c.lists)]
	return n
}

// compile walks from the role outwards, so that the nearest of several origins is kept.
func (c *compiler) compile(name string) compiled {
	c.begin(c.member(name))
	for at := 0; at < len(c.walk); at++ {
		m := &c.members[c.walk[at].member]
		c.hold(m.own, at)
		for _, parent := range m.parents {
			c.meet(parent, at)
		}
	}
	return c.result(name)
}

func (c *compiler) begin(n uint32) {
	c.seen = extend(c.seen, len(c.members))
	c.taken = extend(c.taken, len(c.catalog.entries)+1)
	c.turn++
	c.walk, c.found = c.walk[:0], c.found[:0]
	c.meet(n, -1)
}

func (c *compiler) meet(n uint32, heir int) {
	if c.seen[n] != c.turn {
		c.seen[n] = c.turn
		c.walk = append(c.walk, step{member: n, heir: heir})
	}
}

func (c *compiler) hold(numbers []uint32, at int) {
	for _, number := range numbers {
		if c.taken[number] != c.turn {
			c.taken[number] = c.turn
			c.found = append(c.found, place{tag: number, number: uint32(at + 1)})
		}
	}
}

func (c *compiler) result(name string) compiled {
	role := compiled{name: name, catalog: c.catalog, held: newTable(len(c.found)), lineage: make([]origin, len(c.walk))}
	for _, p := range c.found {
		role.held.add(p.tag, p.number)
	}
	for i, s := range c.walk {
		o := &role.lineage[i]
		o.role = c.members[s.member].name
		if s.heir >= 0 {
			o.heir = &role.lineage[s.heir]
		}
		if o.role == c.superuser {
			role.superuser = o
		}
	}
	return role
}

// extend returns the list with as many zeros behind it as are missing to n.
func extend(list []uint32, n int) []uint32 {
	return append(list, make([]uint32, max(0, n-len(list)))...)
}
