package layer

import (
	"encoding"
	"fmt"
	"reflect"
	"strings"
)

// form is how a field is written.
type form uint8

const (
	section  form = iota // a struct: a mapping of known keys
	table                // a map of structs, texts or lists: a mapping of free names
	list                 // a slice of a kind of string: a list of texts
	text                 // a type with UnmarshalText: a single value
	word                 // a kind of string: a single value
	switched             // a bool: true or false
)

// field is one key of the configuration and what stands below it.
type field struct {
	key  string // full path, such as auth.jwt.secret_key
	name string // last part of key
	form form
	typ  reflect.Type
	at   int      // index in the struct around it
	subs []*field // of a section
	elem *field   // of a table: its values
}

// inspect returns what into points to and the tree of its fields, rooted at key.
func inspect(into any, key string) (reflect.Value, *field, error) {
	p := reflect.ValueOf(into)
	if p.Kind() != reflect.Pointer || p.IsNil() || p.Elem().Kind() != reflect.Struct {
		return reflect.Value{}, nil, fmt.Errorf("layer: %T is not a pointer to a struct", into)
	}
	f, err := fieldOf(p.Elem().Type(), key, key)
	return p.Elem(), f, err
}

func fieldOf(t reflect.Type, key, name string) (*field, error) {
	f := &field{key: key, name: name, typ: t}
	switch {
	case reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()):
		f.form = text
	case t.Kind() == reflect.String:
		f.form = word
	case t.Kind() == reflect.Bool:
		f.form = switched
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.String:
		f.form = list
	case t.Kind() == reflect.Struct:
		f.form = section
		return f, f.inspectStruct()
	case t.Kind() == reflect.Map && t.Key().Kind() == reflect.String && entry(t.Elem()):
		f.form = table
		var err error
		f.elem, err = fieldOf(t.Elem(), key+".<name>", "<name>")
		return f, err
	default:
		return nil, fmt.Errorf("layer: %s has the unsupported type %s", key, t)
	}
	return f, nil
}

// entry reports whether a table may have values of the type.
func entry(t reflect.Type) bool {
	return t.Kind() == reflect.Struct || t.Kind() == reflect.String || t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.String
}

func (f *field) inspectStruct() error {
	for i := range f.typ.NumField() {
		sf := f.typ.Field(i)
		name, _, _ := strings.Cut(sf.Tag.Get("yaml"), ",")
		if !sf.IsExported() || name == "-" {
			continue
		}
		if name == "" {
			return fmt.Errorf("layer: %s: field %s has no yaml tag", f.key, sf.Name)
		}
		sub, err := fieldOf(sf.Type, f.key+"."+name, name)
		if err != nil {
			return err
		}
		sub.at = i
		f.subs = append(f.subs, sub)
	}
	return nil
}

func (f *field) sub(name string) *field {
	for _, s := range f.subs {
		if s.name == name {
			return s
		}
	}
	return nil
}

// each calls do for every field below f but the sections, with its value in v.
func (f *field) each(v reflect.Value, do func(*field, reflect.Value)) {
	if f.form != section {
		do(f, v)
		return
	}
	for _, s := range f.subs {
		s.each(v.Field(s.at), do)
	}
}

// wants is the form in words.
func (f *field) wants() string {
	switch f.form {
	case section, table:
		return "must be a mapping of keys to values"
	case list:
		return "must be a list, such as [a, b]"
	case switched:
		return "must be true or false"
	default:
		return "must be a single value"
	}
}
