package policy

import (
	cedar "github.com/cedar-policy/cedar-go"
	publicast "github.com/cedar-policy/cedar-go/ast"
	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
)

// rule is a policy that is ready to be asked. The index has matched its action and the resource's type.
type rule struct {
	info *Info
	// roles are those of which the principal must have one; nil is no such condition.
	roles []string
	// rest is what is left to ask, as a policy; nil is nothing.
	rest *cedar.Policy
	tree *ast.Policy
	cost int
	// undecided marks a forbid of which the conditions on the resource were left out, for
	// requests that name none: if the rest holds, it cannot be decided.
	undecided bool
}

// newRule compiles a policy, leaving out what the index has matched before it is asked.
func newRule(p *ast.Policy, info *Info, costs prices) *rule {
	r := &rule{info: info}
	rest := *p
	rest.Annotations, rest.Action = nil, ast.ScopeTypeAll{}
	if _, ok := rest.Resource.(ast.ScopeTypeIs); ok {
		rest.Resource = ast.ScopeTypeAll{}
	}
	r.takeRoles(&rest)
	r.tree, r.cost = &rest, costs.policy(&rest)
	_, anyone := rest.Principal.(ast.ScopeTypeAll)
	_, anything := rest.Resource.(ast.ScopeTypeAll)
	if !anyone || !anything || len(rest.Conditions) > 0 {
		r.rest = cedar.NewPolicyFromAST((*publicast.Policy)(&rest))
	}
	return r
}

// takeRoles moves "principal in Role" out of the scope, or the first condition out of the policy when it is such a one.
func (r *rule) takeRoles(p *ast.Policy) {
	if in, ok := p.Principal.(ast.ScopeTypeIn); ok && in.Entity.Type == roleType {
		r.roles, p.Principal = []string{string(in.Entity.ID)}, ast.ScopeTypeAll{}
		return
	}
	if _, anyone := p.Principal.(ast.ScopeTypeAll); !anyone || len(p.Conditions) == 0 || p.Conditions[0].Condition != ast.ConditionWhen {
		return
	}
	if _, anything := p.Resource.(ast.ScopeTypeAll); !anything {
		return
	}
	if names := rolesOf(p.Conditions[0].Body); names != nil {
		r.roles, p.Conditions = names, p.Conditions[1:]
	}
}

// rolesOf returns the roles of "principal in [Role, ...]".
func rolesOf(n ast.IsNode) []string {
	in, ok := n.(ast.NodeTypeIn)
	if !ok {
		return nil
	}
	if v, ok := in.Left.(ast.NodeTypeVariable); !ok || v.Name != "principal" {
		return nil
	}
	set, ok := in.Right.(ast.NodeTypeSet)
	if !ok {
		return nil
	}
	var names []string
	for _, e := range set.Elements {
		v, ok := e.(ast.NodeValue)
		if !ok {
			return nil
		}
		uid, ok := v.Value.(types.EntityUID)
		if !ok || uid.Type != roleType {
			return nil
		}
		names = append(names, string(uid.ID))
	}
	return names
}

// withoutResource returns the policy for requests that name no resource, or nil: a permit which depends on it
// grants nothing then, and a forbid cannot be decided when everything else about it holds.
func withoutResource(p *ast.Policy, info *Info, costs prices) *rule {
	if !info.NeedsResource {
		return newRule(p, info, costs)
	}
	if p.Effect == ast.EffectPermit {
		return nil
	}
	stripped := *p
	stripped.Resource, stripped.Conditions = ast.ScopeTypeAll{}, nil
	for _, c := range p.Conditions {
		if !dependsOnResource(c.Body) {
			stripped.Conditions = append(stripped.Conditions, c)
		}
	}
	r := newRule(&stripped, info, costs)
	r.undecided = true
	return r
}
