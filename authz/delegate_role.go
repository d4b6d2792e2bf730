package authz

import (
	"fmt"
	"slices"

	"github.com/authmodule/authmodule/authn"
)

// items are the faults of single items of a role that is to be defined.
func (r *reach) items(before, after *ruleset, role Role) (faults []error) {
	if r.unlimited {
		return nil
	}
	beyond := func(list string, i int, problem string) {
		field := fmt.Sprintf("%s[%d]", list, i)
		faults = append(faults, fmt.Errorf("%w: %w", ErrBeyond, &authn.FieldError{Field: field, Code: "not_permitted", Problem: problem}))
	}
	without := after.roles.holding([]string{role.Name}).takes
	for i, text := range role.Permissions {
		if p, err := ParsePattern(text); err == nil && !r.covers(p, without) { // what takes away is no pattern
			beyond("permissions", i, "is not within what you may do")
		}
	}
	for i, parent := range role.Inherits {
		switch old := before.roles.role(role.Name); {
		case (old == nil || old.inherits([]key{newKey(parent)}) == nil) && !r.has(parent):
			beyond("inherits", i, "is a role that you do not have")
		case slices.ContainsFunc(after.roles.holding([]string{parent}).gives, func(p Pattern) bool { return !r.covers(p, without) }):
			beyond("inherits", i, "is a role that holds more than you may do")
		}
	}
	return faults
}

// change refuses the change of a role, which may be new or be deleted, that is beyond the caller. What the role itself holds
// afterwards is left out when that was told of already.
func (r *reach) change(before, after *ruleset, name string, told bool) error {
	if err := r.exceeds(before, name); err != nil {
		return err
	}
	if err := r.exceeds(after, name); err != nil && !told {
		return err
	}
	if r.unlimited {
		return nil
	}
	for _, heir := range after.roles.heirsOf(name) {
		for _, rules := range []*ruleset{before, after} {
			if err := r.exceeds(rules, heir); err != nil {
				return fmt.Errorf("%w; it inherits %s", err, quote(name))
			}
		}
	}
	return r.keeps(before, after, name)
}

// keeps refuses a change to what an existing role takes away, and to which roles that policies ask for it inherits: those who
// have it could gain by it, and those above the caller lose.
func (r *reach) keeps(before, after *ruleset, name string) error {
	old, next := before.roles.role(name), after.roles.role(name)
	if old == nil {
		return nil
	}
	if !slices.Equal(before.roles.holding([]string{name}).takes, after.roles.holding([]string{name}).takes) {
		return fmt.Errorf("%w: it changes what role %s takes away (!)", ErrBeyond, quote(name))
	}
	for _, parent := range append(old.without(next), next.without(old)...) {
		if parent != name && !r.has(parent) {
			return fmt.Errorf("%w: it changes whether role %s inherits %s, which they do not have", ErrBeyond, quote(name), quote(parent))
		}
	}
	if was, is := asks(old, before, after), asks(next, before, after); !slices.Equal(was, is) {
		return fmt.Errorf("%w: it changes which roles that policies ask for role %s is or inherits", ErrBeyond, quote(name))
	}
	return nil
}

// without are the roles of the lineage that another one has not. Either may be nil.
func (c *compiled) without(other *compiled) (names []string) {
	if c == nil {
		return nil
	}
	for i := range c.lineage {
		if name := c.lineage[i].role; other == nil || other.inherits([]key{newKey(name)}) == nil {
			names = append(names, name)
		}
	}
	return names
}

// heirsOf are the roles that inherit the role, over others too, ascending.
func (s *snapshot) heirsOf(name string) (heirs []string) {
	role := []key{newKey(name)}
	for _, heir := range s.definitions().names() {
		if heir != name && s.role(heir).inherits(role) != nil {
			heirs = append(heirs, heir)
		}
	}
	return heirs
}
