package policy

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
	"github.com/cedar-policy/cedar-go/x/exp/schema/resolved"
	"github.com/cedar-policy/cedar-go/x/exp/schema/validate"
)

// checker asks Cedar's validator about policies, and what it does not say.
type checker struct {
	d *declarations
	// whole knows all actions; one knows but one of each kind, for policies of all actions that do not look at action itself.
	whole, one *validator
	// few are validators for the actions of one scope.
	few map[string]*validator
	bad *faults
	// work is what was done so far: see [checker.price].
	work int
}

// validator is Cedar's, with the number of kinds of requests for which it checks each policy.
type validator struct {
	*validate.Validator
	kinds int
}

func newValidator(s *resolved.Schema) *validator {
	v := &validator{Validator: validate.New(s)}
	for _, a := range s.Actions {
		if a.AppliesTo != nil {
			v.kinds += len(a.AppliesTo.Resources)
		}
	}
	return v
}

// mostWork keeps a set from taking more than some seconds to check.
const mostWork = 10_000_000

// price is the work of checking a policy: for each kind of requests, its words, and all actions for each time that it asks whether
// the action is in something.
func (c *checker) price(p *parsed, v *validator) int {
	each := len(p.tokens)
	for _, condition := range p.ast.Conditions {
		ast.Inspect(ast.NewNode(condition.Body), func(n ast.IsNode) bool {
			if in, ok := n.(ast.NodeTypeIn); ok && asksAction(in) {
				each += len(c.d.schema.Actions)
			}
			return true
		})
	}
	return each * v.kinds
}

// asksAction reports whether the left side may be the action.
func asksAction(in ast.NodeTypeIn) bool {
	switch left := in.Left.(type) {
	case ast.NodeTypeVariable:
		return left.Name == "action"
	case ast.NodeValue:
		uid, ok := left.Value.(types.EntityUID)
		return ok && uid.Type == actionType
	}
	return true
}

func newChecker(d *declarations, bad *faults) *checker {
	return &checker{d: d, bad: bad, few: map[string]*validator{}}
}

// validator returns one that knows no more actions than the policy can have: its work grows with their number.
func (c *checker) validator(p *parsed) *validator {
	if looksAtAction(p.ast) {
		if c.whole == nil {
			c.whole = newValidator(c.d.schema)
		}
		return c.whole
	}
	if _, all := p.ast.Action.(ast.ScopeTypeAll); all {
		if c.one == nil {
			c.one = newValidator(c.d.only(p.ast.Action))
		}
		return c.one
	}
	key := fmt.Sprintf("%T%v", p.ast.Action, p.ast.Action)
	if c.few[key] == nil {
		c.few[key] = newValidator(c.d.only(p.ast.Action))
	}
	return c.few[key]
}

// only returns the schema with all actions, of which only one of each kind applies to anything.
func (d *declarations) only(scope ast.IsActionScopeNode) *resolved.Schema {
	s := *d.schema
	s.Actions = map[types.EntityUID]resolved.Action{}
	seen := map[string]bool{}
	actions, _ := d.actionsOf(scope)
	for _, uid := range actions {
		a := d.schema.Actions[uid]
		if kind := fmt.Sprint(a.AppliesTo.Resources, contextKey(a.AppliesTo.Context)); !seen[kind] {
			seen[kind] = true
			s.Actions[uid] = a
		}
	}
	return &s
}

// contextKey tells contexts apart.
func contextKey(r resolved.RecordType) string {
	return fmt.Sprint(r) // fmt sorts the keys of maps
}

func looksAtAction(p *ast.Policy) bool {
	found := false
	for _, c := range p.Conditions {
		ast.Inspect(ast.NewNode(c.Body), func(n ast.IsNode) bool {
			if v, ok := n.(ast.NodeTypeVariable); ok && v.Name == "action" {
				found = true
			}
			if v, ok := n.(ast.NodeValue); ok {
				if uid, ok := v.Value.(types.EntityUID); ok && uid.Type == actionType {
					found = true
				}
			}
			return !found
		})
	}
	return found
}

// check validates a policy whose names are known.
func (c *checker) check(p *parsed) bool {
	before := len(c.bad.all)
	if actions, _ := c.d.actionsOf(p.ast.Action); len(actions) == 0 {
		c.bad.add(p.at(p.head(), "the policy can never apply: its action scope stands for no action"))
		return false
	}
	if needsResource(p.ast) && !c.d.haveResource(p.ast.Action) {
		c.bad.add(p.at(p.head(), "the policy can never apply: it depends on the resource, and no type of resources is declared for its actions"))
		return false
	}
	v := c.validator(p)
	if c.work += c.price(p, v); c.work > mostWork {
		c.bad.add(p.at(p.head(), "checking the policies takes too long; name actions in the scopes of policies, and not in conditions"))
		return false
	}
	bare := *p.ast
	bare.Conditions = nil
	if err := v.Policy("", c.scoped(&bare)); err != nil {
		c.bad.add(p.at(p.head(), "%s", explain(err)))
		return false
	}
	// Each condition may rely on those before it: they are checked as one.
	whole := c.scoped(p.ast)
	whole.Conditions = []ast.ConditionType{{Condition: ast.ConditionWhen, Body: all(p.ast.Conditions)}}
	if len(p.ast.Conditions) > 0 {
		if err := v.Policy("", whole); err != nil {
			c.report(p, err)
			return false
		}
		if c.never(v, whole) {
			c.bad.add(p.at(c.culprit(v, p), "this is never true, so the policy can never apply; remove it or put it right"))
		}
	}
	if i, problem := contradiction(p.ast.Conditions); problem != "" {
		from, _ := p.bounds(i)
		c.bad.add(p.at(from, "the policy can never apply: %s", problem))
	}
	return len(c.bad.all) == before
}

// haveResource reports whether one of the actions at least has a type of resources.
func (d *declarations) haveResource(scope ast.IsActionScopeNode) bool {
	actions, _ := d.actionsOf(scope)
	return slices.ContainsFunc(actions, func(uid types.EntityUID) bool {
		return slices.ContainsFunc(d.schema.Actions[uid].AppliesTo.Resources, func(t types.EntityType) bool { return t != noneType })
	})
}

// scoped returns the policy with an action scope that a reduced schema understands.
func (c *checker) scoped(p *ast.Policy) *ast.Policy {
	q := *p
	if !looksAtAction(p) {
		if set, ok := p.Action.(ast.ScopeTypeInSet); !ok || len(set.Entities) > 0 {
			q.Action = ast.ScopeTypeAll{}
		}
	}
	return &q
}

// all joins conditions with &&.
func all(conditions []ast.ConditionType) ast.IsNode {
	var whole ast.IsNode
	for _, c := range conditions {
		body := c.Body
		if c.Condition == ast.ConditionUnless {
			body = ast.NodeTypeNot{UnaryNode: ast.UnaryNode{Arg: body}}
		}
		if whole == nil {
			whole = body
		} else {
			whole = ast.NodeTypeAnd{BinaryNode: ast.BinaryNode{Left: whole, Right: body}}
		}
	}
	return whole
}

// never reports whether the validator knows a policy's condition to be false. It says so only in
// this way: what follows a then that is never reached may have any fault of type.
func (c *checker) never(v *validator, p *ast.Policy) bool {
	q := *p
	wrong := ast.Long(1).LessThan(ast.String("")).AsIsNode()
	q.Conditions = []ast.ConditionType{{Condition: ast.ConditionWhen, Body: ast.NodeTypeIfThenElse{
		If: all(p.Conditions), Then: wrong, Else: ast.True().AsIsNode(),
	}}}
	return v.Policy("", &q) == nil
}

// culprit returns the token of the first condition with which the policy cannot apply.
func (c *checker) culprit(v *validator, p *parsed) int {
	for i := range p.ast.Conditions {
		q := c.scoped(p.ast)
		q.Conditions = p.ast.Conditions[:i+1]
		if c.never(v, q) {
			from, _ := p.bounds(i)
			return min(from+1, len(p.tokens)-1)
		}
	}
	return p.head()
}

// report adds what the validator found, each at the name that it quotes.
func (c *checker) report(p *parsed, err error) {
	for _, e := range single(err) {
		c.bad.add(p.at(c.place(p, e.Error()), "%s", explain(e)))
	}
}

func single(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var parts []error
		for _, e := range joined.Unwrap() {
			parts = append(parts, single(e)...)
		}
		return parts
	}
	return []error{err}
}

func quotedNames() *regexp.Regexp { return regexp.MustCompile("`([^`]+)`") }

func (c *checker) place(p *parsed, message string) int {
	for _, m := range quotedNames().FindAllStringSubmatch(message, -1) {
		name := m[1][strings.LastIndexByte(m[1], '.')+1:]
		for i := range p.conditions {
			from, to := p.bounds(i)
			for j := from; j < to; j++ {
				if t := p.tokens[j]; t.text == name && t.kind == word || t.kind == text && unquote(t.text) == name {
					return j
				}
			}
		}
	}
	return c.condition(p)
}

// condition returns the first condition that has a fault when those before it have none.
func (c *checker) condition(p *parsed) int {
	v := c.validator(p)
	for i := range p.ast.Conditions {
		q := c.scoped(p.ast)
		q.Conditions = []ast.ConditionType{{Condition: ast.ConditionWhen, Body: all(p.ast.Conditions[:i+1])}}
		if v.Policy("", q) != nil {
			from, _ := p.bounds(i)
			return min(from+1, len(p.tokens)-1)
		}
	}
	return p.head()
}

// explain adds the remedy to a message of the validator.
func explain(err error) string {
	message := err.Error()
	switch {
	case strings.HasPrefix(message, "unable to guarantee safety of access to optional attribute"):
		name := ""
		if m := quotedNames().FindStringSubmatch(message); m != nil {
			name = m[1]
		}
		return fmt.Sprintf("attribute %s is optional; ask for it first: ... has %s && ...", name, name)
	case strings.HasPrefix(message, "unable to find an applicable action"):
		return "the policy can never apply: no action is declared for both its principal and its resource"
	case strings.HasPrefix(message, "attribute ") && strings.Contains(message, "on entity type `None`"):
		return message + ": an action of this policy has no type of resources; say resource is Type, or declare the type's actions"
	case strings.HasPrefix(message, "attribute "):
		return message + "; say resource is Type if not all types have it"
	}
	return message
}
