package audit

import "sync"

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

// next returns up to n events that wait, and the report. tell makes a report of how many were lost.
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
	return append(batch, b.waiting[:min(n, len(b.waiting))]...), nil
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
