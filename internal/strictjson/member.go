package strictjson

import (
	"errors"
	"strconv"
	"strings"
)

// Reasons why a member is not what was asked for.
var (
	ErrMissing = errors.New("strictjson: member is missing")
	ErrType    = errors.New("strictjson: member has another type")
)

// Has reports whether the object has a member of exactly that name.
func (o Object) Has(name string) bool {
	_, found := o[name]
	return found
}

// String returns a member that is a string.
func (o Object) String(name string) (string, error) {
	raw, found := o[name]
	if !found {
		return "", ErrMissing
	}
	if raw[0] != '"' {
		return "", ErrType
	}
	s := scanner{data: raw}
	return s.text()
}

// Strings returns a member that is an array of strings.
func (o Object) Strings(name string) ([]string, error) {
	raw, found := o[name]
	if !found {
		return nil, ErrMissing
	}
	if raw[0] != '[' {
		return nil, ErrType
	}
	out := []string{}
	s := scanner{data: raw, pos: 1}
	for s.space(); !s.eat(']'); s.space() {
		if s.eat(',') {
			s.space()
		}
		if s.peek() != '"' {
			return nil, ErrType
		}
		text, err := s.text()
		if err != nil {
			return nil, err
		}
		out = append(out, text)
	}
	return out, nil
}

// Object returns a member that is an object.
func (o Object) Object(name string) (Object, error) {
	raw, found := o[name]
	if !found {
		return nil, ErrMissing
	}
	if raw[0] != '{' {
		return nil, ErrType
	}
	return parsed(raw, 0).object(true)
}

// Objects returns a member that is an array of objects.
func (o Object) Objects(name string) ([]Object, error) {
	raw, found := o[name]
	if !found {
		return nil, ErrMissing
	}
	if raw[0] != '[' {
		return nil, ErrType
	}
	out := []Object{}
	s := parsed(raw, 1)
	for s.space(); !s.eat(']'); s.space() {
		if s.eat(',') {
			s.space()
		}
		if s.peek() != '{' {
			return nil, ErrType
		}
		object, err := s.object(true)
		if err != nil {
			return nil, err
		}
		out = append(out, object)
	}
	return out, nil
}

// parsed reads again what Parse found within its limits.
func parsed(raw []byte, pos int) *scanner {
	return &scanner{data: raw, pos: pos, depth: len(raw), members: len(raw)}
}

// Bool returns a member that is true or false.
func (o Object) Bool(name string) (bool, error) {
	raw, found := o[name]
	switch {
	case !found:
		return false, ErrMissing
	case string(raw) == "true":
		return true, nil
	case string(raw) == "false":
		return false, nil
	}
	return false, ErrType
}

// Integer returns a member that is a whole number of at most 15 digits,
// written without sign, fraction or exponent: no reader rounds those.
func (o Object) Integer(name string) (int64, error) {
	raw, found := o[name]
	if !found {
		return 0, ErrMissing
	}
	const exact = 15
	if len(raw) > exact || raw[0] < '0' || raw[0] > '9' {
		return 0, ErrType
	}
	n, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil {
		return 0, ErrType
	}
	return n, nil
}

// Folded reports a member that equals one of the names only when letter case
// (as Unicode folds it) is ignored: a reader less strict than this one would
// take it for that name. It returns the name that it looks like.
func (o Object) Folded(names []string) (string, bool) {
	for member := range o {
		for _, name := range names {
			if member != name && strings.EqualFold(member, name) {
				return name, true
			}
		}
	}
	return "", false
}
