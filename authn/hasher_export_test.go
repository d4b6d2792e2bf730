package authn

// What a test of the hashing pool needs and cannot see from outside: a worker
// that is busy for as long as the test likes, and the decoy.

// HoldWorker makes one worker of the pool busy until release is called.
func (h *Hasher) HoldWorker() (release func()) {
	h.pool.waiting <- struct{}{}
	h.pool.workers <- struct{}{}
	return func() { <-h.pool.workers; <-h.pool.waiting }
}

// HoldHeavy makes the place for costly hashes busy until release is called.
func (h *Hasher) HoldHeavy() (release func()) {
	h.pool.heavy <- struct{}{}
	return func() { <-h.pool.heavy }
}

// DecoyHash is the hash that unknown accounts are checked against.
func (h *Hasher) DecoyHash() string { return h.decoy }
