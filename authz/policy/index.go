package policy

import (
	"fmt"
	"maps"
	"slices"

	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
)

// index finds the rules for an action and a type of resource, however many others there are.
type index struct {
	// actions are the rules that name the action, by action; every are those for all actions.
	actions map[string]byType
	every   byType
}

// byType are rules by type of resource; under "" are those for requests that name none.
type byType map[string]*part

// part are rules with what they look at.
type part struct {
	rules []*rule
	byID  map[string]int
	uses  uses
}

func (t byType) add(resource string, r *rule) {
	if t[resource] == nil {
		t[resource] = &part{uses: newUses(), byID: map[string]int{}}
	}
	t[resource].byID[r.info.ID] = len(t[resource].rules)
	t[resource].rules = append(t[resource].rules, r)
	t[resource].uses.policy(r.tree)
}

// add puts a policy wherever it may apply.
func (x *index) add(d *declarations, p *parsed, info *Info, costs prices) {
	with, without := newRule(p.ast, info, costs), withoutResource(p.ast, info, costs)
	actions, every := d.actionsOf(p.ast.Action)
	if every {
		for name := range d.schema.Entities {
			x.put(x.every, string(name), p.ast, with)
		}
		for name := range d.schema.Enums {
			x.put(x.every, string(name), p.ast, with)
		}
		if without != nil {
			x.every.add("", without)
		}
		return
	}
	for _, uid := range actions {
		own := x.actions[string(uid.ID)]
		if own == nil {
			own = byType{}
			x.actions[string(uid.ID)] = own
		}
		for _, resource := range d.schema.Actions[uid].AppliesTo.Resources {
			x.put(own, string(resource), p.ast, with)
		}
		if without != nil {
			own.add("", without)
		}
	}
}

// put adds a rule under a type unless its scope has another.
func (x *index) put(into byType, resource string, p *ast.Policy, r *rule) {
	if scope := resourceTypes(p.Resource); resource != noneType && (scope == "" || scope == types.EntityType(resource)) {
		into.add(resource, r)
	}
}

// resourceTypes returns the type that a scope asks for, or "". An ancestor says nothing about the type.
func resourceTypes(scope ast.IsResourceScopeNode) types.EntityType {
	switch sc := scope.(type) {
	case ast.ScopeTypeEq:
		return sc.Entity.Type
	case ast.ScopeTypeIs:
		return sc.Type
	case ast.ScopeTypeIsIn:
		return sc.Type
	}
	return ""
}

// finish lets the rules of an action know what those for all actions look at.
func (x *index) finish(d *declarations) {
	for _, own := range x.actions {
		for resource, p := range own {
			if every := x.every[resource]; every != nil {
				p.uses.merge(&every.uses)
			}
			p.uses.declared(d, types.EntityType(resource))
		}
	}
	for resource, p := range x.every {
		p.uses.declared(d, types.EntityType(resource))
	}
}

// tooDear returns a fault for each action of which the policies for everybody cost so much together that each request would be denied.
func (x *index) tooDear(most int) []*Fault {
	var faults []*Fault
	dear := func(action, resource string) {
		if total := x.total(action, resource); total > most {
			faults = append(faults, &Fault{Problem: fmt.Sprintf(
				"the policies that ask everybody about %s of %s could cost %d units together, more than %d; give them roles, or make fewer of them",
				orAny(action), orAny(resource), total, most)})
		}
	}
	for _, resource := range slices.Sorted(maps.Keys(x.every)) {
		dear("", resource)
	}
	for _, action := range slices.Sorted(maps.Keys(x.actions)) {
		for _, resource := range slices.Sorted(maps.Keys(x.actions[action])) {
			dear(action, resource)
		}
	}
	return faults
}

func orAny(name string) string {
	if name == "" {
		return "anything"
	}
	return clip(name)
}

// total is the cost of the rules that are asked whatever roles the principal has.
func (x *index) total(action, resource string) int {
	total := 0
	for _, p := range x.parts(action, resource) {
		if p == nil {
			continue
		}
		for _, r := range p.rules {
			if total++; r.roles == nil {
				total += r.cost
			}
		}
	}
	return total
}

// parts returns the rules for a request; either may be nil.
func (x *index) parts(action, resource string) [2]*part {
	return [2]*part{x.actions[action][resource], x.every[resource]}
}

func (x *index) touches(action string) bool {
	return len(x.actions[action]) > 0 || len(x.every) > 0
}

func (x *index) needsResource(action string) bool {
	return slices.ContainsFunc(x.rulesWithout(action), func(r *rule) bool { return r.undecided })
}

func (x *index) rulesWithout(action string) []*rule {
	var all []*rule
	for _, p := range x.parts(action, "") {
		if p != nil {
			all = append(all, p.rules...)
		}
	}
	return all
}
