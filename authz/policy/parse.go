package policy

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	cedar "github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
)

// parsed is a statement that Cedar's parser has read.
type parsed struct {
	*statement
	ast *ast.Policy
	// cedar is the statement as it was written, before anything is left out of it.
	cedar *cedar.Policy
}

// parse reads a statement, and gives it its ID.
func parse(s *statement, bad *faults) *parsed {
	if fault := s.structure(); fault != nil {
		bad.add(fault)
		return nil
	}
	list, err := cedar.NewPolicyListFromBytes(s.source, []byte(s.text))
	if err != nil {
		bad.add(s.locate(err))
		return nil
	}
	if len(list) != 1 || len(list[0].AST().Conditions) != len(s.conditions) { // Cedar reads it in another way than the scanner
		bad.add(s.at(s.head(), "the policy is not one policy; write each with its own permit or forbid and a ; at its end"))
		return nil
	}
	p := list[0]
	tree := (*ast.Policy)(p.AST())
	if s.id == "" {
		for _, a := range tree.Annotations {
			if a.Key == "id" {
				s.id = string(a.Value)
			}
		}
	}
	if s.id == "" {
		s.id = s.source + ":" + strconv.Itoa(s.tokens[s.head()].line) + ":" + strconv.Itoa(s.tokens[s.head()].column)
	}
	if len(s.id) > 256 || strings.ContainsFunc(s.id, func(r rune) bool { return r < ' ' }) {
		bad.add(s.at(0, "an @id has 1 to 256 characters, all of them printable"))
		return nil
	}
	return &parsed{statement: s, ast: tree, cedar: p}
}

// structure refuses what Cedar's parser explains badly.
func (s *statement) structure() *Fault {
	i := 0
	for i < len(s.tokens) && s.tokens[i].text == "@" && s.tokens[i].kind == sign {
		if i += 2; i < len(s.tokens) && s.tokens[i].text == "(" {
			i += 3
		}
	}
	if i >= len(s.tokens) {
		return s.at(i, "a policy begins with permit or forbid")
	}
	if name := s.tokens[i].text; name != "permit" && name != "forbid" {
		return s.at(i, "a policy begins with permit or forbid, not %s%s", clip(name), suggest(name, slices.Values([]string{"permit", "forbid"})))
	}
	return nil
}

// parserAt finds the place in an error of Cedar's parsers.
func parserAt() *regexp.Regexp { return regexp.MustCompile(`(\d+):(\d+)`) }

func parserPlace(err error) (line, column int, problem string) {
	problem = strings.TrimPrefix(err.Error(), "parser error: ")
	at := parserAt().FindStringSubmatchIndex(problem)
	if at == nil {
		return 0, 0, problem
	}
	line, _ = strconv.Atoi(problem[at[2]:at[3]])
	column, _ = strconv.Atoi(problem[at[4]:at[5]])
	return line, column, strings.TrimLeft(problem[at[1]:], ": ")
}

// parserFault is a fault of a schema.
func parserFault(source string, err error) *Fault {
	line, column, problem := parserPlace(err)
	return &Fault{Source: source, Line: line, Column: column, Problem: problem}
}

// locate turns an error of Cedar's parser, whose lines count from the statement, into a fault.
func (s *statement) locate(err error) *Fault {
	line, column, problem := parserPlace(err)
	i := s.head()
	if line > 0 {
		i = s.tokenAt(line, column)
	}
	if quoted, err := strconv.QuotedPrefix(problem); err == nil { // the token after the one that is wrong
		problem = strings.TrimLeft(problem[len(quoted):], ": ")
	}
	if strings.HasPrefix(problem, "invalid primary") {
		i = max(0, i-1)
		return s.at(i, "expected a value, found %s; a condition is made of principal, action, resource, context, texts in \", numbers, true, false and Type::\"id\"", clip(s.tokens[i].text))
	}
	got, want, found := strings.Cut(strings.TrimPrefix(problem, "exact got "), " want ")
	if !found || !strings.HasPrefix(problem, "exact got ") {
		for j := i; j >= max(0, i-3); j-- { // a name that the message quotes is where it stands
			if strings.Contains(problem, "`"+s.tokens[j].text+"`") || strings.Contains(problem, ": "+s.tokens[j].text) {
				i = j
			}
		}
		return s.at(i, "%s", problem)
	}
	for i > 0 && s.tokens[i].text != got {
		i--
	}
	return s.at(i, "expected %s, found %s%s", want, clip(got), suggest(got, slices.Values([]string{want})))
}

// tokenAt returns the index of the token at a place that counts from the statement's own text.
func (s *statement) tokenAt(line, column int) int {
	fault, own := 0, newScanner(s.text)
	for i := range s.tokens {
		t, _ := own.next()
		if t.line > line || t.line == line && t.column > column {
			break
		}
		fault = i
	}
	return fault
}
