package policy

import (
	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
	"github.com/cedar-policy/cedar-go/x/exp/schema/resolved"
)

// prices say what asking a policy can cost at most, in units of about 20 ns, whatever a request within the limits holds.
type prices struct {
	limits Limits
	// deep are the attributes, of any type, that hold sets or records.
	deep map[types.String]bool
}

func newPrices(d *declarations, limits Limits) prices {
	p := prices{limits: limits, deep: map[types.String]bool{}}
	for _, e := range d.schema.Entities {
		p.shape(e.Shape)
	}
	for _, a := range d.schema.Actions {
		if a.AppliesTo != nil {
			p.shape(a.AppliesTo.Context)
		}
	}
	return p
}

func (p prices) shape(r resolved.RecordType) {
	for name, attribute := range r {
		switch t := attribute.Type.(type) {
		case resolved.SetType:
			p.deep[name] = true
		case resolved.RecordType:
			p.deep[name] = true
			p.shape(t)
		}
	}
}

// perPolicy is what asking any policy costs.
const perPolicy = 4

// policy is the cost of a policy as it is asked: what the index has matched is not in it any more.
func (p prices) policy(tree *ast.Policy) int {
	total := perPolicy + p.scope(tree.Principal, 8) + p.scope(tree.Resource, p.walk())
	for _, c := range tree.Conditions {
		ast.Inspect(ast.NewNode(c.Body), func(n ast.IsNode) bool {
			total += p.node(n)
			return true
		})
	}
	return total
}

// scope is the cost of a scope, of which being in something costs as much as walk.
func (p prices) scope(scope ast.IsScopeNode, walk int) int {
	switch scope.(type) {
	case ast.ScopeTypeAll:
		return 0
	case ast.ScopeTypeIn, ast.ScopeTypeIsIn:
		return walk
	}
	return 2
}

// walk is asking whether an entity is in another: it may see all ancestors.
func (p prices) walk() int { return 8 + 4*p.limits.Parents }

// hash is that of a text.
func (p prices) hash() int { return 1 + p.limits.StringBytes/20 }

func (p prices) node(n ast.IsNode) int {
	switch n := n.(type) {
	case ast.NodeTypeLike: // each byte of the pattern may be compared at each byte of the text
		return 2 + len(n.Value.MarshalCedar())*(1+p.limits.StringBytes/24)
	case ast.NodeTypeIn:
		return p.in(n.Left, n.Right)
	case ast.NodeTypeIsIn:
		return p.in(n.Left, n.Entity)
	case ast.NodeTypeContains:
		return 2 + p.hashed(n.Right)
	case ast.NodeTypeContainsAll:
		return p.containsMany(n.Right)
	case ast.NodeTypeContainsAny:
		return p.containsMany(n.Right)
	case ast.NodeTypeEquals:
		return 1 + min(p.compared(n.Left), p.compared(n.Right))
	case ast.NodeTypeNotEquals:
		return 1 + min(p.compared(n.Left), p.compared(n.Right))
	case ast.NodeTypeSet:
		total := 4
		for _, e := range n.Elements {
			total += 2 + p.hashed(e)
		}
		return total
	case ast.NodeTypeRecord:
		total := 8
		for _, e := range n.Elements {
			total += 8 + p.hashed(e.Value)
		}
		return total
	case ast.NodeTypeExtensionCall:
		return 4
	}
	return 1
}

func (p prices) in(left, right ast.IsNode) int {
	var set int
	switch right := right.(type) {
	case ast.NodeValue:
	case ast.NodeTypeSet:
		set = 4 * len(right.Elements)
	default:
		set = 4 * p.limits.Elements
	}
	if v, ok := left.(ast.NodeTypeVariable); ok && v.Name != "resource" {
		return 8 + set
	}
	return p.walk() + set
}

func (p prices) containsMany(right ast.IsNode) int {
	if set, ok := right.(ast.NodeTypeSet); ok { // what is in it is priced with it
		return 2 + 4*len(set.Elements)
	}
	return 2 + 2*p.limits.Elements + p.limits.AttributeBytes/20
}

// hashed is the cost of hashing what n gives.
func (p prices) hashed(n ast.IsNode) int {
	if v, ok := n.(ast.NodeValue); ok {
		if s, ok := v.Value.(types.String); ok {
			return 1 + len(s)/20
		}
		return 1
	}
	return p.hash()
}

// compared is the cost of comparing what n gives, if the other side is like it.
func (p prices) compared(n ast.IsNode) int {
	switch n := n.(type) {
	case ast.NodeTypeAccess:
		if !p.deep[n.Value] {
			return 1 + p.limits.StringBytes/500
		}
	case ast.NodeValue:
		return 1
	case ast.NodeTypeVariable:
		if n.Name != "context" {
			return 1
		}
	case ast.NodeTypeSet:
		return 2 * len(n.Elements)
	}
	return p.limits.Elements + p.limits.AttributeBytes/20
}
