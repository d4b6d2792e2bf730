package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/schema"
	"github.com/cedar-policy/cedar-go/x/exp/schema/ast"
)

// merger builds one schema from all declarations.
type merger struct {
	limits Limits
	bad    *faults
	all    ast.Schema
	user   ast.RecordType
	// context is what every request has.
	context ast.RecordType
	// known are the names of all entity types.
	known map[string]bool
}

func declare(v Vocabulary, limits Limits, bad *faults) *declarations {
	m := merger{limits: limits, bad: bad, user: userShape(), all: ast.Schema{
		Entities: ast.Entities{}, Enums: ast.Enums{}, Actions: ast.Actions{}, CommonTypes: ast.CommonTypes{}, Namespaces: ast.Namespaces{},
	}}
	for _, src := range v.Schema {
		m.text(src)
	}
	m.resources(v)
	m.permissions(v.Permissions)
	m.attributes("the attribute of principals", v.Attributes, m.user)
	m.context = contextShape()
	m.attributes("the attribute of requests", v.Context, m.context)
	m.contexts(m.context)
	if len(bad.all) > 0 {
		return nil
	}
	return m.finish(v)
}

func (m *merger) problem(format string, args ...any) {
	m.bad.add(&Fault{Problem: fmt.Sprintf(format, args...)})
}

// text merges a text in Cedar's schema language.
func (m *merger) text(src Source) {
	if fault := checkSchema(src, m.limits); fault != nil {
		m.bad.add(fault)
		return
	}
	var parsed schema.Schema
	if err := parsed.UnmarshalCedar(src.Text); err != nil {
		m.bad.add(parserFault(src.Name, err))
		return
	}
	tree := parsed.AST()
	add := func(kind, name string, taken bool) bool {
		if taken || name == roleType || name == actionType || name == noneType {
			m.bad.add(&Fault{Source: src.Name, Problem: fmt.Sprintf("%s %s is declared twice, or built in", kind, clip(name))})
		}
		return !taken
	}
	for name, e := range tree.Entities {
		if e.Tags != nil {
			m.bad.add(&Fault{Source: src.Name, Problem: "entity " + clip(string(name)) + ": requests carry no tags; declare an attribute"})
		}
		if name == userType {
			m.mergeUser(src.Name, e)
		} else if _, taken := m.all.Entities[name]; add("entity", string(name), taken) {
			m.all.Entities[name] = e
		}
	}
	merge(m.all.Enums, tree.Enums, func(name ast.Ident, taken bool) bool { return add("entity", string(name), taken) })
	merge(m.all.CommonTypes, tree.CommonTypes, func(name ast.Ident, taken bool) bool { return add("type", string(name), taken) })
	merge(m.all.Actions, tree.Actions, func(name types.String, taken bool) bool { return add("action", string(name), taken) })
	for name, space := range tree.Namespaces {
		if _, taken := m.all.Namespaces[name]; add("namespace", string(name), taken) {
			m.all.Namespaces[name] = space
		}
		if len(space.Actions) > 0 {
			m.bad.add(&Fault{Source: src.Name, Problem: "actions stand in no namespace; move those of " + clip(string(name)) + " out of it"})
		}
	}
}

func merge[K ~string, V any, M ~map[K]V](into, from M, add func(K, bool) bool) {
	for _, name := range slices.Sorted(maps.Keys(from)) {
		if _, taken := into[name]; add(name, taken) {
			into[name] = from[name]
		}
	}
}

func (m *merger) mergeUser(source string, e ast.Entity) {
	if len(e.ParentTypes) > 0 && !slices.Equal(e.ParentTypes, []ast.EntityTypeRef{roleType}) {
		m.bad.add(&Fault{Source: source, Problem: "User has no parents but Role"})
	}
	for name, attribute := range e.Shape {
		if _, taken := m.user[name]; taken {
			m.bad.add(&Fault{Source: source, Problem: "attribute " + clip(string(name)) + " of User is declared twice, or built in"})
		}
		attribute.Optional = true
		m.user[name] = attribute
	}
}

// resources merges what is declared in Go values.
func (m *merger) resources(v Vocabulary) {
	m.known = map[string]bool{userType: true, roleType: true}
	for name := range m.all.Entities {
		m.known[string(name)] = true
	}
	for name := range m.all.Enums {
		m.known[string(name)] = true
	}
	for name := range v.Resources {
		m.known[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(v.Resources)) {
		m.resource(name, v.Resources[name])
	}
}

func (m *merger) resource(name string, r ResourceType) {
	if name == userType {
		m.attributes("the attribute of principals", r.Attributes, m.user)
		for _, action := range r.Actions {
			m.action(action, name)
		}
		return
	}
	_, taken := m.all.Entities[ast.Ident(name)]
	switch {
	case taken || slices.Contains([]string{roleType, actionType, noneType}, name):
		m.problem("resource %s: the type is declared twice, or built in", clip(name))
		return
	case !identifier(name) || len(name) > 256:
		m.problem("resource %s: a type is named by A-Z a-z 0-9 and _, and does not begin with a digit", clip(name))
		return
	}
	e := ast.Entity{Shape: ast.RecordType{}}
	m.attributes("resource "+clip(name)+": the attribute", r.Attributes, e.Shape)
	for _, parent := range r.Parents {
		if !m.known[parent] {
			m.problem("resource %s: unknown parent %s%s", clip(name), clip(parent), suggest(parent, maps.Keys(m.known)))
		}
		e.ParentTypes = append(e.ParentTypes, ast.EntityTypeRef(parent))
	}
	m.all.Entities[ast.Ident(name)] = e
	for _, action := range r.Actions {
		m.action(action, name)
	}
}

// attributes adds attributes in the short notation; those of principals and requests are optional.
func (m *merger) attributes(what string, declared map[string]string, into ast.RecordType) {
	for _, name := range slices.Sorted(maps.Keys(declared)) {
		attribute, err := attributeType(declared[name], m.known)
		_, taken := into[types.String(name)]
		switch {
		case err != nil:
			m.problem("%s %s: %s", what, clip(name), err)
			continue
		case taken:
			m.problem("%s %s is built in, or declared twice", what, clip(name))
		case name == "" || len(name) > 256:
			m.problem("%s %s: a name has 1 to 256 bytes", what, clip(name))
		}
		if !strings.HasPrefix(what, "resource ") {
			attribute.Optional = true
		}
		into[types.String(name)] = attribute
	}
}

// action says that an action applies to a type of resources.
func (m *merger) action(name, resource string) {
	if !actionName(name) {
		m.problem("resource %s: action %s is not two to 16 segments of A-Z a-z 0-9 _ - with dots between them", clip(resource), clip(name))
		return
	}
	a := m.all.Actions[types.String(name)]
	if a.AppliesTo == nil {
		a.AppliesTo = &ast.AppliesTo{Principals: []ast.EntityTypeRef{userType}}
	}
	if !slices.Contains(a.AppliesTo.Resources, ast.EntityTypeRef(resource)) {
		a.AppliesTo.Resources = append(a.AppliesTo.Resources, ast.EntityTypeRef(resource))
	}
	m.all.Actions[types.String(name)] = a
}

func (m *merger) permissions(names []string) {
	for _, name := range names {
		if !actionName(name) {
			m.problem("permission %s is not two to 16 segments of A-Z a-z 0-9 _ - with dots between them", clip(name))
			continue
		}
		if _, declared := m.all.Actions[types.String(name)]; !declared {
			m.all.Actions[types.String(name)] = ast.Action{AppliesTo: &ast.AppliesTo{
				Principals: []ast.EntityTypeRef{userType}, Resources: []ast.EntityTypeRef{noneType},
			}}
		}
	}
}

// contexts gives every action the built-in context beside its own.
func (m *merger) contexts(builtin ast.RecordType) {
	for name, a := range m.all.Actions {
		if a.AppliesTo == nil { // a group
			continue
		}
		if !slices.Equal(a.AppliesTo.Principals, []ast.EntityTypeRef{userType}) {
			m.problem("action %s: its principal is User", clip(string(name)))
		}
		own, ok := m.record(a.AppliesTo.Context)
		if !ok {
			m.problem("action %s: its context is no record", clip(string(name)))
		}
		all := maps.Clone(builtin)
		for attribute, declared := range own {
			if _, taken := all[attribute]; taken {
				m.problem("action %s: attribute %s of the context is built in", clip(string(name)), clip(string(attribute)))
			}
			declared.Optional = true
			all[attribute] = declared
		}
		applies := *a.AppliesTo
		applies.Context = all
		a.AppliesTo = &applies
		m.all.Actions[name] = a
	}
}

func (m *merger) record(t ast.IsType) (ast.RecordType, bool) {
	switch t := t.(type) {
	case nil:
		return nil, true
	case ast.RecordType:
		return t, true
	case ast.TypeRef:
		record, ok := m.all.CommonTypes[ast.Ident(t)].Type.(ast.RecordType)
		return record, ok
	}
	return nil, false
}

func (m *merger) finish(v Vocabulary) *declarations {
	m.all.Entities[userType] = ast.Entity{Shape: m.user, ParentTypes: []ast.EntityTypeRef{roleType}}
	m.all.Entities[roleType], m.all.Entities[noneType] = ast.Entity{}, ast.Entity{}
	whole := schema.NewSchemaFromAST(&m.all)
	text, err := whole.MarshalCedar()
	if err != nil {
		m.problem("the declarations cannot be written: %s", err)
	}
	m.all.Actions[undeclaredAction] = ast.Action{AppliesTo: &ast.AppliesTo{
		Principals: []ast.EntityTypeRef{userType}, Resources: []ast.EntityTypeRef{noneType}, Context: m.context,
	}}
	done, err := whole.Resolve()
	if err != nil {
		m.problem("the declarations do not fit together: %s", err)
		return nil
	}
	d := &declarations{text: text, schema: done, context: done.Actions[actionUID(undeclaredAction)].AppliesTo.Context, groups: map[types.EntityUID][]types.EntityUID{}, members: map[types.EntityUID][]types.EntityUID{}}
	delete(done.Actions, actionUID(undeclaredAction))
	for uid := range done.Actions {
		if !actionName(string(uid.ID)) && done.Actions[uid].AppliesTo != nil {
			m.problem("action %s is not two to 16 segments of A-Z a-z 0-9 _ - with dots between them", clip(string(uid.ID)))
		}
		if done.Actions[uid].AppliesTo != nil {
			d.every = append(d.every, uid)
		}
		d.groups[uid] = d.above(uid)
		for _, group := range append(d.groups[uid], uid) {
			d.members[group] = append(d.members[group], uid)
		}
	}
	slices.SortFunc(d.every, func(a, b types.EntityUID) int { return strings.Compare(string(a.ID), string(b.ID)) })
	if v.Roles != nil {
		d.roles = map[string]bool{}
		for _, name := range v.Roles {
			d.roles[name] = true
		}
	}
	return d
}

// checkSchema refuses a text that the parser of schemas, which calls itself for each bracket, should not see.
func checkSchema(src Source, limits Limits) *Fault {
	if len(src.Text) > limits.SourceBytes {
		return &Fault{Source: src.Name, Problem: fmt.Sprintf("the text is longer than %d bytes", limits.SourceBytes)}
	}
	if fault := checkText(string(src.Text)); fault != nil {
		fault.Source = src.Name
		return fault
	}
	scan, depth := newScanner(string(src.Text)), 0
	scan.lenient = true
	for {
		t, fault := scan.next()
		switch {
		case fault != nil:
			fault.Source = src.Name
			return fault
		case t.text == "":
			return nil
		case strings.Contains("{[<(", t.text):
			depth++
		case strings.Contains("}]>)", t.text):
			depth = max(0, depth-1)
		}
		if depth > limits.Nesting {
			return &Fault{Source: src.Name, Line: t.line, Column: t.column,
				Problem: fmt.Sprintf("brackets stand inside each other more than %d deep", limits.Nesting)}
		}
	}
}
