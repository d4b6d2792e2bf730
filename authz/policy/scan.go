package policy

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

type tokenKind uint8

const (
	sign tokenKind = iota
	word
	number
	text
)

// token is a word or sign of Cedar. Line and column count from 1, columns in characters.
type token struct {
	kind         tokenKind
	text         string
	offset       int
	line, column int
}

func (t token) end() int { return t.offset + len(t.text) }

// scanner reads Cedar's words and signs, so that a text is known to be harmless before
// the parser, which calls itself for each bracket, sees it.
type scanner struct {
	src          string
	offset       int
	line, column int
	// lenient takes any sign, for schemas, whose signs are others.
	lenient bool
}

func newScanner(src string) *scanner { return &scanner{src: src, line: 1, column: 1} }

func (s *scanner) fault(format string, args ...any) *Fault {
	return &Fault{Line: s.line, Column: s.column, Problem: fmt.Sprintf(format, args...)}
}

// next returns the next token. At the end its text is empty.
func (s *scanner) next() (token, *Fault) {
	if fault := s.skip(); fault != nil {
		return token{}, fault
	}
	t := token{offset: s.offset, line: s.line, column: s.column}
	if s.offset == len(s.src) {
		return t, nil
	}
	n, fault := 0, (*Fault)(nil)
	switch c := s.src[s.offset]; {
	case letter(c):
		t.kind, n = word, s.run(func(c byte) bool { return letter(c) || digit(c) })
	case digit(c):
		t.kind, n = number, s.run(digit)
	case c == '"':
		t.kind = text
		n, fault = s.quoted()
	default:
		n, fault = s.sign()
	}
	if fault != nil {
		return token{}, fault
	}
	t.text = s.src[s.offset : s.offset+n]
	s.advance(n)
	return t, nil
}

func (s *scanner) advance(n int) {
	for _, r := range s.src[s.offset : s.offset+n] {
		if s.column++; r == '\n' {
			s.line, s.column = s.line+1, 1
		}
	}
	s.offset += n
}

// skip passes over space and comments.
func (s *scanner) skip() *Fault {
	for s.offset < len(s.src) {
		rest := s.src[s.offset:]
		switch {
		case strings.IndexByte(" \t\r\n", rest[0]) >= 0:
			s.advance(1)
		case strings.HasPrefix(rest, "//"):
			end := strings.IndexByte(rest, '\n')
			if end < 0 {
				end = len(rest)
			}
			s.advance(end)
		case strings.HasPrefix(rest, "/*"):
			end := strings.Index(rest[2:], "*/")
			if end < 0 {
				return s.fault("the comment has no end; write */")
			}
			s.advance(end + 4)
		default:
			return nil
		}
	}
	return nil
}

func (s *scanner) run(in func(byte) bool) int {
	n := 1
	for s.offset+n < len(s.src) && in(s.src[s.offset+n]) {
		n++
	}
	return n
}

func (s *scanner) quoted() (int, *Fault) {
	for n := 1; s.offset+n < len(s.src); n++ {
		switch s.src[s.offset+n] {
		case '"':
			return n + 1, nil
		case '\\':
			n++
		case '\n':
			return 0, s.fault("the text has no end on its line; write a \" there")
		}
	}
	return 0, s.fault("the text has no end; write a \" there")
}

func (s *scanner) sign() (int, *Fault) {
	rest := s.src[s.offset:]
	for _, two := range []string{"::", "!=", "<=", ">=", "==", "||", "&&"} {
		if strings.HasPrefix(rest, two) {
			return 2, nil
		}
	}
	if strings.IndexByte("@.,;(){}[]+-*:!<>", rest[0]) >= 0 {
		return 1, nil
	}
	r, size := utf8.DecodeRuneInString(rest)
	if s.lenient {
		return size, nil
	}
	hint := map[rune]string{'=': "; write ==", '&': "; write &&", '|': "; write ||", '\'': "; text stands in \""}[r]
	return 0, s.fault("Cedar has no sign %q%s", r, hint)
}

func letter(c byte) bool { return c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }
func digit(c byte) bool  { return '0' <= c && c <= '9' }

// checkText refuses what the scanner would have to guess about.
func checkText(src string) *Fault {
	if at := strings.IndexByte(src, 0); at >= 0 {
		return position(src, at, "the text has a NUL byte; remove it")
	}
	if !utf8.ValidString(src) {
		at := 0
		for r, size := utf8.DecodeRuneInString(src); r != utf8.RuneError || size > 1; r, size = utf8.DecodeRuneInString(src[at:]) {
			at += size
		}
		return position(src, at, "the text is not UTF-8")
	}
	return nil
}

// position returns a fault at an offset.
func position(src string, offset int, problem string) *Fault {
	before := src[:offset]
	line := strings.Count(before, "\n") + 1
	column := utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
	return &Fault{Line: line, Column: column, Problem: problem}
}
