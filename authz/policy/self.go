package policy

import (
	"errors"
	"slices"

	"github.com/cedar-policy/cedar-go/types"
)

// errTwoValues is for a caller that is the resource itself, of which the two say different things.
var errTwoValues = errors.New("is not what the resource, which is the same User, has")

// isSelf reports whether the principal is the resource: to policies they are one entity then.
func (e *evaluation) isSelf() bool { return e.principal.uid == e.resource.uid }

// buildSelf is a principal that is the resource too. It has what either of them has; where both have a value they must agree.
func (e *evaluation) buildSelf() types.Entity {
	m := e.blank()
	for _, fields := range [][]field{e.uses.ofPrincipal, e.uses.ofResource} {
		for i := range fields {
			e.putSelf(m, &fields[i])
		}
	}
	parents := slices.Concat(slices.Collect(e.roles().All()), slices.Collect(e.ancestors().All()))
	return types.Entity{UID: e.principal.uid, Parents: types.NewEntityUIDSet(parents...), Attributes: types.NewRecord(m)}
}

func (e *evaluation) putSelf(m types.RecordMap, f *field) {
	if _, done := m[f.name]; done {
		return
	}
	own, other := e.principalValue(f), e.resourceValue(f)
	if own == nil {
		e.put(m, "resource", f, other)
		return
	}
	if e.put(m, "principal", f, own); other == nil || e.err != nil {
		return
	}
	got, err := e.values.value(other, f.declared.Type)
	if err == nil && !got.Equal(m[f.name]) {
		err = errTwoValues
	}
	if err != nil {
		e.fail("principal."+string(f.name), err)
	}
}
