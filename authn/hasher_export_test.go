package authn

// What a test of the hashing pool needs and cannot see from outside: a worker
// that is busy for as long as the test likes, and the decoy.

// HoldWorker makes one worker of the pool busy until release is called.
func (h *Hasher) HoldWorker() (release func()) {
	h.waiting <- struct{}{}
	h.workers <- struct{}{}
	return func() { <-h.workers; <-h.waiting }
}

// DecoyHash is the hash that unknown accounts are checked against.
func (h *Hasher) DecoyHash() string { return h.decoy }
