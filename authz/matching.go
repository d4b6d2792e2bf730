package authz

// findings are what matches a permission in the catalogs of a snapshot and of its base.
type findings [2]matching

// matching are the numbers of what matches a permission in one catalog: of what gives it,
// the most exact first, and of what takes it away.
type matching struct {
	catalog      *catalog
	gives, takes numberList
}

func (f *findings) of(c *catalog, what *check) *matching {
	m := &f[0]
	if m.catalog != nil && m.catalog != c {
		m = &f[1]
	}
	if m.catalog == nil {
		m.catalog = c
		c.match(what.permission, &what.segments, m)
	}
	return m
}

// numberList has room for as many numbers as nearly all permissions match, so that it can stand on the stack.
type numberList struct {
	room [8]uint32
	n    int
	more []uint32
}

func (l *numberList) add(number uint32) {
	if l.n < len(l.room) {
		l.room[l.n] = number
		l.n++
		return
	}
	l.more = append(l.more, number)
}
