package layer

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/kelseyhightower/envconfig"
)

// Variable returns the environment variable of a key: prefix and the parts of the key below its root, upper-case and
// joined by two underscores.
func Variable(prefix, key string) string {
	_, path, _ := strings.Cut(key, ".")
	return prefix + "__" + strings.ToUpper(strings.ReplaceAll(path, ".", "__"))
}

// variables reads the environment as one layer.
func (l *loader) variables() {
	set := map[string]bool{}
	known := map[string]*field{}
	l.root.each(l.value, func(f *field, v reflect.Value) {
		name := Variable(l.Prefix, f.key)
		known[name] = f
		if os.Getenv(name) == "" || f.form == table {
			return
		}
		set[f.key] = true
		l.forget(f.key)
		if err := f.setFromVariable(v, name); err != nil {
			l.add(err)
		}
	})
	l.unknownVariables(known)
	l.settle(
		func(key string) bool { return set[key] },
		func(a, b string) error {
			return fmt.Errorf("%s and %s set the same value; keep one of them", Variable(l.Prefix, a), Variable(l.Prefix, b))
		})
}

// setFromVariable parses the named variable, which is set and not empty, into v. It hands envconfig a struct with this
// one field and the full name: so there is no other name to fall back to, no default, and no derived name.
func (f *field) setFromVariable(v reflect.Value, name string) error {
	if value := os.Getenv(name); f.form == switched && value != "true" && value != "false" {
		return fmt.Errorf("%s %w", name, errNotBool)
	}
	typ := f.typ
	if f.form == list {
		typ = reflect.TypeFor[[]string]()
	}
	spec := reflect.New(reflect.StructOf([]reflect.StructField{{
		Name: "Value", Type: typ, Tag: reflect.StructTag(`envconfig:"` + name + `"`),
	}}))
	if err := envconfig.Process("", spec.Interface()); err != nil {
		return fmt.Errorf("%s %w", name, withoutValue(err))
	}
	read := spec.Elem().Field(0)
	if f.form == list {
		read = listOf(f.typ, trimmed(read.Interface().([]string)))
	}
	v.Set(read)
	return nil
}

// withoutValue returns the reason in an error of envconfig, whose own text shows the value.
func withoutValue(err error) error {
	if pe := (*envconfig.ParseError)(nil); errors.As(err, &pe) {
		return pe.Err
	}
	return errors.New("cannot be read")
}

// trimmed returns the items without the space around them, and without those that are empty then.
func trimmed(items []string) []string {
	kept := make([]string, 0, len(items))
	for _, item := range items {
		if item = strings.TrimSpace(item); item != "" {
			kept = append(kept, item)
		}
	}
	return kept
}

// unknownVariables reports what begins with the prefix and is no key's variable. An empty one counts as not set.
func (l *loader) unknownVariables(known map[string]*field) {
	prefix := l.Prefix + "__"
	var paths []string
	for name, f := range known {
		if f.form != table {
			paths = append(paths, strings.TrimPrefix(name, prefix))
		}
	}
	slices.Sort(paths)
	environ := os.Environ()
	slices.Sort(environ)
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if f := known[name]; value == "" || !strings.HasPrefix(name, prefix) || f != nil && f.form != table {
			continue
		}
		if f := tableOf(name, known); f != nil {
			l.add(fmt.Errorf("unknown variable %s: %s is set in files only", shown(name), f.key))
			continue
		}
		l.add(fmt.Errorf("unknown variable %s%s", shown(name), suggest(prefix, strings.TrimPrefix(name, prefix), paths)))
	}
}

// tableOf returns the table that a variable tries to set, if any.
func tableOf(name string, known map[string]*field) *field {
	for other, f := range known {
		if f.form == table && (name == other || strings.HasPrefix(name, other+"__")) {
			return f
		}
	}
	return nil
}

// shown is a variable's name, in quotes when it is no plain word.
func shown(name string) string {
	if plain(name) {
		return name
	}
	return strconv.Quote(name)
}
