package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/authmodule/authmodule/bench/internal/pair"
)

const (
	storedSessions = 10_000
	// The numbers of callers at once.
	someCallers = 16
	manyCallers = 64
	// loadFor is how long they call. It has one flush of what is saved up, which comes each second.
	loadFor = 1200 * time.Millisecond
)

const (
	oursHasty = ours + ", stored within a second"
	oursAlone = ours + ", the store alone"
)

func perSecond(callers int) pair.Metric {
	return pair.Metric{Name: fmt.Sprintf("op/s, %d callers", callers)}
}

func slowest(callers int) pair.Metric {
	return pair.Metric{Name: fmt.Sprintf("p99, %d callers", callers), Unit: "ns"}
}

func clientCost() pair.Metric { return pair.Metric{Name: "CPU/op, client", Unit: "ns"} }

// sessionsCase is goal P14 for one driver.
func sessionsCase(d driver) pair.Case {
	return pair.Case{
		Name: "sessions in " + d.name,
		What: "10,000 sessions of about 300 bytes at random, each operation a load and a touch. Ours is what a request with a session cookie does: Resume, with the uses saved up and stored in the " +
			"background, as many per second as in a program that has run for long; besides, the same with uses that are stored within a second, and the store alone with a write for each use. " +
			d.peer + " does Find and Commit, as scs does with an idle timeout. " + d.settings,
		Open: func() (bench *pair.Bench, err error) {
			r := &resources{}
			defer func() {
				if err != nil {
					err = errors.Join(err, r.close())
				}
			}()
			sides, err := d.sides(r)
			if err != nil {
				return nil, err
			}
			return &pair.Bench{Sides: sides, Claims: d.claims(), Close: r.close}, nil
		},
	}
}

// sides have a store each, so that none looks after another's writes.
func (d driver) sides(r *resources) ([]pair.Side, error) {
	saving, errSaving := d.managed(r, time.Minute)
	hasty, errHasty := d.managed(r, time.Second)
	alone, errAlone := d.alone(r)
	theirs, errTheirs := d.theirSessions(r)
	if err := errors.Join(errSaving, errHasty, errAlone, errTheirs); err != nil {
		return nil, err
	}
	var sides []pair.Side
	for _, side := range []struct {
		name string
		work work
	}{{ours, saving}, {oursHasty, hasty}, {oursAlone, alone}, {d.peer, theirs}} {
		sides = append(sides, pair.Side{
			Name: side.name, Check: side.work.check, Sample: func() (pair.Values, error) { return side.work.sample(d.timed) },
		})
	}
	return sides, nil
}

func (d driver) claims() []pair.Claim {
	const goal = "P14"
	some, late := perSecond(someCallers), slowest(manyCallers)
	claims := []pair.Claim{
		{Goal: goal, Text: ours + " ÷ " + d.peer + ", " + some.Name, Figure: pair.Ratio(some, ours, d.peer), Bound: pair.AtLeast(d.least)},
		{Text: oursHasty + " ÷ " + d.peer + ", " + some.Name, Figure: pair.Ratio(some, oursHasty, d.peer)},
		{Text: oursAlone + " ÷ " + d.peer + ", " + some.Name, Figure: pair.Ratio(some, oursAlone, d.peer)},
	}
	claim := pair.Claim{Text: ours + " ÷ " + d.peer + ", " + late.Name, Figure: pair.Ratio(late, ours, d.peer)}
	if d.latest > 0 {
		claim.Goal, claim.Bound = goal, pair.AtMost(d.latest)
	}
	return append(claims, claim)
}

// work is a load and a touch of session number i, among n.
type work struct {
	n  int
	do func(ctx context.Context, i int) error
	// during runs beside the work until its context ends; nil for nothing.
	during func(ctx context.Context)
	check  func() error
}

// sample has some callers and then many do the work for a moment each.
func (w work) sample(timed int) (pair.Values, error) {
	values := pair.Values{}
	stop := w.start()
	defer stop()
	for _, callers := range []int{someCallers, manyCallers} {
		done, err := w.load(callers, timed)
		if err != nil {
			return nil, err
		}
		values[perSecond(callers)], values[slowest(callers)] = done.rate, done.p99
		if callers == someCallers {
			values[clientCost()] = done.cost
		}
	}
	return values, nil
}

// start begins what runs beside the work, and returns what ends it.
func (w work) start() (stop func()) {
	if w.during == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); w.during(ctx) }()
	return func() { cancel(); <-ended }
}
