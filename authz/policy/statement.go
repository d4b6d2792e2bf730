package policy

import (
	"fmt"
	"strings"
)

// statement is the text of one policy.
type statement struct {
	source string
	// text is Cedar, from the first annotation to the semicolon.
	text string
	// tokens have offsets in text, and lines and columns of the source.
	tokens []token
	// conditions are the indexes of each { after when and unless, with its }.
	conditions [][2]int
	id         string
	// written are the conditions as they are written, which is what is left of the tokens when all is checked.
	written []string
}

// at returns a fault at token i.
func (s *statement) at(i int, format string, args ...any) *Fault {
	f := &Fault{Source: s.source, Policy: s.id, Problem: fmt.Sprintf(format, args...)}
	if len(s.tokens) > 0 {
		t := s.tokens[max(0, min(i, len(s.tokens)-1))]
		f.Line, f.Column = t.line, t.column
	}
	return f
}

// place is the name of the source with line and column.
func (s *statement) place() string {
	t := s.tokens[s.head()]
	return fmt.Sprintf("%s:%d:%d", s.source, t.line, t.column)
}

// head returns the index of permit or forbid.
func (s *statement) head() int {
	for i, t := range s.tokens {
		if t.kind == word && (t.text == "permit" || t.text == "forbid") && (i == 0 || s.tokens[i-1].text != "@") {
			return i
		}
	}
	return 0
}

// splitter reads the statements of a Cedar text, each within the limits.
type splitter struct {
	limits Limits
	open   []bracket
	now    *statement
}

// bracket is an open one, with what stands in it so far.
type bracket struct {
	closing string
	at      int
	commas  int
}

// split returns the statements of a source. After a fault it goes on with the next one.
func split(src Source, limits Limits, bad *faults) []*statement {
	all := string(src.Text)
	if fault := checkText(all); fault != nil {
		fault.Source = src.Name
		bad.add(fault)
		return nil
	}
	var done []*statement
	scan, p := newScanner(all), splitter{limits: limits, now: &statement{source: src.Name}}
	refused := false
	for {
		t, fault := scan.next()
		if fault != nil { // where the next statement starts is not known any more
			fault.Source = src.Name
			bad.add(fault)
			return done
		}
		if t.text == "" {
			break
		}
		if !refused {
			if fault = p.take(t); fault != nil {
				bad.add(fault)
				refused = true
			}
		}
		if t.text != ";" || t.kind != sign || len(p.open) > 0 && !refused {
			continue
		}
		if !refused {
			done = append(done, p.finish(all))
		}
		p.now, p.open, refused = &statement{source: src.Name}, nil, false
	}
	if len(p.now.tokens) > 0 && !refused {
		bad.add(p.now.at(len(p.now.tokens)-1, "the policy has no end; write ; after it"))
	}
	return done
}

// take adds a token to the statement.
func (p *splitter) take(t token) *Fault {
	i := len(p.now.tokens)
	p.now.tokens = append(p.now.tokens, t)
	if i >= p.limits.Tokens {
		return p.now.at(0, "the policy has more than %d words and signs; split it", p.limits.Tokens)
	}
	if t.kind == text && len(t.text)-2 > p.limits.StringBytes {
		return p.now.at(i, "the text is longer than %d bytes", p.limits.StringBytes)
	}
	if t.kind == text && i > 0 && p.now.tokens[i-1].text == "like" && strings.Count(t.text, "*") > p.limits.Wildcards {
		return p.now.at(i, "the pattern has more than %d *", p.limits.Wildcards)
	}
	if t.kind != sign {
		return nil
	}
	switch t.text {
	case "(", "[", "{":
		return p.push(i, closing(t.text))
	case ")", "]", "}":
		return p.pop(i, t.text)
	case ",":
		return p.comma()
	}
	return nil
}

// closing is the sign that closes an opening one.
func closing(open string) string {
	switch open {
	case "(":
		return ")"
	case "[":
		return "]"
	}
	return "}"
}

func (p *splitter) push(i int, closing string) *Fault {
	if len(p.open) >= p.limits.Nesting {
		return p.now.at(i, "brackets stand inside each other more than %d deep; simplify the condition", p.limits.Nesting)
	}
	p.open = append(p.open, bracket{closing: closing, at: i})
	return nil
}

func (p *splitter) pop(i int, closing string) *Fault {
	if len(p.open) == 0 {
		return p.now.at(i, "this %s closes nothing; remove it", closing)
	}
	last := p.open[len(p.open)-1]
	if last.closing != closing {
		return p.now.at(i, "this %s stands where a %s is due", closing, last.closing)
	}
	p.open = p.open[:len(p.open)-1]
	if len(p.open) == 0 && closing == "}" {
		p.now.conditions = append(p.now.conditions, [2]int{last.at, i})
	}
	return nil
}

func (p *splitter) comma() *Fault {
	if len(p.open) == 0 {
		return nil
	}
	last := &p.open[len(p.open)-1]
	if last.commas++; last.commas >= p.limits.Elements {
		return p.now.at(last.at, "the list has more than %d elements; use a role, a parent or an attribute instead", p.limits.Elements)
	}
	return nil
}

// finish cuts the text of the statement out of its source.
func (p *splitter) finish(all string) *statement {
	s := p.now
	from, to := s.tokens[0].offset, s.tokens[len(s.tokens)-1].end()
	s.text = all[from:to]
	for i := range s.tokens {
		s.tokens[i].offset -= from
	}
	return s
}

// settle keeps the texts of the conditions and drops the tokens, which take many times their memory.
func (s *statement) settle() {
	for _, c := range s.conditions {
		s.written = append(s.written, s.text[s.tokens[c[0]-1].offset:s.tokens[c[1]].end()])
	}
	s.tokens, s.conditions = nil, nil
}
