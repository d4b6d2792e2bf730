package authz

// snapshot is a validated set of roles, ready to decide. It does not change
// once built. A tenant's snapshot holds what its stored roles change and leaves the rest to base.
type snapshot struct {
	set   roleSet
	roles map[string]*compiled
	// base is nil for the roles outside the store.
	base *snapshot
}

// newBase compiles the roles outside the store.
func newBase(set roleSet, superuser string) *snapshot {
	s := &snapshot{set: set, roles: make(map[string]*compiled, len(set))}
	for name := range set {
		s.roles[name] = compile(name, set, superuser)
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
	t := &snapshot{set: stored, roles: make(map[string]*compiled, len(stored)), base: s}
	for name := range merged {
		if c := s.roles[name]; c == nil || c.reaches(stored) {
			t.roles[name] = compile(name, merged, superuser)
		}
	}
	return t, nil
}

// role returns nil for a role that is defined nowhere.
func (s *snapshot) role(name string) *compiled {
	if c, ok := s.roles[name]; ok || s.base == nil {
		return c
	}
	return s.base.roles[name]
}

func (s *snapshot) definitions() roleSet {
	if s.base == nil {
		return s.set
	}
	return s.base.set.with(s.set)
}
