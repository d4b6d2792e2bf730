package layer

import (
	"errors"
	"os"
	"reflect"
)

// Options says where values are read from.
type Options struct {
	// Root is the top-level key of a file below which the values stand. Other top-level keys are not looked at.
	Root string
	// Prefix begins every variable. Empty reads no variables.
	Prefix string
	// Files are read in order, each over the one before. Each must exist.
	Files []string
	// Absent is told of each of Files without Root, and of a key there that is nearly the same, as a
	// hint to follow another text, such as "; line 1 has atuh; did you mean auth?". It may be nil.
	Absent func(file, hint string)
	// Exclusive are pairs of keys below Root that set one value: both in one layer is an error, across layers the later
	// one clears the other.
	Exclusive [][2]string
	// Lookup finds the variables that ${NAME} in files refers to. Defaults to os.LookupEnv. Keys' own variables
	// always come from the environment.
	Lookup func(name string) (string, bool)
}

// Load reads the layers over what into, a pointer to a struct, holds already. After an error into is
// partly written and must not be used. The error joins every problem found.
func Load(into any, o Options) error {
	v, root, err := inspect(into, o.Root)
	if err != nil {
		return err
	}
	if o.Lookup == nil {
		o.Lookup = os.LookupEnv
	}
	l := &loader{Options: o, root: root, value: v}
	for _, file := range o.Files {
		l.file(file)
	}
	if o.Prefix != "" {
		l.variables()
	}
	return l.result()
}

// loader carries what outlives one layer.
type loader struct {
	Options
	root  *field
	value reflect.Value
	errs  []error
	// unset are references to variables that are not set. They become errors unless a later layer sets the key.
	unset []unsetReference
}

type unsetReference struct {
	key string
	err error
}

func (l *loader) add(err error) { l.errs = append(l.errs, err) }

// forget drops the unset references of a key that a later layer sets.
func (l *loader) forget(key string) {
	kept := l.unset[:0]
	for _, u := range l.unset {
		if u.key != key {
			kept = append(kept, u)
		}
	}
	l.unset = kept
}

func (l *loader) result() error {
	errs := l.errs
	for _, u := range l.unset {
		errs = append(errs, u.err)
	}
	return errors.Join(errs...)
}

// settle applies Exclusive at the end of a layer, which has set the keys for which has is true.
func (l *loader) settle(has func(key string) bool, both func(a, b string) error) {
	for _, pair := range l.Exclusive {
		a, b := l.Root+"."+pair[0], l.Root+"."+pair[1]
		switch {
		case has(a) && has(b):
			l.add(both(a, b))
		case has(a):
			l.clear(b)
		case has(b):
			l.clear(a)
		}
	}
}

func (l *loader) clear(key string) {
	l.forget(key)
	l.root.each(l.value, func(f *field, v reflect.Value) {
		if f.key == key {
			v.SetZero()
		}
	})
}
