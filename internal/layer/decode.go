package layer

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// reading is the decoding of one file.
type reading struct {
	*loader
	file string
	// lines holds where this file sets a key.
	lines map[string]int
}

func (r *reading) errorf(n *yaml.Node, format string, args ...any) error {
	return fmt.Errorf("%s: line %d: "+format, append([]any{r.file, n.Line}, args...)...)
}

// top looks for the root key in the top node of the file.
func (r *reading) top(n *yaml.Node) {
	if n.Tag == "!!null" {
		r.absent(r.file, "")
		return
	}
	if n.Kind != yaml.MappingNode {
		r.add(r.errorf(n, "must be a mapping with the key %s", r.Root))
		return
	}
	var first *yaml.Node
	for i := 0; i < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch {
		case key.Kind != yaml.ScalarNode || key.Value != r.Root:
		case first != nil:
			r.add(r.errorf(key, "key %s stands on line %d already", r.Root, first.Line))
		default:
			first = key
			r.node(value, r.root, r.root.key, r.value)
		}
	}
	if first == nil {
		r.absent(r.file, r.misspelled(n))
	}
}

func (l *loader) absent(file, hint string) {
	if l.Absent != nil {
		l.Absent(file, hint)
	}
}

// misspelled names the first key of the mapping that is Root nearly.
func (r *reading) misspelled(n *yaml.Node) string {
	for i := 0; i < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind != yaml.ScalarNode || !plain(key.Value) {
			continue
		}
		if hint := suggest("", strings.ToLower(key.Value), []string{r.Root}); hint != "" {
			return fmt.Sprintf("; line %d has %s%s", key.Line, key.Value, hint)
		}
	}
	return ""
}

// node decodes n into v, which f describes. key is f's path with the names of tables filled in.
func (r *reading) node(n *yaml.Node, f *field, key string, v reflect.Value) {
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		r.add(r.errorf(n, "%s: %s", key, noAlias))
	case n.Style&yaml.TaggedStyle != 0 && n.Tag != "!!str":
		r.add(r.errorf(n, "%s: tags (!name) are not supported; quote a value that begins with !", key))
	case n.Tag == "!!null": // not set
	case n.Kind != f.nodeKind():
		r.add(r.errorf(n, "%s %s", key, f.wants()))
	case f.form == section:
		r.section(n, f, key, v)
	case f.form == table:
		r.table(n, f, key, v)
	default:
		r.leaf(n, f, key, v)
	}
}

func (f *field) nodeKind() yaml.Kind {
	switch f.form {
	case section, table:
		return yaml.MappingNode
	case list:
		return yaml.SequenceNode
	default:
		return yaml.ScalarNode
	}
}

func (r *reading) section(n *yaml.Node, f *field, key string, v reflect.Value) {
	r.entries(n, key, func(name, value *yaml.Node) {
		sub := f.sub(name.Value)
		if sub == nil {
			r.add(r.errorf(name, "unknown key %s.%s%s", key, name.Value, suggest("", name.Value, names(f.subs))))
			return
		}
		r.node(value, sub, key+"."+sub.name, v.Field(sub.at))
	})
}

func names(fields []*field) []string {
	all := make([]string, len(fields))
	for i, f := range fields {
		all[i] = f.name
	}
	return all
}

// table merges n into the map v. A name with nothing below it stands for an empty entry.
func (r *reading) table(n *yaml.Node, f *field, key string, v reflect.Value) {
	merged := reflect.MakeMap(f.typ)
	for _, k := range v.MapKeys() {
		merged.SetMapIndex(k, v.MapIndex(k))
	}
	r.entries(n, key, func(name, value *yaml.Node) {
		k := reflect.ValueOf(name.Value).Convert(f.typ.Key())
		entry := reflect.New(f.elem.typ).Elem()
		if old := merged.MapIndex(k); old.IsValid() {
			entry.Set(old)
		}
		r.node(value, f.elem, key+"."+name.Value, entry)
		merged.SetMapIndex(k, entry)
	})
	v.Set(merged)
}

// entries calls do for each entry of a mapping whose key is sound and stands there once.
func (r *reading) entries(n *yaml.Node, key string, do func(name, value *yaml.Node)) {
	seen := map[string]int{}
	for i := 0; i < len(n.Content); i += 2 {
		name, value := n.Content[i], n.Content[i+1]
		switch {
		case name.Tag == "!!merge":
			r.add(r.errorf(name, "%s: merge keys (<<) are not supported", key))
		case name.Kind != yaml.ScalarNode || name.Anchor != "" || !plain(name.Value):
			r.add(r.errorf(name, "a key below %s is not a plain word; is the space after a colon missing?", key))
		case seen[name.Value] != 0:
			r.add(r.errorf(name, "key %s.%s stands on line %d already", key, name.Value, seen[name.Value]))
		default:
			seen[name.Value] = name.Line
			do(name, value)
		}
	}
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)

// plain reports whether a name may be shown: it is a word, not a value that slipped into a key's place.
func plain(name string) bool { return plainWord.MatchString(name) }
