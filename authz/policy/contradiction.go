package policy

import (
	"fmt"
	"math"

	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
)

// claims are what the parts of a condition joined by && say about one expression.
type claims struct {
	equal      types.Value
	unequal    []types.Value
	least      int64
	most       int64
	yes, no    bool
	expression string
}

// contradiction finds conditions that cannot all hold: x == 1 && x == 2, x > 5 && x < 3, a && !a. It knows
// comparisons with literals alone. It returns the index of the condition, and what is wrong.
func contradiction(conditions []ast.ConditionType) (int, string) {
	known := map[string]*claims{}
	for i, c := range conditions {
		var problem string
		conjuncts(c.Body, c.Condition == ast.ConditionUnless, func(n ast.IsNode, not bool) {
			if problem == "" {
				problem = claim(known, n, not)
			}
		})
		if problem != "" {
			return i, problem
		}
	}
	return 0, ""
}

// conjuncts yields the parts of n that must all hold, and whether each is negated.
func conjuncts(n ast.IsNode, not bool, yield func(n ast.IsNode, not bool)) {
	switch n := n.(type) {
	case ast.NodeTypeNot:
		conjuncts(n.Arg, !not, yield)
		return
	case ast.NodeTypeAnd:
		if !not {
			conjuncts(n.Left, not, yield)
			conjuncts(n.Right, not, yield)
			return
		}
	case ast.NodeTypeOr:
		if not {
			conjuncts(n.Left, not, yield)
			conjuncts(n.Right, not, yield)
			return
		}
	}
	yield(n, not)
}

func claim(known map[string]*claims, n ast.IsNode, not bool) string {
	about := func(of ast.IsNode) *claims {
		key := expression(of)
		if known[key] == nil {
			known[key] = &claims{least: math.MinInt64, most: math.MaxInt64, expression: key}
		}
		return known[key]
	}
	if left, value, op, ok := comparison(n); ok {
		return about(left).compare(op.negated(not), value)
	}
	c := about(n)
	c.yes, c.no = c.yes || !not, c.no || not
	if c.yes && c.no {
		return fmt.Sprintf("%s is to be true and false", clip(c.expression))
	}
	return ""
}

type operator uint8

const (
	equal operator = iota
	unequal
	less
	notLess
	more
	notMore
)

func (o operator) negated(not bool) operator {
	if not {
		return o ^ 1
	}
	return o
}

// swapped is the operator when both sides change places.
func (o operator) swapped() operator {
	return map[operator]operator{equal: equal, unequal: unequal, less: more, more: less, notLess: notMore, notMore: notLess}[o]
}

// comparison returns the parts of a comparison with a literal.
func comparison(n ast.IsNode) (ast.IsNode, types.Value, operator, bool) {
	var sides ast.BinaryNode
	var op operator
	switch n := n.(type) {
	case ast.NodeTypeEquals:
		sides, op = n.BinaryNode, equal
	case ast.NodeTypeNotEquals:
		sides, op = n.BinaryNode, unequal
	case ast.NodeTypeLessThan:
		sides, op = n.BinaryNode, less
	case ast.NodeTypeGreaterThanOrEqual:
		sides, op = n.BinaryNode, notLess
	case ast.NodeTypeGreaterThan:
		sides, op = n.BinaryNode, more
	case ast.NodeTypeLessThanOrEqual:
		sides, op = n.BinaryNode, notMore
	default:
		return nil, nil, 0, false
	}
	if v, ok := sides.Right.(ast.NodeValue); ok {
		return sides.Left, v.Value, op, true
	}
	if v, ok := sides.Left.(ast.NodeValue); ok {
		return sides.Right, v.Value, op.swapped(), true
	}
	return nil, nil, 0, false
}

func (c *claims) compare(op operator, v types.Value) string {
	n, long := v.(types.Long)
	switch op {
	case equal:
		if c.equal != nil && !c.equal.Equal(v) {
			return fmt.Sprintf("%s is to be both %s and %s", clip(c.expression), c.equal.MarshalCedar(), v.MarshalCedar())
		}
		c.equal = v
		if long {
			c.least, c.most = max(c.least, int64(n)), min(c.most, int64(n))
		}
	case unequal:
		c.unequal = append(c.unequal, v)
	case less:
		c.most = min(c.most, int64(max(n, math.MinInt64+1))-1)
	case notMore:
		c.most = min(c.most, int64(n))
	case more:
		c.least = max(c.least, int64(min(n, math.MaxInt64-1))+1)
	case notLess:
		c.least = max(c.least, int64(n))
	}
	for _, u := range c.unequal {
		if c.equal != nil && c.equal.Equal(u) {
			return fmt.Sprintf("%s is to be %s and not to be it", clip(c.expression), u.MarshalCedar())
		}
	}
	if c.least > c.most {
		return fmt.Sprintf("no number %s is in all of the ranges asked for", clip(c.expression))
	}
	return ""
}
