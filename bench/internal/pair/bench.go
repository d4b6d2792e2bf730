package pair

import "errors"

// Case is a bench that is built when its turn comes, so that no case's memory weighs on another.
type Case struct {
	// Name is short, lower-case, and unique: it selects the case.
	Name string
	// What says in one sentence what is compared.
	What string
	// Open builds the sides. The work is ready to be measured when it returns. [ErrAbsent] leaves the case out.
	Open func() (*Bench, error)
}

// Bench is a set of sides and what is claimed of them.
type Bench struct {
	Sides  []Side
	Claims []Claim
	// Close may be nil.
	Close func() error
}

// Shut calls Close, if there is one.
func (b *Bench) Shut() error {
	if b.Close == nil {
		return nil
	}
	return b.Close()
}

// Side is one way of doing the work. It has either Do or Sample.
type Side struct {
	Name string
	// Do does n operations, and returns the first error.
	Do func(n int) error
	// Sample measures one round by itself.
	Sample func() (Values, error)
	// Check does the work once and returns an error unless the good request is
	// accepted and each bad one is refused.
	Check func() error
}

// Values are one side's figures of one round.
type Values map[Metric]float64

// Round has the figures of one round by the sides' names.
type Round map[string]Values

// ErrChecks is found in the error of a side that accepted what is bad, or refused what is good.
var ErrChecks = errors.New("pair: a side does not do the work")

// ErrAbsent is found in what Open returns where the machine has not what the case needs, such as a server.
var ErrAbsent = errors.New("pair: not measured")

// Check runs the checks of all sides.
func (b *Bench) Check() error {
	var errs []error
	for _, side := range b.Sides {
		if side.Check == nil {
			continue
		}
		if err := side.Check(); err != nil {
			errs = append(errs, errors.Join(ErrChecks, errors.New(side.Name), err))
		}
	}
	return errors.Join(errs...)
}
