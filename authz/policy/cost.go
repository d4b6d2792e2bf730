package policy

import (
	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
)

// cost is the most that asking a policy can cost, in units of about 50 ns.
func cost(p *ast.Policy, limits Limits) int {
	total := 1
	for _, c := range p.Conditions {
		ast.Inspect(ast.NewNode(c.Body), func(n ast.IsNode) bool {
			total += nodeCost(n, limits)
			return true
		})
	}
	return total
}

func nodeCost(n ast.IsNode, limits Limits) int {
	const step = 64 // bytes or elements that are compared in the time of one unit
	switch n := n.(type) {
	case ast.NodeTypeLike: // each part of the pattern may be tried at each byte of the text
		return 2 + len(n.Value.MarshalCedar())*limits.StringBytes/step/4
	case ast.NodeTypeIn, ast.NodeTypeIsIn:
		return 8
	case ast.NodeTypeContainsAll, ast.NodeTypeContainsAny:
		return 2 + limits.Elements/4
	case ast.NodeTypeEquals, ast.NodeTypeNotEquals:
		return 1 + comparedCost(n, limits)
	case ast.NodeTypeSet:
		return 2 + len(n.Elements)
	case ast.NodeTypeRecord:
		return 2 + 4*len(n.Elements)
	case ast.NodeTypeExtensionCall:
		return 4
	case ast.NodeTypeAccess, ast.NodeTypeHas, ast.NodeTypeContains:
		return 2
	}
	return 1
}

// comparedCost is that of comparing sets and records, unless one side is a literal that is neither.
func comparedCost(n ast.IsNode, limits Limits) int {
	sides := ast.BinaryNode{}
	switch n := n.(type) {
	case ast.NodeTypeEquals:
		sides = n.BinaryNode
	case ast.NodeTypeNotEquals:
		sides = n.BinaryNode
	}
	for _, side := range []ast.IsNode{sides.Left, sides.Right} {
		switch v := side.(type) {
		case ast.NodeTypeVariable:
			if v.Name != "context" {
				return 0
			}
		case ast.NodeValue:
			switch v.Value.(type) {
			case types.Boolean, types.Long, types.String, types.EntityUID:
				return 0
			}
		}
	}
	return limits.Elements / 16
}
