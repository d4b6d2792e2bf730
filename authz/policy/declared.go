package policy

import (
	"maps"
	"slices"

	"github.com/cedar-policy/cedar-go/types"
)

// AttributesOf returns the names of the attributes that a type of resources declares, or, for "User", those of callers, ascending. It
// reports whether the type is declared.
func (s *Set) AttributesOf(typ string) (names []string, declared bool) {
	e, declared := s.declared.schema.Entities[types.EntityType(typ)]
	return sortedNames(e.Shape), declared
}

// ContextOf returns the names of what policies for the action may read of the context, ascending.
func (s *Set) ContextOf(action string) []string {
	if a := s.declared.schema.Actions[actionUID(action)]; a.AppliesTo != nil {
		return sortedNames(a.AppliesTo.Context)
	}
	return sortedNames(s.declared.context)
}

// Types returns the names of the declared types of resources, ascending.
func (s *Set) Types() []string {
	names := sortedNames(s.declared.schema.Entities)
	return slices.DeleteFunc(names, func(name string) bool { return name == userType || name == roleType || name == noneType })
}

func sortedNames[K ~string, V any](m map[K]V) []string {
	names := make([]string, 0, len(m))
	for name := range maps.Keys(m) {
		names = append(names, string(name))
	}
	slices.Sort(names)
	return names
}
