package bench

import "math/rand/v2"

// order visits n things again and again in one random order, which is the same in every run.
type order struct {
	places []int
	at     int
}

func newOrder(n int) *order {
	return &order{places: rand.New(rand.NewPCG(1, 2)).Perm(n)} //nolint:gosec // the same order in every run is the point
}

func (o *order) next() int {
	o.at++
	if o.at == len(o.places) {
		o.at = 0
	}
	return o.places[o.at]
}

// each returns a pair.Side's Do that calls do for the things in their order.
func each[T any](things []T, do func(T) error) func(int) error {
	visit := newOrder(len(things))
	return func(n int) error {
		for range n {
			if err := do(things[visit.next()]); err != nil {
				return err
			}
		}
		return nil
	}
}
