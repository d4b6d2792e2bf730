package authz

// compiler compiles roles of one valid set, which share a catalog.
type compiler struct {
	set       roleSet
	superuser string
	catalog   *catalog
	numbers   map[string]int
	members   []member
	// seen and taken tell by member and by catalog number which turn found it last, so that nothing is cleared between two roles.
	seen, taken []int
	turn        int
	walk        []step
	found       []holding
}

// member is a role of the set by numbers. Its own is what it holds without inheriting it: its
// patterns and its name.
type member struct {
	name    string
	own     []uint32
	parents []int
}

// step is a role met on the way outwards, and the step before it.
type step struct{ member, heir int }

func newCompiler(set roleSet, superuser string, roles int) *compiler {
	return &compiler{
		set: set, superuser: superuser, catalog: &catalog{},
		numbers: make(map[string]int, roles), members: make([]member, 0, roles),
	}
}

// member returns the role's number. It reads the role, and what it inherits, once.
func (c *compiler) member(name string) int {
	if n, known := c.numbers[name]; known {
		return n
	}
	n := len(c.members)
	c.numbers[name] = n
	d := c.set[name]
	m := member{name: name, own: make([]uint32, 0, len(d.patterns)+1), parents: make([]int, 0, len(d.Inherits))}
	m.own = append(m.own, c.catalog.number(name))
	for _, p := range d.patterns {
		m.own = append(m.own, c.catalog.number(p.starless()))
	}
	c.members = append(c.members, m)
	for _, parent := range d.Inherits {
		m.parents = append(m.parents, c.member(parent))
	}
	c.members[n].parents = m.parents
	return n
}

// compile walks from the role outwards, so that the nearest of several origins is kept.
func (c *compiler) compile(name string) *compiled {
	c.begin(c.member(name))
	for at := 0; at < len(c.walk); at++ {
		m := &c.members[c.walk[at].member]
		c.hold(m.own, at)
		for _, parent := range m.parents {
			c.meet(parent, at)
		}
	}
	return c.result()
}

func (c *compiler) begin(n int) {
	c.seen = extend(c.seen, len(c.members))
	c.taken = extend(c.taken, len(c.catalog.texts)+1)
	c.turn++
	c.walk, c.found = c.walk[:0], c.found[:0]
	c.meet(n, -1)
}

func (c *compiler) meet(n, heir int) {
	if c.seen[n] != c.turn {
		c.seen[n] = c.turn
		c.walk = append(c.walk, step{member: n, heir: heir})
	}
}

func (c *compiler) hold(numbers []uint32, at int) {
	for _, number := range numbers {
		if c.taken[number] != c.turn {
			c.taken[number] = c.turn
			c.found = append(c.found, holding{number: number, origin: uint32(at)}) //nolint:gosec // there are fewer than 2^32 roles
		}
	}
}

func (c *compiler) result() *compiled {
	role := &compiled{catalog: c.catalog, lineage: make([]origin, len(c.walk))}
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
	role.keep(c.found)
	return role
}

// extend returns the numbers followed by as many zeros as are missing to n of them.
func extend(numbers []int, n int) []int {
	return append(numbers, make([]int, max(0, n-len(numbers)))...)
}
