package authz

// snapshot is a validated set of roles, ready to decide. It does not change
// once built. A tenant's snapshot holds what its stored roles change and leaves the rest to base.
type snapshot struct {
	set   roleSet
	roles index[*compiled]
	// base is nil for the roles outside the store.
	base *snapshot
}

// newBase compiles the roles outside the store.
func newBase(set roleSet, superuser string) *snapshot {
	s := &snapshot{set: set, roles: withRoom[*compiled](len(set))}
	c := newCompiler(set, superuser, len(set))
	for name := range set {
		s.roles.add(newKey(name), c.compile(name))
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
	c := newCompiler(merged, superuser, len(stored))
	for name := range merged {
		k := newKey(name)
		if old, _ := s.roles.find(k); old == nil || old.reaches(stored) {
			t.roles.add(k, c.compile(name))
		}
	}
	return t, nil
}

// role returns nil for a role that is defined nowhere.
func (s *snapshot) role(name string) *compiled {
	k := newKey(name)
	if c, found := s.roles.find(k); found || s.base == nil {
		return c
	}
	c, _ := s.base.roles.find(k)
	return c
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
