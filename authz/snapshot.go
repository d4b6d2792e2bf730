package authz

// snapshot is a validated set of roles, ready to decide. It does not change
// once built. A tenant's snapshot holds what its stored roles change and leaves the rest to base.
type snapshot struct {
	set   roleSet
	roles []compiled
	// numbers are places in roles, counted from one, by name.
	numbers table
	// base is nil for the roles outside the store.
	base *snapshot
}

// newBase compiles the roles outside the store.
func newBase(set roleSet, superuser string) *snapshot {
	s := &snapshot{set: set, roles: make([]compiled, 0, len(set)), numbers: newTable(len(set))}
	c := newCompiler(set, superuser, len(set), set.patterns())
	for name := range set {
		s.add(c.compile(name))
	}
	return s
}

// over returns the snapshot of a tenant with these stored roles, or the error
// that makes the whole set invalid.
func (s *snapshot) over(stored roleSet, superuser string) (*snapshot, error) {
	if len(stored) == 0 {
		return s, nil
	}
	merged := s.set.with(stored)
	if err := merged.checkInheritance(); err != nil {
		return nil, err
	}
	t := &snapshot{set: stored, base: s}
	c := newCompiler(merged, superuser, len(stored), stored.patterns())
	for name := range merged {
		if old := s.role(name); old == nil || old.reaches(stored) {
			t.add(c.compile(name))
		}
	}
	return t, nil
}

func (s *snapshot) add(role compiled) {
	s.roles = append(s.roles, role)
	s.numbers.add(newKey(role.name).tag, uint32(len(s.roles)))
}

// role returns nil for a role that is defined nowhere.
func (s *snapshot) role(name string) *compiled {
	k := newKey(name)
	if c := s.find(k); c != nil || s.base == nil {
		return c
	}
	return s.base.find(k)
}

func (s *snapshot) find(k key) *compiled {
	number, at := s.numbers.next(first(k.tag), k.tag)
	for number != 0 {
		if c := &s.roles[number-1]; c.name == k.text {
			return c
		}
		number, at = s.numbers.next(at, k.tag)
	}
	return nil
}

// grant asks each of the roles in turn. It returns where the first that satisfies the check has
// that from, and the reason; or nil when none does. One which is or inherits the superuser role satisfies every check.
func (s *snapshot) grant(roles []string, what *check) (*origin, string) {
	for _, name := range roles {
		role := s.role(name)
		if role == nil {
			continue
		}
		if role.superuser != nil {
			return role.superuser, ReasonSuperuser
		}
		if o := role.grants(what); o != nil {
			return o, ReasonGranted
		}
	}
	return nil, ""
}

func (s *snapshot) definitions() roleSet {
	if s.base == nil {
		return s.set
	}
	return s.base.set.with(s.set)
}
