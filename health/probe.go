package health

import (
	"context"
	"fmt"
	"time"
)

// Probe is how one row of the report is found. Its functions are called from
// several goroutines, and must return soon after their context is done.
type Probe struct {
	Name, Driver string
	// Read asks for something harmless. Either it or Write may be nil.
	Read func(context.Context) error
	// Write changes something harmless. It is called less often: see [Config.WriteEvery].
	Write func(context.Context) error
	// WritesWith, for a probe without Write, names the one that writes to the same store. When that did well since
	// a request failed to write, the failure counts no longer. Empty is none.
	WritesWith string
	// Class turns an error of Read or Write into one word. Defaults to "error" for all.
	Class func(error) string
	// Seen, which may be nil, returns what requests met with: the trouble of the last calls, and how many failed ever.
	Seen func() (Trouble, uint64)
}

// Trouble is what requests met with. Its zero value is none.
type Trouble struct {
	Class       string
	Since, Last time.Time
	Writes      bool
}

func (p Probe) class(err error) string {
	if p.Class == nil {
		return "error"
	}
	return p.Class(err)
}

// finding is the outcome of one call of a probe.
type finding struct {
	class  string
	writes bool
}

// ask calls f, and reports a panic of it as a failure.
func (p Probe) ask(ctx context.Context, f func(context.Context) error) (class string) {
	if f == nil {
		return ""
	}
	err := recovered(ctx, f)
	if err == nil {
		return ""
	}
	return p.class(err)
}

func recovered(ctx context.Context, f func(context.Context) error) (err error) {
	defer func() {
		if what := recover(); what != nil {
			err = fmt.Errorf("health: a panic of type %T was recovered", what)
		}
	}()
	return f(ctx)
}
