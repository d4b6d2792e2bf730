package authz

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
)

// mostFaults bounds what is reported at once: of a set in which all inherit each other there are more than anybody reads.
const mostFaults = 100

// checkInheritance reports every parent that is not in the set, and at least one path of
// every circle, joined, but no more than mostFaults. The order depends on the names alone.
func (s roleSet) checkInheritance() error {
	if len(s.faults(maps.Keys(s))) == 0 {
		return nil
	}
	return errors.Join(s.faults(slices.Values(slices.Sorted(maps.Keys(s))))...)
}

// faults are found in the order in which the roles are visited.
func (s roleSet) faults(names iter.Seq[string]) []error {
	w := walk{set: s, state: make(map[string]visit, len(s))}
	for name := range names {
		w.from(name)
	}
	return w.errs
}

type visit uint8

const (
	unseen visit = iota
	open         // on the trail
	done
)

// walk is a depth-first walk from heirs to parents.
type walk struct {
	set   roleSet
	state map[string]visit
	trail []string
	errs  []error
}

func (w *walk) from(name string) {
	if w.state[name] != unseen {
		return
	}
	w.state[name] = open
	w.trail = append(w.trail, name)
	for _, parent := range w.set[name].Inherits {
		w.step(name, parent)
	}
	w.trail = w.trail[:len(w.trail)-1]
	w.state[name] = done
}

func (w *walk) step(name, parent string) {
	if len(w.errs) == mostFaults {
		return
	}
	if _, defined := w.set[parent]; !defined {
		w.errs = append(w.errs, fmt.Errorf("%w: role %s inherits %s, which is defined nowhere", ErrUnknownRole, quote(name), quote(parent)))
		return
	}
	if w.state[parent] == open {
		circle := append(slices.Clone(w.trail[slices.Index(w.trail, parent):]), parent)
		w.errs = append(w.errs, fmt.Errorf("%w: role %s: %s", ErrRoleCycle, quote(parent), clip(strings.Join(circle, " -> "), longestRequired)))
		return
	}
	w.from(parent)
}
