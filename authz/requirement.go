package authz

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/authmodule/authmodule/authn"
)

// Requirement is what a guard asks for. It is read once, when it is made, and every [Service] can
// decide about it any number of times. It does not change. The zero value
// requires nothing, which nobody passes.
//
// A name that is malformed makes no requirement smaller: [Service.Decide] answers with the error.
type Requirement struct {
	// asked is one word, so that guards hand it on for nothing; nil requires nothing.
	asked *asked
}

// asked is what a requirement asks for.
type asked struct {
	what   string
	checks []check
	// number is by which it is remembered that a principal meets it; zero for not at all.
	number uint32
}

// checks are all parts, every one of which must be satisfied.
func (r Requirement) checks() []check {
	if r.asked == nil {
		return nil
	}
	return r.asked.checks
}

// RequirePermissions asks for every one of the permissions, as [Service.AuthorizeAll] does.
func RequirePermissions(allOf ...string) Requirement {
	return eachOf("permission", needPermission, allOf)
}

// RequireAnyPermission asks for one of the permissions. A denial names them all, and is one event.
func RequireAnyPermission(anyOf ...string) Requirement {
	if len(anyOf) == 0 {
		return newRequirement("permission")
	}
	return newRequirement("permission", newAnyCheck(anyOf))
}

// RequireScopes asks that the credential may be used for every one of the permissions, as
// [Service.AuthorizeScopes] does.
func RequireScopes(allOf ...string) Requirement {
	return eachOf("scope", needScope, allOf)
}

// RequireRoles asks for one of the roles, as [Service.AuthorizeRoles] does.
func RequireRoles(anyOf ...string) Requirement {
	if len(anyOf) == 0 {
		return newRequirement("role")
	}
	return newRequirement("role", newRoleCheck(anyOf))
}

// numbers counts the requirements that have a number. Those of guards are made when a program starts; a program that
// makes them all the time has no use for remembering them.
var numbers atomic.Uint32

const mostNumbers = 1 << 14

// numbered is the highest number given out.
func numbered() uint32 { return min(numbers.Load(), mostNumbers) }

func newRequirement(what string, checks ...check) Requirement {
	a := &asked{what: what, checks: checks}
	if len(checks) > 0 && numbers.Load() < mostNumbers {
		if n := numbers.Add(1); n <= mostNumbers {
			a.number = n
		}
	}
	return Requirement{a}
}

func eachOf(what string, n need, permissions []string) Requirement {
	checks := make([]check, len(permissions))
	for i, permission := range permissions {
		checks[i] = newCheck(n, permission)
	}
	return newRequirement(what, checks...)
}

// String names everything that is required.
func (r Requirement) String() string {
	checks := r.checks()
	all := make([]string, len(checks))
	for i := range checks {
		all[i] = checks[i].required
	}
	return strings.Join(all, " and ")
}

// need is what a check looks at.
type need uint8

const (
	needPermission need = iota // scopes and roles
	needScope                  // scopes alone
	needRole
)

// check is one part of a [Requirement]; all of them must be satisfied.
type check struct {
	required string
	need     need
	// fault is why the check cannot be made. Nothing below is set then.
	fault error
	// permission and segments are not set for needRole.
	permission Permission
	segments   segmentHashes
	// anyOf are names of roles, for needRole.
	anyOf []key
	// oneOf are checks of which one suffices. Of the check that has them, permission, segments and anyOf are not set.
	oneOf []check
}

func newCheck(n need, permission string) check {
	c := check{required: permission, need: n}
	if c.permission, c.fault = ParsePermission(permission); c.fault == nil {
		c.segments.hash(permission)
	}
	return c
}

func newAnyCheck(anyOf []string) check {
	c := check{required: strings.Join(anyOf, " or "), need: needPermission, oneOf: make([]check, len(anyOf))}
	for i, permission := range anyOf {
		c.oneOf[i] = newCheck(needPermission, permission)
		if c.fault == nil {
			c.fault = c.oneOf[i].fault
		}
	}
	return c
}

func newRoleCheck(anyOf []string) check {
	c := check{required: "role " + strings.Join(anyOf, " or "), need: needRole}
	if i := slices.IndexFunc(anyOf, func(name string) bool { return !validRoleName(name) }); i >= 0 {
		c.fault = fmt.Errorf("%w: %s %s", ErrRoleName, quote(anyOf[i]), roleNameForm)
		return c
	}
	c.anyOf = make([]key, len(anyOf))
	for i, name := range anyOf {
		c.anyOf[i] = newKey(name)
	}
	return c
}

// refuses returns why p does not satisfy the check whatever its roles are, or "". The error is that of the check, not of p.
func (c *check) refuses(p *authn.Principal) (reason string, fault error) {
	switch {
	case !authenticated(p):
		return ReasonAnonymous, nil
	case c.fault != nil:
		return ReasonError, c.fault
	case p.Scopes != nil && !c.scoped(p.Scopes):
		return ReasonScope, nil
	}
	return "", nil
}

// scoped reports whether scopes leave anything of the check to be granted.
func (c *check) scoped(scopes []string) bool {
	for i := range c.oneOf {
		if inScope(scopes, c.oneOf[i].permission) {
			return true
		}
	}
	return c.oneOf == nil && c.need != needRole && inScope(scopes, c.permission)
}

// missing is the reason of a denial for the lack of a role.
func (c *check) missing() string {
	if c.need == needRole {
		return ReasonMissingRole
	}
	return ReasonMissingPermission
}
