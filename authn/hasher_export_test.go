package authn

import "context"

// What a test of the hashing pool needs and cannot see from outside: a worker
// that is busy for as long as the test likes, and the decoy.

// HoldWorker makes one worker of the pool busy until release is called.
func (h *Hasher) HoldWorker() (release func()) {
	h.pool.waiting <- struct{}{}
	h.pool.workers <- struct{}{}
	return func() { <-h.pool.workers; <-h.pool.waiting }
}

// DecoyHash is the hash that unknown accounts are checked against.
func (h *Hasher) DecoyHash() string { return h.decoy }

// AcquireWorker takes a place in the pool as Hash does, and as Check of a costly hash does.
func (h *Hasher) AcquireWorker(ctx context.Context, heavy bool) (release func(), err error) {
	return h.pool.acquire(ctx, heavy)
}
