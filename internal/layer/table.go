package layer

import (
	"fmt"
	"reflect"
	"strings"
)

// Key is one key of a configuration: a row of its reference.
type Key struct {
	// Name is the full path. A free name in it is written <name>.
	Name string
	// Variable is the environment variable, or empty when the key is set in files only.
	Variable string
	// Value is what the struct holds, as it would be written in a variable.
	Value string
}

// Keys returns every key of the struct that from points to, in the order of its fields.
func Keys(from any, root, prefix string) ([]Key, error) {
	v, f, err := inspect(from, root)
	if err != nil {
		return nil, err
	}
	var keys []Key
	f.each(v, func(f *field, v reflect.Value) {
		if f.form == table {
			keys = append(keys, f.tableKeys()...)
			return
		}
		keys = append(keys, Key{Name: f.key, Variable: Variable(prefix, f.key), Value: f.show(v)})
	})
	return keys, nil
}

// tableKeys returns the keys of one entry of a table.
func (f *field) tableKeys() []Key {
	var keys []Key
	f.elem.each(reflect.New(f.elem.typ).Elem(), func(f *field, v reflect.Value) {
		if f.form == table {
			keys = append(keys, f.tableKeys()...)
			return
		}
		keys = append(keys, Key{Name: f.key, Value: f.show(v)})
	})
	return keys
}

func (f *field) show(v reflect.Value) string {
	if f.form == list {
		var items []string
		for i := range v.Len() {
			items = append(items, fmt.Sprint(v.Index(i).Interface())) // a secret shows none
		}
		return strings.Join(items, ", ")
	}
	return fmt.Sprint(v.Interface())
}
