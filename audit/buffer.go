package audit

import "sync"

// pace is how many events are asked of the store at once: half as many after each call that fails, down to one, and twice as many after
// some in a row that do not, up to [ChainBatch]. A store that has no time for many, since it is far away or busy, gets on all the same.
type pace struct {
	mu sync.Mutex
	// halved is how often ChainBatch is halved, well how many calls did not fail since that was changed.
	halved, well int
}

const (
	// mostHalved is how often ChainBatch is halved until it is one.
	mostHalved = 8
	// wellCalls are as many as it takes to try more again: trying too much costs the time of a call that fails.
	wellCalls = 8
)

func (p *pace) now() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return ChainBatch >> p.halved
}

func (p *pace) note(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.well++
	switch {
	case err != nil:
		p.halved, p.well = min(p.halved+1, mostHalved), 0
	case p.well >= wellCalls:
		p.halved, p.well = max(p.halved-1, 0), 0
	}
}

// buffer has the events that are not stored yet. Of events that do not fit it has the number. Those of acts have as many places again as
// all others, so that a flood of what anybody can cause does not keep them out.
type buffer struct {
	most int
	// writing is held by the one who stores them.
	writing sync.Mutex

	mu      sync.Mutex
	waiting []Waiting
	lost    int
	// report tells of events that were lost, and is kept until it is stored.
	report []Waiting
}

func (b *buffer) add(w Waiting) (fits bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	most := b.most
	if !comesWithNoAct(w.Type) {
		most *= 2
	}
	if len(b.waiting) >= most {
		b.lost++
		return false
	}
	b.waiting = append(b.waiting, w)
	return true
}

// next returns up to n events: the report, and of those that wait. tell makes a report of how many were lost.
func (b *buffer) next(n int, tell func(lost int) (Waiting, error)) ([]Waiting, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.lost > 0 && len(b.report) == 0 {
		w, err := tell(b.lost)
		if err != nil {
			return nil, err
		}
		b.report, b.lost = []Waiting{w}, 0
	}
	batch := append([]Waiting{}, b.report...)
	return append(batch, b.waiting[:min(n-len(b.report), len(b.waiting))]...), nil
}

// stored forgets the batch that next returned.
func (b *buffer) stored(batch []Waiting) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := len(batch) - len(b.report)
	b.report = nil
	if b.waiting = b.waiting[n:]; len(b.waiting) == 0 {
		b.waiting = nil // the memory of a flood is given back
	}
}
