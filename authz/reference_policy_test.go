package authz_test

import (
	"fmt"
	"slices"
	"strings"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
)

// saying is a policy of the family that the reference knows: about one action, perhaps of a role, of a type of
// resources, and of one attribute that equals a value.
type saying struct {
	id                                   string
	permit                               bool
	role, action, typ, attribute, wanted string
	unless                               bool
}

func (s saying) cedar() string {
	effect, who, what, when := "forbid", "principal", "resource", ""
	if s.permit {
		effect = "permit"
	}
	if s.role != "" {
		who = fmt.Sprintf("principal in Role::%q", s.role)
	}
	if s.typ != "" {
		what = "resource is " + s.typ
	}
	if s.attribute != "" {
		when = map[bool]string{false: " when ", true: " unless "}[s.unless] + s.condition()
	}
	return fmt.Sprintf("@id(%q) %s (%s, action == Action::%q, %s)%s;\n", s.id, effect, who, s.action, what, when)
}

func (s saying) condition() string {
	if s.optional() {
		return fmt.Sprintf("{ resource has %s && resource.%[1]s == %q }", s.attribute, s.wanted)
	}
	return fmt.Sprintf("{ resource.%s == %q }", s.attribute, s.wanted)
}

func (s saying) optional() bool { return s.attribute == "label" }

// misses reports whether the resource lacks what the policy looks at.
func (s saying) misses(on authz.Resource) bool {
	_, there := on.Attributes[s.attribute]
	return s.attribute != "" && !s.optional() && !there
}

// applies is about a resource that has what the policy looks at.
func (s saying) applies(on authz.Resource) bool {
	return s.attribute == "" || (on.Attributes[s.attribute] == s.wanted) != s.unless
}

func (s saying) needsResource() bool { return s.typ != "" || s.attribute != "" }

// opinion is what all policies together say of an action.
type opinion struct {
	// against and favour are reasons.
	against, favour []string
	// permits, forbids and fails are IDs.
	permits, forbids, fails []string
	unsure                  bool
}

// inForce are the policies about the action. While roles are switched off, no stored rules are read.
func (r *reference) inForce(t authn.Tenant, action string) []saying {
	all := slices.Clone(r.policies)
	if r.enabled {
		for _, text := range r.storedPolicies[t] {
			all = append(all, text...)
		}
	}
	return slices.DeleteFunc(all, func(s saying) bool { return s.action != action })
}

func (r *reference) policiesSay(p authn.Principal, action string, on authz.Resource) (o opinion) {
	all := r.inForce(p.Subject.Tenant, action)
	if !r.enabled {
		base := *r
		base.stored = nil
		r = &base
	}
	for _, s := range all {
		r.ask(s, p, on, &o)
	}
	if len(all) > 0 && on.Type != "" && on.Type != typeOf(action) {
		o = opinion{against: []string{authz.ReasonPolicyError}}
	}
	if len(o.fails) > 0 {
		o.against = append(o.against, authz.ReasonPolicyError)
	}
	if len(o.forbids) > 0 {
		o.against = append(o.against, authz.ReasonForbidden)
	}
	if len(o.permits) > 0 {
		o.favour = append(o.favour, authz.ReasonPermitted)
	}
	return o
}

func (r *reference) ask(s saying, p authn.Principal, on authz.Resource, o *opinion) {
	absent := on.Type == ""
	switch mine := s.role == "" || r.has(p, s.role); {
	case !absent && s.typ != "" && s.typ != on.Type:
	case !mine:
		o.unsure = o.unsure || !absent && s.misses(on)
	case absent && s.needsResource() && s.permit:
	case absent && s.needsResource(), !absent && s.misses(on):
		o.fails = append(o.fails, s.id)
	case !s.applies(on):
	case s.permit:
		o.permits = append(o.permits, s.id)
	default:
		o.forbids = append(o.forbids, s.id)
	}
}

// named reports whether a stored policy names the role.
func (r *reference) named(t authn.Tenant, role string) bool {
	for _, text := range r.storedPolicies[t] {
		if slices.ContainsFunc(text, func(s saying) bool { return s.role == role }) {
			return true
		}
	}
	return false
}

// typeOf is the type of resources that an action is declared for.
func typeOf(action string) string {
	if strings.HasPrefix(action, "a.") {
		return "Doc"
	}
	return "Bill"
}
