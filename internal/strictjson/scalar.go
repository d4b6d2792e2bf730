package strictjson

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// number scans -?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)? (RFC 8259, section 6).
func (s *scanner) number() error {
	s.eat('-')
	if !s.eat('0') && !s.digits() {
		return s.fail("expected a number")
	}
	if s.eat('.') && !s.digits() {
		return s.fail("expected a digit")
	}
	if s.eat('e') || s.eat('E') {
		if !s.eat('+') {
			s.eat('-')
		}
		if !s.digits() {
			return s.fail("expected a digit")
		}
	}
	return nil
}

func (s *scanner) digits() bool {
	start := s.pos
	for s.peek() >= '0' && s.peek() <= '9' {
		s.pos++
	}
	return s.pos > start
}

// text scans a string and returns its value.
func (s *scanner) text() (string, error) {
	if !s.eat('"') {
		return "", s.fail("expected a string")
	}
	start, plain := s.pos, true
	var out []byte
	for s.pos < len(s.data) {
		switch c := s.data[s.pos]; {
		case c == '"':
			raw := s.data[start:s.pos]
			s.pos++
			if plain {
				return string(raw), nil
			}
			return string(out), nil
		case c < 0x20:
			return "", s.fail("control character in a string")
		case c == '\\':
			if plain {
				out, plain = append(out, s.data[start:s.pos]...), false
			}
			r, err := s.escape()
			if err != nil {
				return "", err
			}
			out = utf8.AppendRune(out, r)
		default:
			if !plain {
				out = append(out, c)
			}
			s.pos++
		}
	}
	return "", s.fail("string without end")
}

func (s *scanner) escape() (rune, error) {
	s.pos++
	c := s.peek()
	s.pos++
	switch c {
	case '"', '\\', '/':
		return rune(c), nil
	case 'b':
		return '\b', nil
	case 'f':
		return '\f', nil
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 't':
		return '\t', nil
	case 'u':
		return s.unicode()
	}
	return 0, s.fail("unknown escape")
}

func (s *scanner) unicode() (rune, error) {
	r, err := s.hex4()
	if err != nil || !utf16.IsSurrogate(r) {
		return r, err
	}
	if !s.eat('\\') || !s.eat('u') {
		return 0, s.fail("lone surrogate")
	}
	low, err := s.hex4()
	if err != nil {
		return 0, err
	}
	if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
		return 0, s.fail("lone surrogate")
	}
	return r, nil
}

func (s *scanner) hex4() (rune, error) {
	if s.pos+4 > len(s.data) {
		return 0, s.fail("short escape")
	}
	n, err := strconv.ParseUint(string(s.data[s.pos:s.pos+4]), 16, 16)
	if err != nil {
		return 0, s.fail("bad escape")
	}
	s.pos += 4
	return rune(n), nil
}
