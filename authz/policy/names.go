package policy

import (
	"fmt"
	"maps"
	"strings"

	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
	"github.com/cedar-policy/cedar-go/x/exp/schema/resolved"
)

// checkNames refuses names that are declared nowhere. Cedar's validator lets some of them pass: an attribute after
// has, a type after is, a role.
func (d *declarations) checkNames(p *parsed, bad *faults) bool {
	before := len(bad.all)
	d.scopeNames(p, bad)
	for i, c := range p.ast.Conditions {
		ast.Inspect(ast.NewNode(c.Body), func(n ast.IsNode) bool {
			d.nodeNames(p, i, n, bad)
			return true
		})
	}
	return len(bad.all) == before
}

func (d *declarations) scopeNames(p *parsed, bad *faults) {
	for _, scope := range []ast.IsScopeNode{p.ast.Principal, p.ast.Action, p.ast.Resource} {
		switch sc := scope.(type) {
		case ast.ScopeTypeEq:
			d.entity(p, -1, sc.Entity, bad)
		case ast.ScopeTypeIn:
			d.entity(p, -1, sc.Entity, bad)
		case ast.ScopeTypeInSet:
			for _, e := range sc.Entities {
				d.entity(p, -1, e, bad)
			}
		case ast.ScopeTypeIs:
			d.entityType(p, -1, sc.Type, bad)
		case ast.ScopeTypeIsIn:
			d.entityType(p, -1, sc.Type, bad)
			d.entity(p, -1, sc.Entity, bad)
		}
	}
}

func (d *declarations) nodeNames(p *parsed, condition int, n ast.IsNode, bad *faults) {
	switch n := n.(type) {
	case ast.NodeValue:
		if uid, ok := n.Value.(types.EntityUID); ok {
			d.entity(p, condition, uid, bad)
		}
	case ast.NodeTypeIs:
		d.entityType(p, condition, n.EntityType, bad)
	case ast.NodeTypeIsIn:
		d.entityType(p, condition, n.EntityType, bad)
		if !isPath(n.Left) {
			bad.add(p.at(p.find(condition, string(n.EntityType)), "is ... in stands after a name or an attribute alone; compare parts of the condition one by one"))
		}
	case ast.NodeTypeHas:
		d.attribute(p, condition, n.Arg, string(n.Value), bad)
		d.reach(p, condition, n.Arg, string(n.Value), bad)
	case ast.NodeTypeAccess:
		d.attribute(p, condition, n.Arg, string(n.Value), bad)
		d.reach(p, condition, n.Arg, string(n.Value), bad)
	}
}

// isPath reports whether n is a variable, a literal, or an attribute of one.
func isPath(n ast.IsNode) bool {
	switch n := n.(type) {
	case ast.NodeTypeAccess:
		return isPath(n.Arg)
	case ast.NodeTypeVariable, ast.NodeValue:
		return true
	}
	return false
}

func (d *declarations) entity(p *parsed, condition int, uid types.EntityUID, bad *faults) {
	if uid.Type == actionType {
		if _, ok := d.schema.Actions[uid]; !ok {
			bad.add(p.at(p.findText(condition, string(uid.ID)), "unknown action %s%s", clip(string(uid.ID)), suggest(string(uid.ID), d.actionNames())))
		}
		return
	}
	d.entityType(p, condition, uid.Type, bad)
	if uid.Type == roleType && d.roles != nil && !d.roles[string(uid.ID)] {
		bad.add(p.at(p.findText(condition, string(uid.ID)), "unknown role %s%s", clip(string(uid.ID)), suggest(string(uid.ID), maps.Keys(d.roles))))
	}
}

func (d *declarations) actionNames() func(func(string) bool) {
	return func(yield func(string) bool) {
		for uid := range d.schema.Actions {
			if !yield(string(uid.ID)) {
				return
			}
		}
	}
}

func (d *declarations) entityType(p *parsed, condition int, name types.EntityType, bad *faults) {
	_, entity := d.schema.Entities[name]
	_, enum := d.schema.Enums[name]
	if entity || enum || name == actionType {
		return
	}
	i := p.find(condition, string(name))
	if len(d.schema.Entities) == 3 { // those that are built in
		bad.add(p.at(i, "unknown type %s; declare the types of resources first", clip(string(name))))
		return
	}
	known := func(yield func(string) bool) {
		for e := range d.schema.Entities {
			if e != noneType && !yield(string(e)) {
				return
			}
		}
	}
	bad.add(p.at(i, "unknown type %s%s", clip(string(name)), suggest(string(name), known)))
}

// attribute checks the name after a variable. The validator knows the deeper ones.
func (d *declarations) attribute(p *parsed, condition int, of ast.IsNode, name string, bad *faults) {
	known := map[string]bool{}
	what := "anything"
	if v, ok := of.(ast.NodeTypeVariable); ok {
		what = string(v.Name)
	}
	if what == "anything" {
		return // the validator knows the type
	}
	for _, t := range d.variable(p, what) {
		if shape, ok := t.(resolved.RecordType); ok {
			addNames(known, shape)
		}
	}
	if known[name] {
		return
	}
	bad.add(p.at(p.find(condition, name), "unknown attribute %s of %s%s%s", clip(name), what, suggest(name, maps.Keys(known)), undeclared(what, known)))
}

// reach refuses an attribute of an entity that is itself an attribute: requests carry those of the principal and the resource alone,
// so that asking would fail, and deny, whenever it is another one.
func (d *declarations) reach(p *parsed, condition int, of ast.IsNode, name string, bad *faults) {
	if _, deeper := of.(ast.NodeTypeAccess); !deeper {
		return
	}
	for _, t := range d.typesOf(p, of) {
		if e, ok := t.(resolved.EntityType); ok {
			bad.add(p.at(p.find(condition, name), "requests do not carry the attributes of this %s, only those of the principal and of the resource; declare one of the resource instead", e))
			return
		}
	}
}

// typesOf returns the types that a variable, or an attribute at any depth, may have.
func (d *declarations) typesOf(p *parsed, n ast.IsNode) []resolved.IsType {
	switch n := n.(type) {
	case ast.NodeTypeVariable:
		return d.variable(p, string(n.Name))
	case ast.NodeTypeAccess:
		var all []resolved.IsType
		for _, t := range d.typesOf(p, n.Arg) {
			if shape, ok := t.(resolved.RecordType); ok && shape[n.Value].Type != nil {
				all = append(all, shape[n.Value].Type)
			}
		}
		return all
	}
	return nil
}

// variable returns the shapes that a variable may have.
func (d *declarations) variable(p *parsed, name string) []resolved.IsType {
	if name == "principal" {
		return []resolved.IsType{d.schema.Entities[userType].Shape}
	}
	if name == "action" {
		return nil
	}
	key := fmt.Sprintf("%s %s %T%v", name, resourceTypes(p.ast.Resource), p.ast.Action, p.ast.Action)
	if d.shapes[key] == nil {
		d.shapes[key] = d.shapesOf(p, name)
	}
	return d.shapes[key]
}

// shapesOf returns the union of all contexts, or the shape of each type of resources.
func (d *declarations) shapesOf(p *parsed, name string) []resolved.IsType {
	context, seen, all := resolved.RecordType{}, map[types.EntityType]bool{}, []resolved.IsType{}
	actions, _ := d.actionsOf(p.ast.Action)
	for _, uid := range actions {
		a := d.schema.Actions[uid]
		maps.Copy(context, a.AppliesTo.Context)
		for _, r := range a.AppliesTo.Resources {
			if scope := resourceTypes(p.ast.Resource); !seen[r] && (scope == "" || scope == r) {
				seen[r] = true
				all = append(all, d.schema.Entities[r].Shape)
			}
		}
	}
	if name == "context" {
		return []resolved.IsType{context}
	}
	return all
}

func undeclared(what string, known map[string]bool) string {
	if what == "resource" && len(known) == 0 {
		return "; no type of resources is declared for the actions of this policy"
	}
	return ""
}

func addNames[K ~string, V any](into map[string]bool, from map[K]V) {
	for name := range from {
		into[string(name)] = true
	}
}

// find returns the token of a name in a condition, or in the scope when condition is negative.
func (s *statement) find(condition int, name string) int {
	from, to := s.bounds(condition)
	first, _, _ := strings.Cut(name, "::")
	for i := from; i < to; i++ {
		if s.tokens[i].text == first || s.tokens[i].kind == text && unquote(s.tokens[i].text) == name {
			if !strings.Contains(name, "::") || s.joined(i, name) {
				return i
			}
		}
	}
	return from
}

// joined reports whether the tokens from i on spell a name with :: in it.
func (s *statement) joined(i int, name string) bool {
	var b strings.Builder
	for ; i < len(s.tokens) && b.Len() < len(name); i++ {
		b.WriteString(s.tokens[i].text)
	}
	return b.String() == name
}

// findText is find for a name in quotes.
func (s *statement) findText(condition int, name string) int {
	from, to := s.bounds(condition)
	for i := from; i < to; i++ {
		if s.tokens[i].kind == text && unquote(s.tokens[i].text) == name {
			return i
		}
	}
	return s.find(condition, name)
}

func (s *statement) bounds(condition int) (from, to int) {
	if condition >= 0 && condition < len(s.conditions) {
		return s.conditions[condition][0], s.conditions[condition][1]
	}
	if len(s.conditions) > 0 {
		return s.head(), s.conditions[0][0]
	}
	return s.head(), len(s.tokens)
}
