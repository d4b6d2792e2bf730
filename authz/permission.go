package authz

import (
	"fmt"
	"strings"
)

const (
	maxSegment = 64
	star       = "*"
	everything = "*.*"

	permissionForm = "is not resource.action, each 1 to 64 of A-Z a-z 0-9 _ -"
	patternForm    = permissionForm + " or * alone"
)

// Permission is one action on one kind of resource, such as articles.delete.
// The zero value is no permission; [ParsePermission] makes the others.
type Permission struct {
	text string
	dot  int
}

// ParsePermission reads resource.action. It refuses a pattern. Its error wraps [ErrPermissionSyntax].
func ParsePermission(s string) (Permission, error) {
	dot := separator(s)
	if dot < 0 {
		return Permission{}, fmt.Errorf("%w: %s %s", ErrPermissionSyntax, quote(s), permissionForm)
	}
	if s[:dot] == star || s[dot+1:] == star {
		return Permission{}, fmt.Errorf("%w: %s is a pattern; name one permission", ErrPermissionSyntax, quote(s))
	}
	return Permission{text: s, dot: dot}, nil
}

// Resource is the part before the dot.
func (p Permission) Resource() string { return p.text[:p.dot] }

// Action is the part after the dot.
func (p Permission) Action() string {
	if p.text == "" {
		return ""
	}
	return p.text[p.dot+1:]
}

// String returns resource.action.
func (p Permission) String() string { return p.text }

// Pattern is what a role holds: a permission in which either segment may be *
// as a whole. The zero value matches nothing; [ParsePattern] makes the others.
type Pattern struct{ held Permission }

// ParsePattern reads resource.action, articles.*, *.read or *.*. Its error wraps [ErrPermissionSyntax].
func ParsePattern(s string) (Pattern, error) {
	dot := separator(s)
	if dot < 0 {
		return Pattern{}, fmt.Errorf("%w: %s %s", ErrPermissionSyntax, quote(s), patternForm)
	}
	return Pattern{held: Permission{text: s, dot: dot}}, nil
}

// Matches reports whether holding the pattern gives the permission.
func (p Pattern) Matches(required Permission) bool {
	if p.held.text == "" || required.text == "" {
		return false
	}
	return covers(p.held.Resource(), required.Resource()) && covers(p.held.Action(), required.Action())
}

// String returns the pattern as it was written.
func (p Pattern) String() string { return p.held.text }

func covers(held, required string) bool { return held == star || held == required }

// separator returns where the dot of a well-formed pattern is, or -1.
func separator(s string) int {
	dot := strings.IndexByte(s, '.')
	if dot < 0 || !segment(s[:dot]) || !segment(s[dot+1:]) {
		return -1
	}
	return dot
}

func segment(s string) bool {
	if s == "" || len(s) > maxSegment {
		return false
	}
	for i := range len(s) {
		if b := s[i]; !roleByte(b) && (b < 'A' || b > 'Z') {
			return s == star
		}
	}
	return true
}

func roleByte(b byte) bool {
	return 'a' <= b && b <= 'z' || '0' <= b && b <= '9' || b == '_' || b == '-'
}
