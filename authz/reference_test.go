package authz_test

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
)

// reference decides by what is documented, by plain recursion and by splitting texts each time.
type reference struct {
	enabled                       bool
	defaultRole, admin, superuser string
	code, config                  map[string]authz.Role
	stored                        map[authn.Tenant]map[string]authz.Role
	policies                      []saying
	storedPolicies                map[authn.Tenant]map[string][]saying
	assigned                      map[authn.Subject][]authz.Assignment
	now                           time.Time
}

// answer is what the reference says to one question.
type answer struct {
	allowed bool
	// reasons are all that are true: a service may name any of them.
	reasons []string
	// closed are the reasons of a denial that is right as well: a policy that is not about the caller looks at what the resource lacks.
	closed []string
}

func denied(reasons ...string) answer { return answer{reasons: reasons} }

func granted(reasons ...string) answer { return answer{allowed: true, reasons: reasons} }

// role is the definition in force.
func (r *reference) role(t authn.Tenant, name string) (authz.Role, bool) {
	for _, source := range []map[string]authz.Role{r.stored[t], r.config, r.code} {
		if role, defined := source[name]; defined {
			return role, true
		}
	}
	return authz.Role{Name: name}, name == r.defaultRole || name == r.admin || name != "" && name == r.superuser
}

// above reports whether something is true of the role or of one that it inherits.
func (r *reference) above(t authn.Tenant, name string, is func(authz.Role) bool) bool {
	role, defined := r.role(t, name)
	return defined && (is(role) || slices.ContainsFunc(role.Inherits, func(parent string) bool { return r.above(t, parent, is) }))
}

func (r *reference) anyAbove(p authn.Principal, is func(authz.Role) bool) bool {
	return slices.ContainsFunc(p.Roles, func(name string) bool { return r.above(p.Subject.Tenant, name, is) })
}

func (r *reference) has(p authn.Principal, names ...string) bool {
	return r.anyAbove(p, func(role authz.Role) bool { return slices.Contains(names, role.Name) })
}

func (r *reference) isSuperuser(p authn.Principal) bool {
	return r.superuser != "" && r.has(p, r.superuser)
}

// holds reports whether the role itself holds a pattern, with or without ! before it, that matches the action.
func holds(role authz.Role, mark, action string) bool {
	return slices.ContainsFunc(role.Permissions, func(text string) bool {
		return strings.HasPrefix(text, "!") == (mark == "!") && fits(strings.TrimPrefix(text, "!"), action)
	})
}

func (r *reference) rolesSay(p authn.Principal, mark, action string) bool {
	return r.anyAbove(p, func(role authz.Role) bool { return holds(role, mark, action) })
}

var (
	aPermission = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}(\.[A-Za-z0-9_-]{1,64}){1,15}$`)
	aPattern    = regexp.MustCompile(`^(([A-Za-z0-9_-]{1,64}|\*)(\.([A-Za-z0-9_-]{1,64}|\*)){0,14}\.([A-Za-z0-9_-]{1,64}|\*\*?)|\*\*)$`)
	aRole       = regexp.MustCompile(`^[a-z0-9_-]{1,64}$`)
)

func fits(pattern, action string) bool {
	return fit(strings.Split(pattern, "."), strings.Split(action, "."))
}

func fit(pattern, action []string) bool {
	switch {
	case len(pattern) == 0 || len(action) == 0:
		return len(pattern) == len(action)
	case pattern[0] == "**":
		return true
	case pattern[0] != "*" && pattern[0] != action[0]:
		return false
	}
	return fit(pattern[1:], action[1:])
}

func covered(p authn.Principal, action string) bool {
	return p.Scopes == nil || slices.ContainsFunc(p.Scopes, func(scope string) bool { return aPattern.MatchString(scope) && fits(scope, action) })
}

func nobody(p authn.Principal) bool { return p.Kind == authn.KindAnonymous || p.Subject.ID == "" }

func (r *reference) authorize(p authn.Principal, action string, on authz.Resource) answer {
	switch {
	case nobody(p):
		return denied(authz.ReasonAnonymous)
	case !aPermission.MatchString(action):
		return denied(authz.ReasonError)
	case !covered(p, action):
		return denied(authz.ReasonScope)
	}
	said := r.policiesSay(p, action, on)
	against := append([]string(nil), said.against...)
	if r.enabled && r.rolesSay(p, "!", action) {
		against = append(against, authz.ReasonDenied)
	}
	a := answer{reasons: against}
	if len(against) == 0 {
		a = r.given(p, action, said)
	}
	if said.unsure {
		a.closed = []string{authz.ReasonPolicyError}
	}
	return a
}

func (r *reference) given(p authn.Principal, action string, said opinion) answer {
	reasons := said.favour
	if !r.enabled {
		reasons = append(reasons, authz.ReasonDisabled)
	}
	if r.enabled && r.rolesSay(p, "", action) {
		reasons = append(reasons, authz.ReasonGranted)
	}
	if r.enabled && r.isSuperuser(p) {
		reasons = append(reasons, authz.ReasonSuperuser)
	}
	if len(reasons) == 0 {
		return denied(authz.ReasonMissingPermission)
	}
	return granted(reasons...)
}

func (r *reference) authorizeRoles(p authn.Principal, anyOf []string) answer {
	var reasons []string
	switch {
	case nobody(p):
		return denied(authz.ReasonAnonymous)
	case slices.ContainsFunc(anyOf, func(name string) bool { return !aRole.MatchString(name) }):
		return denied(authz.ReasonError)
	case p.Scopes != nil:
		return denied(authz.ReasonScope)
	case !r.enabled:
		return granted(authz.ReasonDisabled)
	}
	if r.has(p, anyOf...) {
		reasons = append(reasons, authz.ReasonGranted)
	}
	if r.isSuperuser(p) {
		reasons = append(reasons, authz.ReasonSuperuser)
	}
	if len(reasons) == 0 {
		return denied(authz.ReasonMissingRole)
	}
	return granted(reasons...)
}

func (r *reference) authorizeScope(p authn.Principal, action string) answer {
	switch {
	case nobody(p):
		return denied(authz.ReasonAnonymous)
	case !aPermission.MatchString(action):
		return denied(authz.ReasonError)
	case !covered(p, action):
		return denied(authz.ReasonScope)
	}
	return granted(authz.ReasonGranted)
}

// anyPermission needs one of them, and all of them to be well-formed.
func (r *reference) anyPermission(p authn.Principal, anyOf []string, on authz.Resource) answer {
	yes, no, sure := answer{allowed: true}, answer{}, false
	for _, action := range anyOf {
		a := r.authorize(p, action, on)
		if slices.Contains(a.reasons, authz.ReasonError) {
			return denied(authz.ReasonError)
		}
		if a.allowed {
			yes.reasons, sure = append(yes.reasons, a.reasons...), sure || a.closed == nil
		} else {
			no.reasons = append(no.reasons, a.reasons...)
		}
		yes.closed = append(yes.closed, a.closed...)
	}
	switch no.closed, yes.closed = yes.closed, append(yes.closed, no.reasons...); {
	case yes.reasons == nil:
		return no
	case sure:
		yes.closed = nil
	}
	return yes
}

// every is the first answer that is no, or the last one.
func (r *reference) every(actions []string, ask func(action string) answer) (a answer) {
	var closed []string
	for _, action := range actions {
		a = ask(action)
		if closed = append(closed, a.closed...); !a.allowed {
			break
		}
	}
	a.closed = closed
	return a
}

// rolesOf are the roles of an account now, ascending, and when the first of them ends.
func (r *reference) rolesOf(s authn.Subject) (roles []string, until time.Time) {
	for _, a := range r.assigned[s] {
		if !a.Until.IsZero() && !a.Until.After(r.now) {
			continue
		}
		roles = append(roles, a.Role)
		if !a.Until.IsZero() && (until.IsZero() || a.Until.Before(until)) {
			until = a.Until
		}
	}
	if roles == nil {
		roles = []string{r.defaultRole}
	}
	slices.Sort(roles)
	return roles, until
}

// define returns what defining a role is refused with; nil makes the change.
func (r *reference) define(t authn.Tenant, role authz.Role) error {
	before := maps.Clone(r.stored[t])
	r.stored[t][role.Name] = role
	err := r.fault(t, role.Name)
	if err != nil {
		r.stored[t] = before
	}
	return err
}

// remove returns what deleting a role is refused with; nil makes the change.
func (r *reference) remove(t authn.Tenant, name string) error {
	before := maps.Clone(r.stored[t])
	delete(r.stored[t], name)
	_, stored := before[name]
	_, fixed := r.role(t, name)
	var err error
	switch {
	case !stored && fixed:
		err = authz.ErrRoleFixed
	case !stored:
		err = authz.ErrUnknownRole
	case !fixed && r.inherited(t, name):
		err = authz.ErrRoleInUse
	case !fixed && r.named(t, name):
		err = authz.ErrPolicies
	default:
		err = r.fault(t, name)
	}
	if err != nil {
		r.stored[t] = before
	}
	return err
}

// fault is what is wrong with the roles of a tenant after one changed.
func (r *reference) fault(t authn.Tenant, changed string) error {
	role, _ := r.role(t, changed)
	for _, parent := range role.Inherits {
		if _, defined := r.role(t, parent); !defined {
			return authz.ErrUnknownRole
		}
		if r.above(t, parent, func(up authz.Role) bool { return up.Name == changed }) {
			return authz.ErrRoleCycle
		}
	}
	if r.superuser != "" && r.above(t, r.defaultRole, func(up authz.Role) bool { return up.Name == r.superuser }) {
		return authz.ErrSuperuserDefault
	}
	return nil
}

func (r *reference) inherited(t authn.Tenant, name string) bool {
	for _, source := range []map[string]authz.Role{r.stored[t], r.config, r.code} {
		for heir := range source {
			if role, _ := r.role(t, heir); slices.Contains(role.Inherits, name) {
				return true
			}
		}
	}
	return false
}
