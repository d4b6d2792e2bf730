package storeguard

import (
	"sync"
	"sync/atomic"
	"time"
)

// Trouble is why a port's last calls failed.
type Trouble struct {
	Class Class
	// Since is when the first of them failed, Last when the latest did.
	Since, Last time.Time
	// Writes says that calls which write failed; those that read may do well.
	Writes bool
}

// state is what became of a port's calls.
type state struct {
	failures atomic.Uint64
	// troubled has a bit for each kind whose last call failed.
	troubled atomic.Uint32
	mu       sync.Mutex
	troubles [kinds]Trouble
}

// Failures returns how many calls the store did not answer since the guard was made.
func (s *state) Failures() uint64 { return s.failures.Load() }

// Trouble returns the trouble of the port whose last read or last write failed. Sweeps do not count: nobody waits for them.
func (s *state) Trouble() (Trouble, bool) {
	if s.troubled.Load() == 0 {
		return Trouble{}, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range []kind{reading, writing} {
		if s.troubled.Load()&(1<<k) != 0 {
			return s.troubles[k], true
		}
	}
	return Trouble{}, false
}

// well notes that a call was answered. It costs one atomic read where nothing was wrong.
func (s *state) well(k kind) {
	if s.troubled.Load()&(1<<k) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.troubled.And(^uint32(1 << k))
	s.troubles[k] = Trouble{}
}

// failed notes that a call was not answered, and returns its error.
func (g *Guard) failed(k kind, e *Error) error {
	now := g.cfg.Now()
	g.failures.Add(1)
	g.mu.Lock()
	defer g.mu.Unlock()
	t := &g.troubles[k]
	if t.Since.IsZero() {
		t.Since = now
	}
	t.Class, t.Last, t.Writes = e.Class, now, k != reading
	g.troubled.Or(1 << k)
	return e
}
