package authztest

import (
	"fmt"
	"strings"

	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/authz/policy"
)

// why is everything that led to the answer, for a developer. Secrets are not shown.
func (a *answer) why() string {
	var b strings.Builder
	e := &a.explanation
	if a.err != nil {
		fmt.Fprintf(&b, "  error: %v\n", a.err)
	}
	if len(e.Roles) == 0 {
		b.WriteString("  the principal has no roles\n")
	}
	for i := range e.Roles {
		writeRole(&b, &e.Roles[i])
	}
	if e.Policies == nil {
		b.WriteString("  no policy is about the action\n")
		return b.String()
	}
	for i := range e.Policies.Policies {
		writePolicy(&b, &e.Policies.Policies[i])
	}
	return b.String()
}

func writeRole(b *strings.Builder, r *authz.RoleExplanation) {
	switch {
	case !r.Defined:
		fmt.Fprintf(b, "  role %s: defined nowhere\n", r.Role)
	case len(r.Says) == 0:
		fmt.Fprintf(b, "  role %s: says nothing\n", r.Role)
	}
	for _, says := range r.Says {
		fmt.Fprintf(b, "  role %s: %s", r.Role, says.Permission)
		if len(says.Path) > 1 {
			fmt.Fprintf(b, " by %s", strings.Join(says.Path, " > "))
		}
		b.WriteString("\n")
	}
}

func writePolicy(b *strings.Builder, p *policy.PolicyTrace) {
	verb := "permits"
	if p.Effect == policy.Forbid {
		verb = "forbids"
	}
	fmt.Fprintf(b, "  policy %s (%s): ", p.Policy, p.At)
	if p.Applies {
		b.WriteString(verb + "\n")
	} else {
		fmt.Fprintf(b, "does not apply: %s\n", oneLine(p.Why))
	}
	for i := range p.Conditions {
		writeCondition(b, &p.Conditions[i])
	}
}

func writeCondition(b *strings.Builder, c *policy.ConditionTrace) {
	state := "does not hold"
	if c.Holds {
		state = "holds"
	}
	if c.Err != "" {
		state = "failed: " + c.Err
	}
	fmt.Fprintf(b, "    %s: %s\n", oneLine(c.Text), state)
	for _, seen := range c.Saw {
		fmt.Fprintf(b, "      %s = %s\n", seen.Attribute, oneLine(seen.Value))
	}
}

// oneLine keeps the columns of a report.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
