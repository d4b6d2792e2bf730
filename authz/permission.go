package authz

import (
	"fmt"
	"strings"
)

const (
	maxSegment  = 64
	maxSegments = 16
	star        = "*"
	rest        = "**"
	// everything matches every permission.
	everything = rest

	permissionForm = "is not resource.action: 2 to 16 segments with dots between, each 1 to 64 of A-Z a-z 0-9 _ -"
	patternForm    = permissionForm + "; a segment may be * as a whole, and the last one ** for the rest"
)

// Permission is one action on one kind of resource, such as articles.delete
// or articles.comments.delete. The zero value is no permission; [ParsePermission] makes the others.
type Permission struct {
	text     string
	segments int
}

// ParsePermission reads resource.action, of two to sixteen segments. It refuses a pattern. Its error wraps [ErrPermissionSyntax].
func ParsePermission(s string) (Permission, error) {
	p, form := parse(s)
	switch {
	case form == malformed || p.segments < 2:
		return Permission{}, fmt.Errorf("%w: %s %s", ErrPermissionSyntax, quote(s), permissionForm)
	case form == starred:
		return Permission{}, fmt.Errorf("%w: %s is a pattern; name one permission", ErrPermissionSyntax, quote(s))
	}
	return p, nil
}

// Resource is what stands before the last dot.
func (p Permission) Resource() string { return p.text[:max(0, strings.LastIndexByte(p.text, '.'))] }

// Action is what stands after the last dot.
func (p Permission) Action() string { return p.text[strings.LastIndexByte(p.text, '.')+1:] }

// String returns resource.action.
func (p Permission) String() string { return p.text }

// Pattern is what a role holds and a scope allows: a permission in which any segment may be * as a
// whole, for every single one in its place, and the last one ** for one or more that follow. The zero
// value matches nothing; [ParsePattern] makes the others.
type Pattern struct {
	text     string
	segments uint8
	starred  bool
}

// ParsePattern reads articles.read, articles.*, *.read, articles.** or **. Its error wraps [ErrPermissionSyntax].
func ParsePattern(s string) (Pattern, error) {
	p, form := parse(s)
	if form == malformed || p.segments < 2 && s != everything {
		return Pattern{}, fmt.Errorf("%w: %s %s", ErrPermissionSyntax, quote(s), patternForm)
	}
	return Pattern{text: p.text, segments: uint8(p.segments), starred: form == starred}, nil
}

// Matches reports whether holding the pattern gives the permission.
func (p Pattern) Matches(required Permission) bool {
	if p.text == "" || required.text == "" {
		return false
	}
	if !p.starred {
		return p.text == required.text
	}
	return covers(p.text, required.text)
}

// includes reports whether p matches whatever other matches.
func (p Pattern) includes(other Pattern) bool { return covers(p.text, other.text) }

// String returns the pattern as it was written.
func (p Pattern) String() string { return p.text }

// covers reports whether the pattern matches everything that another one does, which may be a permission.
func covers(held, other string) bool {
	for {
		h, o := segmentEnd(held), segmentEnd(other)
		switch {
		case held[:h] == rest:
			return true
		case other[:o] == rest || held[:h] != star && held[:h] != other[:o]:
			return false
		case h == len(held) || o == len(other):
			return h == len(held) && o == len(other)
		}
		held, other = held[h+1:], other[o+1:]
	}
}

// segmentEnd is where the first segment ends. Segments are short: looking at each byte is the fastest.
func segmentEnd(s string) int {
	for i := range len(s) {
		if s[i] == '.' {
			return i
		}
	}
	return len(s)
}

// common returns the pattern that matches what both match, if there is anything.
func common(a, b string) (string, bool) {
	var both []string
	for {
		x, moreA, onA := strings.Cut(a, ".")
		y, moreB, onB := strings.Cut(b, ".")
		switch {
		case x == rest:
			return strings.Join(append(both, b), "."), true
		case y == rest:
			return strings.Join(append(both, a), "."), true
		case x != y && x != star && y != star || onA != onB:
			return "", false
		case x == star:
			x = y
		}
		if both = append(both, x); !onA {
			return strings.Join(both, "."), true
		}
		a, b = moreA, moreB
	}
}

// form is how a text reads.
type form uint8

const (
	malformed form = iota
	concrete
	starred
)

// parse reads segments, one of which may be enough.
func parse(s string) (Permission, form) {
	f, n := concrete, 0
	for text := s; ; {
		end := segmentEnd(text)
		last := end == len(text)
		switch segment := text[:end]; {
		case name(segment):
		case segment == star, segment == rest && last:
			f = starred
		default:
			return Permission{}, malformed
		}
		if n++; n > maxSegments {
			return Permission{}, malformed
		}
		if last {
			return Permission{text: s, segments: n}, f
		}
		text = text[end+1:]
	}
}

func name(segment string) bool {
	if segment == "" || len(segment) > maxSegment {
		return false
	}
	for i := range len(segment) {
		if b := segment[i]; !roleByte(b) && (b < 'A' || b > 'Z') {
			return false
		}
	}
	return true
}

func roleByte(b byte) bool {
	return 'a' <= b && b <= 'z' || '0' <= b && b <= '9' || b == '_' || b == '-'
}
