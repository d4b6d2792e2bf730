// Package strictjson reads a JSON object the way a security decision needs
// it: no duplicate member at any depth, exact member names, valid UTF-8, no
// lone surrogate, nothing after the value, bounded depth and size.
//
//	object, err := strictjson.Parse(data, strictjson.Limits{Bytes: 8192, Depth: 8, Members: 64})
//	issuer, err := object.String("iss")
//
// encoding/json accepts what this package refuses: it takes the last of two
// equal members, and matches names without regard to case.
package strictjson

import (
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// ErrSyntax is found in every error of [Parse].
var ErrSyntax = errors.New("strictjson: not one strict JSON object")

// Limits bound what is read: the length of the text, how many objects and
// arrays may enclose a value, and how many members all objects have together.
// Elements of arrays are bounded by the length alone.
type Limits struct {
	Bytes, Depth, Members int
}

// Object is a parsed object: its members' values as they were written.
type Object map[string]json.RawMessage

// Parse reads data as one object.
func Parse(data []byte, limits Limits) (Object, error) {
	if len(data) > limits.Bytes {
		return nil, fmt.Errorf("%w: longer than %d bytes", ErrSyntax, limits.Bytes)
	}
	if !utf8.Valid(data) {
		return nil, fmt.Errorf("%w: not UTF-8", ErrSyntax)
	}
	s := scanner{data: data, depth: limits.Depth, members: limits.Members}
	s.space()
	object, err := s.object(true)
	if err != nil {
		return nil, err
	}
	s.space()
	if s.pos != len(data) {
		return nil, s.fail("data after the object")
	}
	return object, nil
}

type scanner struct {
	data           []byte
	pos            int
	depth, members int
}

func (s *scanner) fail(what string) error {
	return fmt.Errorf("%w: %s at byte %d", ErrSyntax, what, s.pos)
}

func (s *scanner) space() {
	for s.pos < len(s.data) {
		switch s.data[s.pos] {
		case ' ', '\t', '\r', '\n':
			s.pos++
		default:
			return
		}
	}
}

func (s *scanner) peek() byte {
	if s.pos >= len(s.data) {
		return 0
	}
	return s.data[s.pos]
}

func (s *scanner) eat(c byte) bool {
	if s.peek() != c {
		return false
	}
	s.pos++
	return true
}

func (s *scanner) object(keep bool) (Object, error) {
	if !s.eat('{') {
		return nil, s.fail("expected an object")
	}
	if err := s.enter(); err != nil {
		return nil, err
	}
	var object Object
	if keep {
		object = Object{}
	}
	s.space()
	if s.eat('}') {
		s.depth++
		return object, nil
	}
	for {
		if object == nil {
			object = Object{}
		}
		if err := s.member(object, keep); err != nil {
			return nil, err
		}
		if s.eat('}') {
			s.depth++
			return object, nil
		}
		if !s.eat(',') {
			return nil, s.fail("expected , or }")
		}
		s.space()
	}
}

func (s *scanner) member(object Object, keep bool) error {
	name, err := s.text()
	if err != nil {
		return err
	}
	if _, twice := object[name]; twice {
		return s.fail("duplicate member")
	}
	if s.members--; s.members < 0 {
		return s.fail("too many members")
	}
	s.space()
	if !s.eat(':') {
		return s.fail("expected :")
	}
	s.space()
	start := s.pos
	if err := s.value(); err != nil {
		return err
	}
	object[name] = nil
	if keep {
		object[name] = json.RawMessage(s.data[start:s.pos:s.pos])
	}
	s.space()
	return nil
}

func (s *scanner) enter() error {
	if s.depth--; s.depth < 0 {
		return s.fail("nested too deeply")
	}
	return nil
}

func (s *scanner) value() error {
	switch c := s.peek(); {
	case c == '{':
		_, err := s.object(false)
		return err
	case c == '[':
		return s.array()
	case c == '"':
		_, err := s.text()
		return err
	case c == '-' || (c >= '0' && c <= '9'):
		return s.number()
	default:
		return s.literal()
	}
}

func (s *scanner) array() error {
	s.pos++
	if err := s.enter(); err != nil {
		return err
	}
	s.space()
	if s.eat(']') {
		s.depth++
		return nil
	}
	for {
		if err := s.value(); err != nil {
			return err
		}
		s.space()
		if s.eat(']') {
			s.depth++
			return nil
		}
		if !s.eat(',') {
			return s.fail("expected , or ]")
		}
		s.space()
	}
}

func (s *scanner) literal() error {
	for _, word := range []string{"true", "false", "null"} {
		if rest := s.data[s.pos:]; len(rest) >= len(word) && string(rest[:len(word)]) == word {
			s.pos += len(word)
			return nil
		}
	}
	return s.fail("expected a value")
}
