package bench

import (
	"context"
	"errors"
	"math/bits"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/authmodule/authmodule/bench/internal/pair"
)

// loaded is what a number of callers got done.
type loaded struct {
	// rate is operations per second, p99 and cost are in nanoseconds.
	rate, p99, cost float64
}

// load has callers do the work at random for a moment. Every timed-th operation is timed, so that clocks do not weigh on what is quick.
func (w work) load(callers, timed int) (loaded, error) {
	var over atomic.Bool
	timer := time.AfterFunc(loadFor, func() { over.Store(true) })
	defer timer.Stop()
	each := make([]visitor, callers)
	start := time.Now()
	cost, err := pair.Cost(1, func(int) error {
		var all sync.WaitGroup
		for i := range each {
			all.Go(func() { each[i].call(w, &over, uint64(i), timed) })
		}
		all.Wait()
		return nil
	})
	took := time.Since(start)
	var sum visitor
	for i := range each {
		sum.add(&each[i])
		err = errors.Join(err, each[i].err)
	}
	return loaded{rate: float64(sum.done) / took.Seconds(), p99: sum.late.quantile(0.99), cost: cost / float64(max(sum.done, 1))}, err
}

// visitor is one that calls, and what it has seen.
type visitor struct {
	done int
	late latencies
	err  error
}

func (c *visitor) call(w work, over *atomic.Bool, seed uint64, timed int) {
	random := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // the same order in every run is the point
	ctx := context.Background()
	for !over.Load() && c.err == nil {
		i := random.IntN(w.n)
		if c.done%timed == 0 {
			start := time.Now()
			c.err = w.do(ctx, i)
			c.late.add(time.Since(start))
		} else {
			c.err = w.do(ctx, i)
		}
		c.done++
	}
}

func (c *visitor) add(other *visitor) {
	c.done += other.done
	for i, n := range other.late {
		c.late[i] += n
	}
}

// latencies counts durations in classes that differ by a sixteenth.
type latencies [64 * steps]int

const (
	steps    = 16
	stepBits = 4
)

func (l *latencies) add(d time.Duration) {
	ns := uint64(max(d, steps))
	power := bits.Len64(ns) - 1
	l[power*steps+int(ns>>(power-stepBits))&(steps-1)]++
}

// quantile is the lower end of the class in which it is.
func (l *latencies) quantile(q float64) float64 {
	total := 0
	for _, n := range l {
		total += n
	}
	rank, seen := int(q*float64(total)), 0
	for class, n := range l {
		if seen += n; seen > rank {
			power := class / steps
			return float64(uint64(steps+class%steps) << power >> stepBits)
		}
	}
	return 0
}
