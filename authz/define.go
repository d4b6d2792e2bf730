package authz

import (
	"errors"
	"fmt"
)

// definition is a role whose permissions were read.
type definition struct {
	Role
	grants []grant
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
	texts  []string
	grants []grant
	errs   []error
}

func newReader(roles []Role) *reader {
	permissions, parents := 0, 0
	for _, role := range roles {
		permissions += len(role.Permissions)
		parents += len(role.Inherits)
	}
	return &reader{texts: make([]string, 0, permissions+parents), grants: make([]grant, 0, permissions)}
}

func (r *reader) fault(format string, args ...any) {
	r.errs = append(r.errs, fmt.Errorf(format, args...))
}

func (r *reader) read(role Role) definition {
	if !validRoleName(role.Name) {
		r.fault("%w: %s %s", ErrRoleName, quote(role.Name), roleNameForm)
	}
	begin := len(r.grants)
	for _, text := range role.Permissions {
		if g, err := parseGrant(text); err == nil {
			r.grants = append(r.grants, g)
		} else {
			r.fault("%w: role %s holds %s, which %s; ! before it takes away", ErrPermissionSyntax, quote(role.Name), quote(text), patternForm)
		}
	}
	role.Permissions, role.Inherits = r.copied(role.Permissions), r.copied(role.Inherits)
	return definition{Role: role, grants: r.grants[begin:len(r.grants):len(r.grants)]}
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
