package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cedar-policy/cedar-go/x/exp/schema/ast"
)

// Vocabulary is what policies may speak of. What is declared nowhere is a fault of the policy that names it. The zero
// value has the built-in names only: see the package comment.
type Vocabulary struct {
	// Resources are the types of resources by name, such as "Article".
	Resources map[string]ResourceType
	// Schema are texts in Cedar's schema language. They are merged with Resources and with each other; declaring something twice is a
	// fault. An entity User in it adds attributes to those of the principal.
	Schema []Source
	// Attributes are attributes of principals, by name, with their types as in
	// [ResourceType].Attributes. All of them are optional: policies ask has before they use one.
	Attributes map[string]string
	// Context are attributes of requests beside the built-in ones. All of them are optional.
	Context map[string]string
	// Permissions are actions that no resource declares, such as those that roles name.
	Permissions []string
	// Roles are the names that a Role::"name" may have. Nil checks none.
	Roles []string
}

// ResourceType declares a type of resources without Cedar's schema language.
type ResourceType struct {
	// Attributes are types by attribute: String, Bool, Long, datetime, duration, ipaddr, decimal, a
	// type of resource, User, Role, or Set<...> of these. A ? after the type makes the attribute
	// optional. One that is not optional and missing from a request denies it.
	Attributes map[string]string
	// Parents are the types that an ancestor may have, for "resource in Folder::\"plans\"".
	Parents []string
	// Actions are what can be done to it: "articles.edit".
	Actions []string
}

// The names that every vocabulary has.
const (
	userType   = "User"
	roleType   = "Role"
	actionType = "Action"
	noneType   = "None"
)

// userShape are the attributes of every principal.
func userShape() ast.RecordType {
	return ast.RecordType{
		"id": {Type: ast.String()}, "tenant": {Type: ast.String()}, "kind": {Type: ast.String()},
		"scopes": {Type: ast.Set(ast.String())}, "methods": {Type: ast.Set(ast.String())}, "authTime": {Type: ast.Datetime()},
	}
}

// contextShape are the attributes of every request.
func contextShape() ast.RecordType {
	return ast.RecordType{
		"ip": {Type: ast.IPAddr()}, "method": {Type: ast.String()}, "route": {Type: ast.String()}, "tenant": {Type: ast.String()},
		"time": {Type: ast.Datetime()}, "mfaAge": {Type: ast.Long()},
	}
}

// typeNames are the types that an attribute may have beside entity types.
func typeNames() map[string]ast.IsType {
	return map[string]ast.IsType{
		"String": ast.String(), "Bool": ast.Bool(), "Long": ast.Long(),
		"datetime": ast.Datetime(), "duration": ast.Duration(), "ipaddr": ast.IPAddr(), "decimal": ast.Decimal(),
	}
}

// attributeType reads a type of [ResourceType].Attributes.
func attributeType(s string, entities map[string]bool) (ast.Attribute, error) {
	name, optional := strings.CutSuffix(strings.TrimSpace(s), "?")
	t, err := plainType(name, entities, 0)
	return ast.Attribute{Type: t, Optional: optional}, err
}

const deepestSet = 4

func plainType(name string, entities map[string]bool, depth int) (ast.IsType, error) {
	name = strings.TrimSpace(name)
	if inner, ok := strings.CutPrefix(name, "Set<"); ok && strings.HasSuffix(inner, ">") && depth < deepestSet {
		t, err := plainType(strings.TrimSuffix(inner, ">"), entities, depth+1)
		return ast.Set(t), err
	}
	known := typeNames()
	if t, ok := known[name]; ok {
		return t, nil
	}
	if entities[name] {
		return ast.EntityType(entityType(name)), nil
	}
	for e := range entities {
		known[e] = nil
	}
	return nil, fmt.Errorf("unknown type %s%s", clip(name), suggest(name, maps.Keys(known)))
}

// actionName reports whether s is a permission: 2 to 16 segments of 1 to 64 of A-Z a-z 0-9 _ - with dots between them.
func actionName(s string) bool {
	if len(s) > 16*65 {
		return false
	}
	segments := strings.Split(s, ".")
	if len(segments) < 2 || len(segments) > 16 {
		return false
	}
	return !slices.ContainsFunc(segments, func(segment string) bool {
		return segment == "" || len(segment) > 64 || strings.ContainsFunc(segment, func(r rune) bool {
			return r > 127 || !letter(byte(r)) && !digit(byte(r)) && r != '-'
		})
	})
}

// typeName reports whether s can name an entity type.
func typeName(s string) bool {
	if len(s) > 256 {
		return false
	}
	for part := range strings.SplitSeq(s, "::") {
		if !identifier(part) {
			return false
		}
	}
	return true
}

func identifier(s string) bool {
	if s == "" || digit(s[0]) || reserved(s) {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool { return r > 127 || !letter(byte(r)) && !digit(byte(r)) })
}

func reserved(s string) bool {
	return slices.Contains([]string{"true", "false", "if", "then", "else", "in", "like", "has", "is", "__cedar"}, s)
}
