package authztest

import (
	"fmt"
	"iter"
	"maps"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/authmodule/authmodule/internal/nearest"
)

// fields reads a map, each key by its function, and refuses keys that have none.
func (r *reader) fields(n *yaml.Node, what string, known map[string]func(*yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		r.wrong(n, "%s is a map", what)
		return
	}
	seen := map[string]bool{}
	for key, value := range pairs(n) {
		read := known[key.Value]
		switch {
		case key.Kind != yaml.ScalarNode || read == nil:
			r.wrong(key, "unknown key %s of %s%s", show(key.Value), what, r.hint(key.Value, maps.Keys(known)))
		case seen[key.Value]:
			r.wrong(key, "%s is there twice", key.Value)
		default:
			seen[key.Value] = true
			read(value)
		}
	}
}

// each calls read for each entry of a map of names.
func (r *reader) each(n *yaml.Node, what string, read func(name, value *yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		r.wrong(n, "%s is a map of names", what)
		return
	}
	seen := map[string]bool{}
	for key, value := range pairs(n) {
		switch {
		case key.Kind != yaml.ScalarNode || key.Value == "" || key.ShortTag() == "!!null":
			r.wrong(key, "a name in %s is a text", what)
		case seen[key.Value]:
			r.wrong(key, "%s is there twice in %s", show(key.Value), what)
		default:
			seen[key.Value] = true
			read(key, value)
		}
	}
}

// hint is [nearest.Hint] until there are as many faults as are shown.
func (r *reader) hint(got string, names iter.Seq[string]) string {
	if len(r.faults) >= mostFaults {
		return ""
	}
	return nearest.Hint(got, names)
}

func pairs(n *yaml.Node) func(func(key, value *yaml.Node) bool) {
	return func(yield func(key, value *yaml.Node) bool) {
		for i := 0; i+1 < len(n.Content); i += 2 {
			if !yield(n.Content[i], n.Content[i+1]) {
				return
			}
		}
	}
}

// text returns a scalar that is not empty, or "" after a fault.
func (r *reader) text(n *yaml.Node, what string) string {
	if n.Kind != yaml.ScalarNode || n.ShortTag() == "!!null" || n.Value == "" {
		r.wrong(n, "%s is a text", what)
		return ""
	}
	return n.Value
}

// texts returns a list of texts; one alone needs no list.
func (r *reader) texts(n *yaml.Node, what string) []string {
	items := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		items = n.Content
	}
	all := make([]string, 0, len(items))
	for _, item := range items {
		all = append(all, r.text(item, "each of "+what))
	}
	return all
}

func (r *reader) list(n *yaml.Node, what string) []*yaml.Node {
	if n.Kind != yaml.SequenceNode {
		r.wrong(n, "%s is a list", what)
		return nil
	}
	return n.Content
}

func (r *reader) time(n *yaml.Node, what string) time.Time {
	t, err := time.Parse(time.RFC3339, n.Value)
	if n.Kind != yaml.ScalarNode || err != nil || t.IsZero() {
		r.wrong(n, "%s is a time such as 2026-01-31T12:00:00Z", what)
	}
	return t
}

const longestShown = 80

// show quotes a text from the table that is long or not printable.
func show(s string) string {
	if len(s) > longestShown {
		s = strings.ToValidUTF8(s[:longestShown], "") + "..."
	}
	if quoted := fmt.Sprintf("%q", s); quoted != `"`+s+`"` {
		return quoted
	}
	return s
}
