package layer

import (
	"encoding"
	"errors"
	"reflect"

	"go.yaml.in/yaml/v3"
)

var (
	errNotBool   = errors.New("must be true or false")
	errNotSingle = errors.New("must be a list of single values")
)

func (r *reading) leaf(n *yaml.Node, f *field, key string, v reflect.Value) {
	if f.form == list {
		r.list(n, key, v)
		return
	}
	value, unset, err := r.expanded(n, key)
	if err == nil && len(unset) == 0 && n.Style == 0 && isNull(value) {
		return // a plain ${NAME} may stand for nothing
	}
	r.mark(n, key, unset)
	if err == nil && len(unset) == 0 {
		err = f.set(v, value)
	}
	if err != nil {
		r.add(r.errorf(n, "%s %w", key, err))
	}
}

// isNull says whether a plain scalar means "nothing" (YAML 1.2, core schema).
func isNull(s string) bool {
	return s == "" || s == "~" || s == "null" || s == "Null" || s == "NULL"
}

func (r *reading) list(n *yaml.Node, key string, v reflect.Value) {
	items := make([]string, 0, len(n.Content))
	var unset []error
	for _, item := range n.Content {
		if item.Kind != yaml.ScalarNode || item.Tag == "!!null" || item.Anchor != "" || item.Style&yaml.TaggedStyle != 0 {
			r.add(r.errorf(item, "%s %w", key, errNotSingle))
			continue
		}
		value, missing, err := r.expanded(item, key)
		if err != nil {
			r.add(r.errorf(item, "%s %w", key, err))
		}
		unset = append(unset, missing...)
		items = append(items, value)
	}
	r.mark(n, key, unset)
	v.Set(listOf(v.Type(), items))
}

// listOf makes a list of the type, such as one of secrets.
func listOf(t reflect.Type, items []string) reflect.Value {
	made := reflect.MakeSlice(t, len(items), len(items))
	for i, item := range items {
		made.Index(i).SetString(item)
	}
	return made
}

// mark notes that this layer sets key, and what is missing for it.
func (r *reading) mark(n *yaml.Node, key string, unset []error) {
	r.lines[key] = n.Line
	r.forget(key)
	for _, err := range unset {
		r.unset = append(r.unset, unsetReference{key, err})
	}
}

// set parses value into v, which has f's type.
func (f *field) set(v reflect.Value, value string) error {
	switch f.form {
	case text:
		fresh := reflect.New(f.typ)
		if err := fresh.Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(value)); err != nil {
			return err
		}
		v.Set(fresh.Elem())
	case switched:
		if value != "true" && value != "false" {
			return errNotBool
		}
		v.SetBool(value == "true")
	default:
		v.SetString(value)
	}
	return nil
}
