package authz

import "sync/atomic"

// sampler picks a share of what it is asked about, evenly spread.
type sampler struct {
	percent uint64
	asked   atomic.Uint64
}

const whole = 100

// counts reports whether anything is picked at all.
func (s *sampler) counts() bool { return s.percent > 0 }

// hits reports whether this one is picked.
func (s *sampler) hits() bool {
	switch s.percent {
	case 0:
		return false
	case whole:
		return true
	}
	n := s.asked.Add(1)
	return n*s.percent/whole != (n-1)*s.percent/whole
}
