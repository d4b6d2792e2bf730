package pair

import (
	"fmt"
	"runtime"
	"syscall"
	"time"
)

// Options say how long to measure.
type Options struct {
	// Rounds is how often each side has its turn. Defaults to 8.
	Rounds int
	// Turn is the CPU time that a side gets in one round, about. Defaults to 40 ms.
	Turn time.Duration
}

// Defaults of [Options].
const (
	DefaultRounds = 8
	DefaultTurn   = 40 * time.Millisecond
)

func (o Options) withDefaults() Options {
	if o.Rounds <= 0 {
		o.Rounds = DefaultRounds
	}
	if o.Turn <= 0 {
		o.Turn = DefaultTurn
	}
	return o
}

// Run checks every side once, and measures all of them in each round. The side
// that begins changes from round to round.
func Run(b *Bench, o Options) (*Result, error) {
	o = o.withDefaults()
	if err := b.Check(); err != nil {
		return nil, err
	}
	turns := make([]int, len(b.Sides))
	for i, side := range b.Sides {
		var err error
		if turns[i], err = calibrate(side, o.Turn); err != nil {
			return nil, fmt.Errorf("pair: %s: %w", side.Name, err)
		}
	}
	result := newResult(b)
	for number := range o.Rounds {
		round := Round{}
		for i := range b.Sides {
			at := (i + number) % len(b.Sides)
			values, err := sample(b.Sides[at], turns[at])
			if err != nil {
				return nil, fmt.Errorf("pair: %s: %w", b.Sides[at].Name, err)
			}
			round[b.Sides[at].Name] = values
		}
		result.rounds = append(result.rounds, round)
	}
	return result, nil
}

// calibrate finds how many operations make a turn. It warms up the side as well.
func calibrate(s Side, turn time.Duration) (int, error) {
	if s.Do == nil {
		return 0, nil
	}
	for n := 1; ; n *= 2 {
		start := cpuTime()
		if err := s.Do(n); err != nil {
			return 0, err
		}
		if used := cpuTime() - start; used >= turn/4 {
			return max(1, int(float64(n)*float64(turn)/float64(used))), nil
		}
	}
}

// sample gives a side its turn. Garbage of the side before is collected first.
func sample(s Side, n int) (Values, error) {
	runtime.GC()
	if s.Sample != nil {
		return s.Sample()
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := cpuTime()
	err := s.Do(n)
	used := cpuTime() - start
	runtime.ReadMemStats(&after)
	// Whole bytes and allocations, as package testing counts them: the runtime makes a few of its own.
	return Values{
		CPU():    float64(used) / float64(n),
		Bytes():  float64((after.TotalAlloc - before.TotalAlloc) / uint64(n)),
		Allocs(): float64((after.Mallocs - before.Mallocs) / uint64(n)),
	}, err
}

// Cost calls do n times and returns the CPU time of one call in nanoseconds; for a [Side] that has Sample.
func Cost(n int, do func(i int) error) (float64, error) {
	start := cpuTime()
	for i := range n {
		if err := do(i); err != nil {
			return 0, err
		}
	}
	return float64(cpuTime()-start) / float64(n), nil
}

// cpuTime is what this process has used on all processors.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
