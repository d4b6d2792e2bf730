package authz

import (
	"errors"
	"fmt"
)

// definition is a role whose patterns were read.
type definition struct {
	Role
	patterns []Pattern
}

// define reads roles of one source. The set it returns shares nothing with
// them, holds all of them even when some are malformed, and has room for some more.
func define(roles []Role, more int) (roleSet, error) {
	set, r := make(roleSet, len(roles)+more), newReader(roles)
	for _, role := range roles {
		if _, twice := set[role.Name]; twice {
			r.fault("%w: role %s", ErrRoleTwice, quote(role.Name))
		}
		set[role.Name] = r.read(role)
	}
	return set, errors.Join(r.errs...)
}

// reader reads roles. What it returns is cut from a few long lists, as a large policy has many short ones.
type reader struct {
	texts    []string
	patterns []Pattern
	errs     []error
}

func newReader(roles []Role) *reader {
	permissions, parents := 0, 0
	for _, role := range roles {
		permissions += len(role.Permissions)
		parents += len(role.Inherits)
	}
	return &reader{texts: make([]string, 0, permissions+parents), patterns: make([]Pattern, 0, permissions)}
}

func (r *reader) fault(format string, args ...any) {
	r.errs = append(r.errs, fmt.Errorf(format, args...))
}

func (r *reader) read(role Role) definition {
	if !validRoleName(role.Name) {
		r.fault("%w: %s %s", ErrRoleName, quote(role.Name), roleNameForm)
	}
	begin := len(r.patterns)
	for _, text := range role.Permissions {
		if p, err := ParsePattern(text); err == nil {
			r.patterns = append(r.patterns, p)
		} else {
			r.fault("%w: role %s holds %s, which %s", ErrPermissionSyntax, quote(role.Name), quote(text), patternForm)
		}
	}
	role.Permissions, role.Inherits = r.copied(role.Permissions), r.copied(role.Inherits)
	return definition{Role: role, patterns: r.patterns[begin:len(r.patterns):len(r.patterns)]}
}

// copied returns nil for nil, as [slices.Clone] does.
func (r *reader) copied(list []string) []string {
	if list == nil {
		return nil
	}
	begin := len(r.texts)
	r.texts = append(r.texts, list...)
	return r.texts[begin:len(r.texts):len(r.texts)]
}
