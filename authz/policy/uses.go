package policy

import (
	"maps"
	"slices"

	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
	"github.com/cedar-policy/cedar-go/x/exp/schema/resolved"
)

// uses are what policies look at. What none of them looks at is not read from the request.
type uses struct {
	principal, resource, context map[types.String]bool
	// roles are those that something is asked to be in.
	roles map[types.EntityUID]bool
	// everyRole is for "in" with something that is no literal, wholeContext for a context that is compared as a whole.
	everyRole, wholeContext bool
	// ofPrincipal and ofResource are the attributes of them that are declared: see [uses.declared].
	ofPrincipal, ofResource []field
}

// field is a declared attribute.
type field struct {
	name     types.String
	declared resolved.Attribute
}

// declared lists what is to be read, once all uses are known. resource is the type that the rules are about.
func (u *uses) declared(d *declarations, resource types.EntityType) {
	u.ofPrincipal = fieldsOf(d.schema.Entities[userType].Shape, u.principal)
	u.ofResource = fieldsOf(d.schema.Entities[resource].Shape, u.resource)
}

// fieldsOf are those of the shape that are named, ascending.
func fieldsOf(shape resolved.RecordType, names map[types.String]bool) []field {
	var all []field
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if declared, ok := shape[name]; ok {
			all = append(all, field{name, declared})
		}
	}
	return all
}

func newUses() uses {
	return uses{
		principal: map[types.String]bool{}, resource: map[types.String]bool{}, context: map[types.String]bool{},
		roles: map[types.EntityUID]bool{},
	}
}

func (u *uses) merge(other *uses) {
	maps.Copy(u.principal, other.principal)
	maps.Copy(u.resource, other.resource)
	maps.Copy(u.context, other.context)
	maps.Copy(u.roles, other.roles)
	u.everyRole, u.wholeContext = u.everyRole || other.everyRole, u.wholeContext || other.wholeContext
}

// policy adds what a policy looks at.
func (u *uses) policy(p *ast.Policy) {
	for _, scope := range []ast.IsScopeNode{p.Principal, p.Resource} {
		switch sc := scope.(type) {
		case ast.ScopeTypeIn:
			u.roles[sc.Entity] = true
		case ast.ScopeTypeIsIn:
			u.roles[sc.Entity] = true
		}
	}
	for _, c := range p.Conditions {
		ast.Inspect(ast.NewNode(c.Body), u.node)
	}
}

// node adds what one node looks at, and reports whether to look into it.
func (u *uses) node(n ast.IsNode) bool {
	switch n := n.(type) {
	case ast.NodeTypeAccess:
		return u.attribute(n.Arg, n.Value)
	case ast.NodeTypeHas:
		return u.attribute(n.Arg, n.Value)
	case ast.NodeTypeIn:
		u.in(n.Right)
	case ast.NodeTypeIsIn:
		u.in(n.Entity)
	case ast.NodeTypeVariable:
		u.wholeContext = u.wholeContext || n.Name == "context"
	}
	return true
}

// attribute adds an attribute. That of an entity which is no variable may be the principal's or the resource's.
func (u *uses) attribute(of ast.IsNode, name types.String) bool {
	v, ok := of.(ast.NodeTypeVariable)
	if !ok {
		u.principal[name], u.resource[name] = true, true
		return true
	}
	switch v.Name {
	case "principal":
		u.principal[name] = true
	case "resource":
		u.resource[name] = true
	case "context":
		u.context[name] = true
	}
	return false
}

func (u *uses) in(of ast.IsNode) {
	switch n := of.(type) {
	case ast.NodeValue:
		if uid, ok := n.Value.(types.EntityUID); ok {
			u.roles[uid] = true
			return
		}
	case ast.NodeTypeSet:
		for _, e := range n.Elements {
			u.in(e)
		}
		return
	}
	u.everyRole = true
}

// AskedRoles returns those of the roles that some policy depends on who is in. They are all of them where a policy asks for a role
// that stands in an attribute, which may be any. It looks at every policy.
func (s *Set) AskedRoles(among []string) (asked []string) {
	used := newUses()
	for _, p := range s.parsed {
		used.policy(p.ast)
	}
	for _, name := range among {
		if used.everyRole || used.roles[types.NewEntityUID(roleType, types.String(name))] {
			asked = append(asked, name)
		}
	}
	return asked
}

// dependsOnResource reports whether a node mentions the resource.
func dependsOnResource(n ast.IsNode) bool {
	found := false
	ast.Inspect(ast.NewNode(n), func(n ast.IsNode) bool {
		v, ok := n.(ast.NodeTypeVariable)
		found = found || ok && v.Name == "resource"
		return !found
	})
	return found
}
