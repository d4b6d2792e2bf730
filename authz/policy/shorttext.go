package policy

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/schema/resolved"
)

// cedarText is a policy being written in Cedar, which remembers where each piece comes from.
type cedarText struct {
	written strings.Builder
	pieces  []piece
}

func (t *cedarText) String() string { return t.written.String() }

// add writes more of the piece at hand.
func (t *cedarText) add(s string) { _, _ = t.written.WriteString(s) }

// piece says that the text from an offset on stands for a YAML node.
type piece struct {
	from int
	node *yaml.Node
	// value says that it is the node's own value, whose lines and columns can be told.
	value bool
}

func (t *cedarText) from(n *yaml.Node, s string) {
	t.pieces = append(t.pieces, piece{from: t.written.Len(), node: n})
	t.add(s)
}

// statement writes the policy in Cedar and reads it as such.
func (s *short) statement() *statement {
	var t cedarText
	t.from(s.id, "@id("+quote(s.id.Value)+")\n")
	if s.description != nil {
		t.from(s.description, "@description("+quote(s.description.Value)+")\n")
	}
	t.from(s.node, s.word+" (\n  principal")
	if len(s.roles) == 1 {
		t.add(" in ")
		t.from(s.roles[0], "Role::"+quote(s.roles[0].Value))
	}
	t.from(s.node, ",\n  action ")
	s.scope(&t, "Action", s.actions)
	t.from(s.node, ",\n  resource")
	if s.resource != nil {
		if !typeName(s.resource.Value) {
			s.wrong(s.resource, "resource is the name of a type, not %s", clip(s.resource.Value))
			return nil
		}
		t.from(s.resource, " is "+s.resource.Value)
	}
	t.from(s.node, "\n)")
	conditions := 0
	if len(s.roles) > 1 {
		conditions++
		t.add("\nwhen { principal ")
		s.scope(&t, "Role", s.roles)
		t.add(" }")
	}
	for word, n := range s.conditions() {
		conditions++
		t.from(n, "\n"+word+" {\n")
		s.condition(&t, n)
		t.from(n, "\n}")
	}
	t.from(s.node, ";")
	if s.broken {
		return nil
	}
	return s.checked(&t, conditions)
}

func (s *short) conditions() func(func(string, *yaml.Node) bool) {
	return func(yield func(string, *yaml.Node) bool) {
		if s.when != nil && !yield("when", s.when) {
			return
		}
		if s.unless != nil {
			yield("unless", s.unless)
		}
	}
}

// scope writes "== A" or "in [A, B]".
func (s *short) scope(t *cedarText, typ string, names []*yaml.Node) {
	if len(names) == 1 && typ == actionType {
		t.add("== ")
		t.from(names[0], typ+"::"+quote(names[0].Value))
		return
	}
	t.add("in [")
	for i, n := range names {
		if i > 0 {
			t.add(", ")
		}
		t.from(n, typ+"::"+quote(n.Value))
	}
	t.add("]")
}

// checked reads what was written. It has to be the one policy that was meant, whatever stood in the YAML.
func (s *short) checked(t *cedarText, conditions int) *statement {
	var bad faults
	all := split(Source{Name: s.source, Text: []byte(t.String())}, s.c.limits, &bad)
	for _, e := range bad.all {
		for _, f := range Faults(e) {
			s.wrong(s.node, "%s", f.Problem)
		}
	}
	if s.broken {
		return nil
	}
	if len(all) != 1 || len(all[0].conditions) != conditions {
		s.wrong(s.node, "the condition is not one expression")
		return nil
	}
	for i := range all[0].tokens {
		s.place(t, &all[0].tokens[i])
	}
	all[0].id = s.id.Value
	return all[0]
}

// place gives a token the line and column of the YAML that it comes from.
func (s *short) place(t *cedarText, tok *token) {
	var in piece
	for _, p := range t.pieces {
		if p.from > tok.offset {
			break
		}
		in = p
	}
	tok.line, tok.column = s.inside(in, t.String()[in.from:tok.offset])
}

// inside returns the place in YAML after what stands before it in a node's value.
func (s *short) inside(in piece, before string) (line, column int) {
	n := in.node
	line, column = n.Line, n.Column
	if !in.value || n.Line < 1 || n.Line > len(s.lines) {
		return line, column
	}
	if n.Style&yaml.LiteralStyle != 0 {
		line += 1 + strings.Count(before, "\n")
		if line > len(s.lines) {
			return n.Line, n.Column
		}
		text := s.lines[line-1]
		return line, len(text) - len(strings.TrimLeft(text, " ")) + 1 + lastColumn(before) - indentOf(n.Value, before)
	}
	start := column - 1
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
		start++
	}
	if runes := []rune(s.lines[n.Line-1]); start <= len(runes) && strings.HasPrefix(string(runes[start:]), n.Value) {
		return line, start + 1 + utf8.RuneCountInString(before)
	}
	return line, column
}

func lastColumn(before string) int {
	return utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:])
}

// indentOf is the space that begins the line of a value after before.
func indentOf(value, before string) int {
	line := value[strings.LastIndexByte(before, '\n')+1:]
	return len(line) - len(strings.TrimLeft(line, " "))
}

// condition writes what stands after when or unless.
func (s *short) condition(t *cedarText, n *yaml.Node) {
	switch n.Kind {
	case yaml.ScalarNode:
		if n.Tag == "!!null" || strings.TrimSpace(n.Value) == "" {
			s.wrong(n, "the condition is empty; leave it out")
			return
		}
		if fault := oneExpression(n.Value, s.c.limits); fault != nil {
			line, column := s.inside(piece{node: n, value: true}, n.Value[:fault.Column])
			s.wrong(&yaml.Node{Line: line, Column: column}, "%s", fault.Problem)
			return
		}
		t.pieces = append(t.pieces, piece{from: t.written.Len(), node: n, value: true})
		t.add(strings.TrimRight(n.Value, "\n"))
	case yaml.MappingNode:
		s.comparisons(t, n)
	default:
		s.wrong(n, "a condition is a Cedar expression, or a map of attributes and their values")
	}
}

// oneExpression refuses what could end the condition that it is put into. The fault's Column is the offset.
func oneExpression(text string, limits Limits) *Fault {
	scan := newScanner(text)
	var open []string
	for n := 0; ; n++ {
		if n > limits.Tokens || len(open) > limits.Nesting {
			return &Fault{Column: scan.offset, Problem: fmt.Sprintf("the condition has more than %d words and signs, or brackets more than %d deep", limits.Tokens, limits.Nesting)}
		}
		t, fault := scan.next()
		if fault != nil {
			return &Fault{Column: scan.offset, Problem: fault.Problem}
		}
		if t.text == "" {
			break
		}
		if t.kind != sign {
			continue
		}
		switch t.text {
		case "(", "[", "{":
			open = append(open, closing(t.text))
		case ")", "]", "}":
			if len(open) == 0 || open[len(open)-1] != t.text {
				return &Fault{Column: t.offset, Problem: "this " + t.text + " closes nothing; remove it"}
			}
			open = open[:len(open)-1]
		case ";", "@":
			return &Fault{Column: t.offset, Problem: "a condition has no " + t.text}
		}
	}
	if len(open) > 0 {
		return &Fault{Column: len(text), Problem: "the condition ends where a " + open[len(open)-1] + " is due"}
	}
	return nil
}

// comparisons writes a map of attributes and values.
func (s *short) comparisons(t *cedarText, n *yaml.Node) {
	if len(n.Content) == 0 {
		s.wrong(n, "the condition is empty; leave it out")
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		left, ok := s.attributePath(key)
		if !ok || seen[key.Value] {
			s.wrong(key, "expected an attribute such as resource.status, each once; write other conditions as text")
			return
		}
		seen[key.Value] = true
		if i > 0 {
			t.add(" &&\n")
		}
		s.guard(t, key, left)
		s.comparison(t, key, value)
	}
}

func (s *short) comparison(t *cedarText, key, value *yaml.Node) {
	if value.Kind == yaml.SequenceNode {
		t.from(value, "[")
		for i, item := range value.Content {
			if i > 0 {
				t.add(", ")
			}
			s.literal(t, item)
		}
		t.from(value, "].contains(")
		t.from(key, key.Value+")")
		return
	}
	if right, ok := s.attributePath(value); ok && value.Style == 0 {
		s.guard(t, value, right)
		t.from(key, key.Value+" == ")
		t.from(value, value.Value)
		return
	}
	t.from(key, key.Value+" == ")
	s.literal(t, value)
}

func (s *short) literal(t *cedarText, n *yaml.Node) {
	switch n.ShortTag() {
	case "!!str", "!!timestamp":
		t.from(n, quote(n.Value))
	case "!!int":
		v, err := strconv.ParseInt(n.Value, 10, 64)
		if err != nil {
			s.wrong(n, "a number is written with the digits 0 to 9 and fits into 64 bits")
		}
		t.from(n, strconv.FormatInt(v, 10))
	case "!!bool":
		v := strings.ToLower(n.Value)
		if v != "true" && v != "false" {
			s.wrong(n, "a truth value is written true or false")
		}
		t.from(n, v)
	default:
		s.wrong(n, "an attribute is compared with a text, a whole number, true, false, another attribute, or a list of them")
	}
}

// attributePath splits principal.department and the like.
func (s *short) attributePath(n *yaml.Node) ([]string, bool) {
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!str" {
		return nil, false
	}
	parts := strings.Split(n.Value, ".")
	switch parts[0] {
	case "principal", "resource", "context":
	default:
		return nil, false
	}
	for _, part := range parts[1:] {
		if !identifier(part) {
			return nil, false
		}
	}
	return parts, true
}

// guard writes "x has y && " where y may be missing, for then the comparison is false.
func (s *short) guard(t *cedarText, n *yaml.Node, path []string) {
	if len(path) < 2 || len(path) == 2 && !s.optional(path[0], path[1]) {
		return
	}
	t.from(n, path[0]+" has "+strings.Join(path[1:], ".")+" && ")
}

func (s *short) optional(root, name string) bool {
	d := s.c.d
	in := func(shape resolved.RecordType) bool { return shape[types.String(name)].Optional }
	if root == "principal" {
		return in(d.schema.Entities[userType].Shape)
	}
	for _, action := range s.actions {
		for _, uid := range d.members[actionUID(action.Value)] {
			a := d.schema.Actions[uid]
			if a.AppliesTo == nil {
				continue
			}
			if root == "context" && in(a.AppliesTo.Context) {
				return true
			}
			for _, r := range a.AppliesTo.Resources {
				if root == "resource" && in(d.schema.Entities[r].Shape) {
					return true
				}
			}
		}
	}
	return false
}
