package authz

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
)

// ValidateRoles reports everything that is wrong with the roles of cfg and with those
// from code, joined: malformed names and patterns, unknown parents, and circles with their path.
// [New] does so as well; stored roles are not seen here.
func ValidateRoles(cfg Config, extra []Role) error {
	_, err := collect(cfg.WithDefaults(), extra)
	return err
}

// roleSet is a set of definitions by name.
type roleSet map[string]definition

// namedRoles is how many roles a [Config] names without defining them.
const namedRoles = 3

// collect builds the set of all roles outside the store. cfg has its defaults.
func collect(cfg Config, extra []Role) (roleSet, error) {
	set, configErr := define(configRoles(cfg, maps.Keys(cfg.Roles)), len(extra)+namedRoles)
	if configErr != nil { // in an order that depends on the names alone
		_, configErr = define(configRoles(cfg, slices.Values(slices.Sorted(maps.Keys(cfg.Roles)))), 0)
	}
	coded, err := define(extra, 0)
	for name, d := range coded {
		if _, configured := set[name]; !configured {
			set[name] = d
		}
	}
	errs := []error{err, configErr}
	for _, named := range []struct{ key, role string }{
		{"default_role", cfg.DefaultRole}, {"admin_role", cfg.AdminRole}, {"superuser_role", cfg.SuperuserRole},
	} {
		if named.role == "" {
			continue
		}
		if !validRoleName(named.role) {
			errs = append(errs, fmt.Errorf("%w: %s is %s, which %s", ErrRoleName, named.key, quote(named.role), roleNameForm))
		}
		if _, defined := set[named.role]; !defined {
			if named.key == "default_role" && named.role != DefaultRole {
				errs = append(errs, fmt.Errorf("%w: default_role is %s, which is defined nowhere; define it, without permissions if it has none", ErrUnknownRole, quote(named.role)))
			}
			set[named.role] = definition{Role: Role{Name: named.role}}
		}
	}
	for _, role := range slices.Sorted(maps.Keys(cfg.Groups)) {
		if _, defined := set[role]; !defined {
			errs = append(errs, fmt.Errorf("%w: groups give role %s, which is defined nowhere", ErrUnknownRole, quote(role)))
		}
	}
	errs = append(errs, set.checkInheritance(), set.checkShapes(), set.checkSuperuser(cfg.DefaultRole, cfg.SuperuserRole))
	return set, errors.Join(errs...)
}

// checkSuperuser refuses a default role that is, or inherits, the superuser
// role: everybody would be one.
func (s roleSet) checkSuperuser(defaultRole, superuser string) error {
	if superuser == "" {
		return nil
	}
	seen := map[string]bool{}
	for queue := []string{defaultRole}; len(queue) > 0; queue = queue[1:] {
		name := queue[0]
		if name == superuser {
			return fmt.Errorf("%w: default_role %s is or inherits superuser_role %s", ErrSuperuserDefault, quote(defaultRole), quote(name))
		}
		if !seen[name] {
			seen[name] = true
			queue = append(queue, s[name].Inherits...)
		}
	}
	return nil
}

func configRoles(cfg Config, names iter.Seq[string]) []Role {
	roles := make([]Role, 0, len(cfg.Roles))
	for name := range names {
		r := cfg.Roles[name]
		roles = append(roles, Role{Name: name, Description: r.Description, Permissions: r.Permissions, Inherits: r.Inherits})
	}
	return roles
}

// with returns a set in which each role of over takes the place of one of its name.
func (s roleSet) with(over roleSet) roleSet {
	merged := maps.Clone(s)
	maps.Copy(merged, over)
	return merged
}

// grants returns how many grants the definitions hold, those that several hold counted several times.
func (s roleSet) grants() int {
	n := 0
	for _, d := range s {
		n += len(d.grants)
	}
	return n
}

// denies reports whether some role takes a permission away.
func (s roleSet) denies() bool {
	for _, d := range s {
		if slices.ContainsFunc(d.grants, func(g grant) bool { return g.shape.denied }) {
			return true
		}
	}
	return false
}

// names are ascending.
func (s roleSet) names() []string { return slices.Sorted(maps.Keys(s)) }

// permissions are those that are held as they are, without wildcards, ascending and each once.
func (s roleSet) permissions() []string {
	var all []string
	for _, d := range s {
		for i := range d.grants {
			if p := &d.grants[i].pattern; !p.starred {
				all = append(all, p.text)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// roles returns copies of all definitions by ascending name.
func (s roleSet) roles() []Role {
	roles := make([]Role, 0, len(s))
	for _, name := range slices.Sorted(maps.Keys(s)) {
		roles = append(roles, cloneRole(s[name].Role))
	}
	return roles
}

func cloneRole(r Role) Role {
	r.Permissions = slices.Clone(r.Permissions)
	r.Inherits = slices.Clone(r.Inherits)
	return r
}

func equalRole(a, b Role) bool {
	return a.Name == b.Name && a.Description == b.Description &&
		slices.Equal(a.Permissions, b.Permissions) && slices.Equal(a.Inherits, b.Inherits)
}

const roleNameForm = "is not 1 to 64 of a-z 0-9 _ -"

func validRoleName(name string) bool {
	if name == "" || len(name) > maxSegment {
		return false
	}
	for i := range len(name) {
		if !roleByte(name[i]) {
			return false
		}
	}
	return true
}
