package policy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// shortKeys are what a policy in the short form may have, each read by its function.
func shortKeys() map[string]func(*short, *yaml.Node) {
	return map[string]func(*short, *yaml.Node){
		"id":          func(s *short, n *yaml.Node) { s.id = s.scalar("id", n) },
		"description": func(s *short, n *yaml.Node) { s.description = s.scalar("description", n) },
		"allow":       func(s *short, n *yaml.Node) { s.effect("permit", n) },
		"deny":        func(s *short, n *yaml.Node) { s.effect("forbid", n) },
		"roles":       func(s *short, n *yaml.Node) { s.roles = s.list("roles", n) },
		"resource":    func(s *short, n *yaml.Node) { s.resource = s.scalar("resource", n) },
		"when":        func(s *short, n *yaml.Node) { s.when = n },
		"unless":      func(s *short, n *yaml.Node) { s.unless = n },
	}
}

// short is one policy in the short form.
type short struct {
	c      *compilation
	source string
	lines  []string
	node   *yaml.Node
	broken bool

	id, description, resource *yaml.Node
	word                      string
	actions, roles            []*yaml.Node
	when, unless              *yaml.Node
}

// short translates a YAML source into statements in Cedar, whose tokens have the lines of the YAML.
func (c *compilation) short(src Source) []*statement {
	items, fault := shortItems(src)
	if fault != nil {
		fault.Source = src.Name
		c.bad.add(fault)
		return nil
	}
	lines := strings.Split(string(src.Text), "\n")
	var done []*statement
	for _, item := range items {
		s := short{c: c, source: src.Name, lines: lines, node: item}
		if made := s.read(); made != nil {
			done = append(done, made)
		}
	}
	return done
}

func yamlLine() *regexp.Regexp { return regexp.MustCompile(`line (\d+): `) }

// shortItems returns the items below policies.
func shortItems(src Source) ([]*yaml.Node, *Fault) {
	if fault := checkText(string(src.Text)); fault != nil {
		return nil, fault
	}
	var doc, more yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(src.Text))
	err := decoder.Decode(&doc)
	switch {
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil:
		return nil, yamlFault(err)
	}
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		if err != nil {
			return nil, yamlFault(err)
		}
		return nil, nodeFault(&more, "a source has one document; remove the line ---")
	}
	if len(doc.Content) == 0 || doc.Content[0].Tag == "!!null" {
		return nil, nil
	}
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode || len(root.Content) == 0 {
		return nil, nodeFault(root, "expected policies: and a list below it")
	}
	for i := 0; i < len(root.Content); i += 2 {
		key := root.Content[i]
		if key.Value != "policies" {
			return nil, nodeFault(key, "unknown key %s%s", clip(key.Value), suggest(key.Value, slices.Values([]string{"policies"})))
		}
		if i > 0 {
			return nil, nodeFault(key, "policies is there twice")
		}
	}
	list := root.Content[1]
	if list.Tag == "!!null" {
		return nil, nil
	}
	if list.Kind != yaml.SequenceNode {
		return nil, nodeFault(list, "policies is a list; begin each policy with \"- id:\"")
	}
	return list.Content, nil
}

func yamlFault(err error) *Fault {
	f := &Fault{Problem: strings.TrimPrefix(err.Error(), "yaml: ")}
	if m := yamlLine().FindStringSubmatch(f.Problem); m != nil {
		f.Line, _ = strconv.Atoi(m[1])
		f.Column, f.Problem = 1, strings.Replace(f.Problem, m[0], "", 1)
	}
	return f
}

func nodeFault(n *yaml.Node, format string, args ...any) *Fault {
	return &Fault{Line: n.Line, Column: n.Column, Problem: fmt.Sprintf(format, args...)}
}

// wrong adds a fault at a node.
func (s *short) wrong(n *yaml.Node, format string, args ...any) {
	f := nodeFault(n, format, args...)
	f.Source, s.broken = s.source, true
	if s.id != nil {
		f.Policy = s.id.Value
	}
	s.c.bad.add(f)
}

// read returns the policy in Cedar, or nil after a fault.
func (s *short) read() *statement {
	if s.node.Kind != yaml.MappingNode {
		s.wrong(s.node, "a policy is a map: id, allow or deny, roles, resource, when, unless")
		return nil
	}
	s.keys()
	if s.broken {
		return nil
	}
	switch {
	case s.id == nil || s.id.Value == "":
		s.wrong(s.node, "the policy has no id; give it one")
	case s.word == "":
		s.wrong(s.node, "the policy says neither allow nor deny; name the actions after one of them")
	}
	if s.broken {
		return nil
	}
	return s.statement()
}

func (s *short) keys() {
	known, seen := shortKeys(), map[string]bool{}
	for i := 0; i+1 < len(s.node.Content); i += 2 {
		key, value := s.node.Content[i], s.node.Content[i+1]
		read := known[key.Value]
		switch {
		case key.Kind != yaml.ScalarNode || read == nil:
			s.wrong(key, "unknown key %s%s", clip(key.Value), suggest(key.Value, maps.Keys(known)))
		case seen[key.Value]:
			s.wrong(key, "%s is there twice", key.Value)
		case aliased(value, 0):
			s.wrong(value, "write the value itself; aliases, anchors, tags of your own and deep nesting are not read here")
		default:
			seen[key.Value] = true
			read(s, value)
		}
	}
}

// aliased reports whether a value is more than scalars, lists and maps a few levels deep.
func aliased(n *yaml.Node, depth int) bool {
	if n.Kind == yaml.AliasNode || n.Anchor != "" || depth > 4 || !strings.HasPrefix(n.ShortTag(), "!!") || n.ShortTag() == "!!merge" {
		return true
	}
	return slices.ContainsFunc(n.Content, func(c *yaml.Node) bool { return aliased(c, depth+1) })
}

func (s *short) scalar(key string, n *yaml.Node) *yaml.Node {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		s.wrong(n, "%s is a text", key)
	}
	return n
}

// list returns the texts of a list; one alone needs no list.
func (s *short) list(key string, n *yaml.Node) []*yaml.Node {
	items := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		items = n.Content
	}
	for _, item := range items {
		if item.Kind != yaml.ScalarNode || item.Tag == "!!null" || item.Value == "" {
			s.wrong(item, "%s is a list of names", key)
		}
	}
	if len(items) == 0 {
		s.wrong(n, "%s names nothing; leave it out or name some", key)
	}
	return items
}

func (s *short) effect(word string, n *yaml.Node) {
	if s.word != "" {
		s.wrong(n, "a policy says either allow or deny; make two of it")
		return
	}
	s.word, s.actions = word, s.list("a policy's actions", n)
	for _, a := range s.actions {
		if strings.Contains(a.Value, "*") {
			s.wrong(a, "a policy names its actions; patterns such as %s are for roles", clip(a.Value))
		}
	}
}
