package slot

import (
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"runtime"
	"sync/atomic"

	"go.uber.org/fx"
)

const (
	tag      = `group:"authmodule"`
	marksTag = `group:"authmodule.marks"`
)

// Mark says which option was used, and where.
type Mark struct {
	// Name is the option's name after Use or Add, such as UserStore.
	Name string
	// Single options may be used once.
	Single bool
	// Module is the Module() of an opt-in package, whose name it has.
	Module bool
	// Where is the file and line of the call.
	Where string
}

// String returns the option as it is written, with its place.
func (m Mark) String() string {
	return fmt.Sprintf("%s (%s)", m.option(), m.Where)
}

func (m Mark) option() string {
	switch {
	case m.Module:
		return m.Name
	case m.Single:
		return "authmodule.Use" + m.Name
	}
	return "authmodule.Add" + m.Name
}

// Member is what an option puts into the graph.
type Member[T any] struct {
	Value T
	Mark  Mark
}

// Members receives all members of one type.
type Members[T any] struct {
	fx.In
	List []Member[T] `group:"authmodule"`
}

// Marks receives all marks.
type Marks struct {
	fx.In
	List []Mark `group:"authmodule.marks"`
}

// Use fills a slot that takes at most one T. The constructor may take anything
// from the graph and returns a type that is or implements T, and optionally an
// error. skip is the number of callers between Use and the application's line.
func Use[T any](name string, constructor any, skip int) fx.Option {
	return option[T](Mark{Name: name, Single: true, Where: where(skip)}, constructor)
}

// Add adds one T to a slot that takes many.
func Add[T any](name string, constructor any, skip int) fx.Option {
	return option[T](Mark{Name: name, Where: where(skip)}, constructor)
}

// Module is [Use] for the Module function of an opt-in package; name is the
// package's and the function's, such as redisstore.Module.
func Module[T any](name string, constructor any, skip int) fx.Option {
	return option[T](Mark{Name: name, Single: true, Module: true, Where: where(skip)}, constructor)
}

// option provides the constructor itself, under a name of its own, so that
// fx names the application's function and line when a dependency is missing
// or it fails; and a member made of its result.
func option[T any](mark Mark, constructor any) fx.Option {
	if err := check[T](mark, constructor); err != nil {
		return fx.Error(err)
	}
	name := fmt.Sprintf("authmodule %d", serial.Add(1))
	return fx.Provide(
		fx.Annotated{Name: name, Target: constructor},
		fx.Annotate(memberOf[T](mark, reflect.TypeOf(constructor).Out(0)), fx.ParamTags(`name:"`+name+`"`), fx.ResultTags(tag)),
		fx.Annotate(func() Mark { return mark }, fx.ResultTags(marksTag)),
	)
}

// serial keeps the names of constructors apart.
var serial atomic.Uint64

var errorType = reflect.TypeFor[error]()

func check[T any](mark Mark, constructor any) error {
	have, want := reflect.TypeOf(constructor), reflect.TypeFor[T]()
	if have == nil || have.Kind() != reflect.Func || reflect.ValueOf(constructor).IsNil() {
		return fmt.Errorf("%s: the argument must be a constructor, a function that returns %s; it is %T", mark, want, constructor)
	}
	outs := have.NumOut()
	fits := outs >= 1 && outs <= 2 && have.Out(0).AssignableTo(want) && (outs == 1 || have.Out(1) == errorType)
	if !fits {
		return fmt.Errorf("%s: the constructor must return %s, optionally with an error; it is %s", mark, want, have)
	}
	return nil
}

// memberOf returns a func(X) (Member[T], error).
func memberOf[T any](mark Mark, result reflect.Type) any {
	shape := reflect.FuncOf([]reflect.Type{result}, []reflect.Type{reflect.TypeFor[Member[T]](), errorType}, false)
	return reflect.MakeFunc(shape, func(args []reflect.Value) []reflect.Value {
		if isNil(args[0]) {
			err := fmt.Errorf("%s: the constructor returned nil", mark)
			return []reflect.Value{reflect.ValueOf(Member[T]{}), reflect.ValueOf(&err).Elem()}
		}
		member := Member[T]{Value: args[0].Interface().(T), Mark: mark}
		return []reflect.Value{reflect.ValueOf(member), reflect.Zero(errorType)}
	}).Interface()
}

func isNil(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Interface:
		return v.IsNil() || isNil(v.Elem())
	case reflect.Pointer, reflect.Map, reflect.Func, reflect.Slice, reflect.Chan:
		return v.IsNil()
	default:
		return false
	}
}

func where(skip int) string {
	_, file, line, ok := runtime.Caller(skip + 2)
	if !ok {
		return "unknown place"
	}
	return fmt.Sprintf("%s:%d", filepath.Join(filepath.Base(filepath.Dir(file)), filepath.Base(file)), line)
}

// Checked is in the graph when the marks were found good. Everything that
// consumes a slot depends on it, so that nothing is built before.
type Checked struct{}

// Check looks at all marks, given the names that are consumed.
func Check(marks []Mark, consumed map[string]bool) (Checked, error) {
	var errs []error
	first := map[string]Mark{}
	for _, mark := range marks {
		if !consumed[mark.Name] {
			errs = append(errs, fmt.Errorf("%s: nothing consumes it with this configuration", mark))
		}
		if earlier, twice := first[mark.Name]; twice && mark.Single {
			errs = append(errs, fmt.Errorf("%s is used twice: %s and %s; keep one", mark.option(), earlier.Where, mark.Where))
		}
		first[mark.Name] = mark
	}
	return Checked{}, errors.Join(errs...)
}

// Or returns the one member's value, or the fallback's.
func Or[T any](members []Member[T], fallback func() (T, error)) (T, error) {
	if len(members) > 0 {
		return members[0].Value, nil
	}
	return fallback()
}

// Values returns the members' values, in no particular order.
func Values[T any](members []Member[T]) []T {
	out := make([]T, 0, len(members))
	for _, m := range members {
		out = append(out, m.Value)
	}
	return out
}
