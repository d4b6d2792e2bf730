package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Fault is one thing that is wrong in a text, and where. [Compile] joins them all: use [Faults] to get them from its error.
type Fault struct {
	// Source is the [Source].Name, or empty when the fault is in the [Vocabulary]'s Go values.
	Source string
	// Line and Column start at 1; they are 0 when the fault is of the whole source.
	Line, Column int
	// Policy is the policy's ID, when it is known.
	Policy string
	// Problem says what is wrong and how to put it right.
	Problem string
}

// Error returns "name:line:column: policy id: problem".
func (f *Fault) Error() string {
	var b strings.Builder
	b.WriteString(f.Source)
	if f.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", f.Line, f.Column)
	}
	if b.Len() > 0 {
		b.WriteString(": ")
	}
	if f.Policy != "" && !strings.HasPrefix(f.Policy, f.Source+":") { // an ID that says no more than the place is left out
		fmt.Fprintf(&b, "policy %s: ", clip(f.Policy))
	}
	return b.String() + f.Problem
}

// Faults returns the faults that err is made of, in the order of the sources.
func Faults(err error) []*Fault {
	var one *Fault
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []*Fault
		for _, e := range joined.Unwrap() {
			all = append(all, Faults(e)...)
		}
		return all
	}
	if errors.As(err, &one) {
		return []*Fault{one}
	}
	return nil
}

// faults collects what is wrong. A hostile text cannot make it long.
type faults struct{ all []error }

const mostFaults = 100

func (f *faults) add(fault *Fault) {
	if len(f.all) == mostFaults {
		f.all = append(f.all, &Fault{Problem: "there are more faults than are shown"})
	}
	if len(f.all) > mostFaults || slices.ContainsFunc(f.all, func(e error) bool { return e.Error() == fault.Error() }) {
		return
	}
	f.all = append(f.all, fault)
}

func (f *faults) err() error { return errors.Join(f.all...) }

const longestShown = 120

// clip shortens a text from outside for a message, and shows nothing that is not printable.
func clip(s string) string {
	cut := s
	if len(cut) > longestShown {
		cut = strings.ToValidUTF8(cut[:longestShown], "") + "..."
	}
	quoted := fmt.Sprintf("%q", cut)
	if inner := quoted[1 : len(quoted)-1]; inner != strings.ReplaceAll(cut, `"`, `\"`) {
		return inner
	}
	return cut
}
