package authztest

import (
	"strconv"

	"go.yaml.in/yaml/v3"

	"github.com/authmodule/authmodule/authz"
)

// attributes reads values by name. A number with a fraction, a time and the like stay texts, which policies read as what
// they are declared as.
func (r *reader) attributes(n *yaml.Node) authz.Attributes {
	all := authz.Attributes{}
	r.each(n, "attributes", func(name, value *yaml.Node) { all[name.Value] = r.value(value) })
	return all
}

func (r *reader) value(n *yaml.Node) any {
	switch n.Kind {
	case yaml.SequenceNode:
		all := make([]any, len(n.Content))
		for i, item := range n.Content {
			all[i] = r.value(item)
		}
		return all
	case yaml.MappingNode:
		all := map[string]any{}
		r.each(n, "a record", func(name, value *yaml.Node) { all[name.Value] = r.value(value) })
		return all
	}
	return r.scalar(n)
}

func (r *reader) scalar(n *yaml.Node) any {
	switch n.ShortTag() {
	case "!!null":
		r.wrong(n, "an attribute without a value; leave the attribute out")
	case "!!bool":
		var b bool
		if err := n.Decode(&b); err != nil {
			r.wrong(n, "write true or false")
		}
		return b
	case "!!int":
		i, err := strconv.ParseInt(n.Value, 10, 64)
		if err != nil {
			r.wrong(n, "a number is one of 64 bits, in decimal digits; put a text into quotes")
		}
		return i
	}
	return n.Value
}
