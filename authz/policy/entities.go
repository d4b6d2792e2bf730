package policy

import (
	"errors"
	"fmt"
	"time"

	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/schema/resolved"
)

// Get implements [types.EntityGetter]: what no policy asks for is never built.
func (e *evaluation) Get(uid types.EntityUID) (types.Entity, bool) {
	switch {
	case uid == e.principal.uid:
		if e.isSelf() {
			return e.read(&e.principal, e.buildSelf), true
		}
		return e.read(&e.principal, e.buildPrincipal), true
	case uid == e.resource.uid && uid.Type != noneType:
		return e.read(&e.resource, e.buildResource), true
	case uid.Type == actionType:
		groups := e.set.declared.groups[uid]
		return types.Entity{UID: uid, Parents: types.NewEntityUIDSet(groups...)}, len(groups) > 0
	case uid.Type == roleType || len(e.request.Resource.Parents) == 0:
		return types.Entity{}, false
	}
	if e.read(&e.resource, e.buildResource); e.err != nil { // its parents are too many, or too deep
		return types.Entity{}, false
	}
	found, ok := e.up[uid]
	return found, ok
}

func (e *evaluation) read(of *entity, build func() types.Entity) types.Entity {
	if !of.read {
		of.read = true
		of.is = build()
	}
	return of.is
}

func (e *evaluation) fail(what string, err error) {
	if e.err == nil {
		e.err = fmt.Errorf("policy: %s %w", what, err)
	}
}

func (e *evaluation) buildPrincipal() types.Entity {
	m := e.blank()
	for i := range e.uses.ofPrincipal {
		f := &e.uses.ofPrincipal[i]
		e.put(m, "principal", f, e.principalValue(f))
	}
	return types.Entity{UID: e.principal.uid, Parents: e.roles(), Attributes: types.NewRecord(m)}
}

func (e *evaluation) principalValue(f *field) any {
	p := &e.request.Principal
	if v, builtin := p.builtin(string(f.name)); builtin {
		return v
	}
	return p.Attributes[string(f.name)]
}

// builtin returns what every principal has.
func (p *Principal) builtin(name string) (any, bool) {
	switch name {
	case "id":
		return p.ID, true
	case "tenant":
		return p.Tenant, true
	case "kind":
		return p.Kind, true
	case "scopes":
		return p.Scopes, true
	case "methods":
		return p.Methods, true
	case "authTime":
		if p.AuthTime.IsZero() {
			return nil, true
		}
		return p.AuthTime, true
	}
	return nil, false
}

// blank returns a map for a record, which is made of a copy.
func (e *evaluation) blank() types.RecordMap {
	if e.scratch == nil {
		e.scratch = types.RecordMap{}
	}
	clear(e.scratch)
	return e.scratch
}

// put converts one value of what. What is missing and not optional is a failure.
func (e *evaluation) put(m types.RecordMap, what string, f *field, v any) {
	if v == nil && f.declared.Optional {
		return
	}
	got, err := e.values.value(v, f.declared.Type)
	if err != nil {
		if v == nil {
			err = errMissing
		}
		e.fail(what+"."+string(f.name), err)
		return
	}
	m[f.name] = got
}

// roles are the principal's, as far as a policy asks for them.
func (e *evaluation) roles() types.EntityUIDSet {
	if !e.everyRole && !e.uses.everyRole && len(e.uses.roles) == 0 {
		return types.EntityUIDSet{}
	}
	var all []types.EntityUID
	for _, name := range e.request.Principal.Roles {
		uid := roleUID(name)
		if e.everyRole || e.uses.everyRole || e.uses.roles[uid] {
			all = append(all, uid)
		}
	}
	if all == nil {
		return types.EntityUIDSet{}
	}
	return types.NewEntityUIDSet(all...)
}

func (e *evaluation) buildResource() types.Entity {
	m := e.blank()
	for i := range e.uses.ofResource {
		f := &e.uses.ofResource[i]
		e.put(m, "resource", f, e.resourceValue(f))
	}
	return types.Entity{UID: e.resource.uid, Parents: e.ancestors(), Attributes: types.NewRecord(m)}
}

func (e *evaluation) resourceValue(f *field) any {
	r := &e.request.Resource
	v := r.Attributes[string(f.name)]
	if v == nil && r.Type == userType && f.name == "id" {
		return r.ID
	}
	return v
}

const deepestParents = 32

// ancestors are all that the resource is in, however deep.
func (e *evaluation) ancestors() types.EntityUIDSet {
	if len(e.request.Resource.Parents) == 0 {
		return types.EntityUIDSet{}
	}
	var all []types.EntityUID
	if err := e.collect(&all, e.request.Resource.Parents, 0); err != nil {
		e.fail("resource", err)
		return types.EntityUIDSet{}
	}
	return types.NewEntityUIDSet(all...)
}

func (e *evaluation) collect(all *[]types.EntityUID, parents []Entity, depth int) error {
	if depth > deepestParents || len(*all)+len(parents) > e.set.limits.Parents {
		return fmt.Errorf("has more than %d ancestors, or they are more than %d deep", e.set.limits.Parents, deepestParents)
	}
	for i := range parents {
		p := &parents[i]
		if p.ID == "" || len(p.ID) > e.set.limits.StringBytes || !typeName(p.Type) {
			return errors.New("has a parent without a type or an ID, or with one that is too long")
		}
		uid := types.NewEntityUID(types.EntityType(p.Type), types.String(p.ID))
		*all = append(*all, uid)
		if err := e.collect(all, p.Parents, depth+1); err != nil {
			return err
		}
		e.remember(uid, p.Parents)
	}
	return nil
}

// remember keeps what an ancestor is in itself, for what is asked about it alone.
func (e *evaluation) remember(uid types.EntityUID, parents []Entity) {
	if len(parents) == 0 {
		return
	}
	up := make([]types.EntityUID, len(parents))
	for i := range parents {
		up[i] = types.NewEntityUID(types.EntityType(parents[i].Type), types.String(parents[i].ID))
	}
	if e.up == nil {
		e.up = map[types.EntityUID]types.Entity{}
	}
	e.up[uid] = types.Entity{UID: uid, Parents: types.NewEntityUIDSet(up...)}
}

// context is the request's, as far as a policy looks at it.
func (e *evaluation) context() (types.Record, error) {
	shape := e.contextShape()
	names := e.uses.context
	if e.uses.wholeContext {
		names = map[types.String]bool{}
		for name := range shape {
			names[name] = true
		}
	}
	if len(names) == 0 {
		return types.Record{}, nil
	}
	m := e.blank()
	for name := range names {
		if declared, ok := shape[name]; ok {
			e.put(m, "context", &field{name, declared}, e.contextValue(string(name)))
		}
	}
	return types.NewRecord(m), e.err
}

// contextShape is that of the action. One that is declared nowhere has the built-in one.
func (e *evaluation) contextShape() resolved.RecordType {
	if a := e.set.declared.schema.Actions[actionUID(e.request.Action)]; a.AppliesTo != nil {
		return a.AppliesTo.Context
	}
	return e.set.declared.context
}

func (e *evaluation) contextValue(name string) any {
	c := &e.request.Context
	switch name {
	case "ip":
		if c.IP.IsValid() {
			return c.IP
		}
		return nil
	case "method":
		return orNil(c.Method)
	case "route":
		return orNil(c.Route)
	case "tenant":
		if c.Tenant == "" {
			return e.request.Principal.Tenant
		}
		return c.Tenant
	case "time":
		if c.Time.IsZero() {
			return nil
		}
		return c.Time
	case "mfaAge":
		if c.MFAAge == nil {
			return int64(NeverMFA)
		}
		return max(0, int64(*c.MFAAge/time.Second))
	}
	return c.Attributes[name]
}

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}
