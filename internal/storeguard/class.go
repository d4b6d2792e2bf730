package storeguard

import (
	"errors"
	"fmt"
)

// Class says in one word why a store could not answer. It holds no secret.
type Class string

// The classes.
const (
	// Timeout: the store did not answer within the deadline.
	Timeout Class = "timeout"
	// Panic: the store panicked.
	Panic Class = "panic"
	// Stuck: too many calls that were given up are still running; the store was not asked.
	Stuck Class = "stuck"
	// ReadOnly: the store takes no writes.
	ReadOnly Class = "read_only"
	// Full: the store has no room.
	Full Class = "full"
	// Locked: somebody else holds the store.
	Locked Class = "locked"
	// Failed is every other error.
	Failed Class = "error"
)

// Error is the failure of one call of a store. It is no answer about what was asked.
type Error struct {
	Port, Op string
	Class    Class
	Err      error
}

// Error names the port and the call.
func (e *Error) Error() string { return fmt.Sprintf("store of %s: %s: %v", e.Port, e.Op, e.Err) }

// Unwrap returns the store's own error.
func (e *Error) Unwrap() error { return e.Err }

// Timeout reports whether the store had its time and did not answer, as errors of the net package do.
func (e *Error) Timeout() bool { return e.Class == Timeout }

var (
	errTimeout = errors.New("no answer within the deadline")
	errStuck   = errors.New("too many calls that were given up are still running")
)

// ClassOf returns the class of a store's error.
func ClassOf(err error) Class {
	var e *Error
	if errors.As(err, &e) {
		return e.Class
	}
	return classOfDriver(err)
}

// classOfDriver knows the codes of modernc.org/sqlite, the states of PostgreSQL, and the errors of who waited as long as
// they might: a driver that has the deadline too may notice it before its context does.
func classOfDriver(err error) Class {
	var lite interface{ Code() int }
	if errors.As(err, &lite) {
		const primary = 0xff
		return orFailed(map[int]Class{5: Locked, 6: Locked, 8: ReadOnly, 13: Full}[lite.Code()&primary])
	}
	var state interface{ SQLState() string }
	if errors.As(err, &state) {
		return orFailed(map[string]Class{"25006": ReadOnly, "53100": Full, "55P03": Locked, "57014": Timeout}[state.SQLState()])
	}
	var waited interface{ Timeout() bool }
	if errors.As(err, &waited) && waited.Timeout() {
		return Timeout
	}
	var full interface{ StoreFull() bool }
	if errors.As(err, &full) && full.StoreFull() {
		return Full
	}
	return Failed
}

func orFailed(c Class) Class {
	if c == "" {
		return Failed
	}
	return c
}
