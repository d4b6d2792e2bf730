package pair

import (
	"slices"
	"strings"
)

// Result has the rounds of one bench. It does not keep the bench, so that no
// case's memory weighs on the next.
type Result struct {
	sides  []string
	claims []Claim
	rounds []Round
}

func newResult(b *Bench) *Result {
	r := &Result{claims: b.Claims}
	for _, side := range b.Sides {
		r.sides = append(r.sides, side.Name)
	}
	return r
}

// Spread is the median of a figure over the rounds, with its extremes.
type Spread struct{ Median, Low, High float64 }

// Spread takes a figure from each round.
func (r *Result) Spread(figure func(Round) float64) Spread {
	var all []float64
	for _, round := range r.rounds {
		all = append(all, figure(round))
	}
	slices.Sort(all)
	middle := len(all) / 2
	median := all[middle]
	if len(all)%2 == 0 {
		median = (all[middle-1] + all[middle]) / 2
	}
	return Spread{Median: median, Low: all[0], High: all[len(all)-1]}
}

// metrics returns what at least one side has, the usual ones first.
func (r *Result) metrics() []Metric {
	found := map[Metric]bool{}
	for _, values := range r.rounds[0] {
		for metric := range values {
			found[metric] = true
		}
	}
	var list, other []Metric
	for _, metric := range metrics() {
		if found[metric] {
			list = append(list, metric)
			delete(found, metric)
		}
	}
	for metric := range found {
		other = append(other, metric)
	}
	slices.SortFunc(other, func(a, b Metric) int { return strings.Compare(a.Name, b.Name) })
	return append(list, other...)
}
