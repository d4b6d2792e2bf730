package authz

import (
	"errors"

	"github.com/authmodule/authmodule/authn"
)

// snapshot is a validated set of roles, ready to decide. It does not change
// once built. A tenant's snapshot holds what its stored roles change and leaves the rest to base.
type snapshot struct {
	set   roleSet
	roles []compiled
	// numbers are places in roles, counted from one, by name.
	numbers table
	// base is nil for the roles outside the store.
	base *snapshot
	// denies says that some role takes a permission away.
	denies bool
	// size is how many roles and permissions its roles have, with inherited ones counted for each heir.
	size int
}

// newBase compiles the roles outside the store.
func newBase(set roleSet, superuser string) *snapshot {
	s := &snapshot{set: set, roles: make([]compiled, 0, len(set)), numbers: newTable(len(set)), denies: set.denies()}
	c := newCompiler(set, superuser, len(set), set.grants())
	for name := range set {
		s.add(c.compile(name))
	}
	c.catalog.finish()
	return s
}

// over returns the snapshot of a tenant with these stored roles, or the error
// that makes the whole set invalid.
func (s *snapshot) over(stored roleSet, defaultRole, superuser string) (*snapshot, error) {
	merged := s.set.with(stored)
	if err := errors.Join(merged.checkInheritance(), merged.checkShapes(), merged.checkSuperuser(defaultRole, superuser)); err != nil {
		return nil, err
	}
	t := &snapshot{set: stored, base: s, denies: merged.denies()}
	c := newCompiler(merged, superuser, len(stored), stored.grants())
	for name := range merged {
		if old := s.role(name); old == nil || old.reaches(stored) {
			t.add(c.compile(name))
		}
		if t.size > s.size+MaxInherited { // what configuration and code define is not bounded
			return nil, tooDeep()
		}
	}
	c.catalog.finish()
	return t, nil
}

func (s *snapshot) add(role compiled) {
	s.roles = append(s.roles, role)
	s.size += len(role.lineage) + role.held.taken
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

// decide returns what the roles say to the check and which role says it: granted, superuser, denied,
// or nothing. A role that takes a permission away outdoes every other one, the superuser role too.
func (s *snapshot) decide(roles []string, c *check) (*origin, string) {
	if c.need == needRole {
		return s.roleOf(roles, c.anyOf)
	}
	var found findings
	var given *origin
	var how string
	for _, name := range roles {
		role := s.role(name)
		if role == nil {
			continue
		}
		m := found.of(role.catalog, c)
		if o := role.firstOf(&m.takes); o != nil {
			return o, ReasonDenied
		}
		if given == nil {
			given, how = role.gives(m)
		}
		if given != nil && !s.denies {
			break
		}
	}
	return given, how
}

// judge is decide for a check of which one part may suffice.
func (s *snapshot) judge(p *authn.Principal, c *check) (o *origin, reason string) {
	if c.oneOf == nil {
		return s.decide(p.Roles, c)
	}
	for i := range c.oneOf {
		one := &c.oneOf[i]
		if p.Scopes != nil && !one.scoped(p.Scopes) {
			continue
		}
		if o, reason = s.decide(p.Roles, one); gives(reason) {
			return o, reason
		}
	}
	return o, reason
}

// gives returns why the role passes for a permission, apart from what another may take away.
func (c *compiled) gives(m *matching) (*origin, string) {
	if c.superuser != nil {
		return c.superuser, ReasonSuperuser
	}
	if o := c.firstOf(&m.gives); o != nil {
		return o, ReasonGranted
	}
	return nil, ""
}

// roleOf returns the first of the roles that is or inherits one of anyOf, or the superuser role.
func (s *snapshot) roleOf(roles []string, anyOf []key) (*origin, string) {
	for _, name := range roles {
		role := s.role(name)
		if role == nil {
			continue
		}
		if role.superuser != nil {
			return role.superuser, ReasonSuperuser
		}
		if o := role.inherits(anyOf); o != nil {
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
