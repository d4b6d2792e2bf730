package authn

import (
	"context"
	"fmt"
	"runtime"
)

const (
	defaultQueue = 64
	mostWaiting  = 1_000_000
)

// hashingPool bounds how many passwords are hashed at a time, and how many wait
// for it. Who waits is served in the order of arrival: a channel hands a free place to
// the sender that has waited longest.
type hashingPool struct {
	workers chan struct{}
	waiting chan struct{}
	// heavy admits one at a time of those that take more memory than the configured cost.
	heavy chan struct{}
	// admitted are the logins that are on their way to a hash.
	admitted chan struct{}
	// strangers are those of the waiting, and of the workers' callers, who have proved nothing.
	strangers chan struct{}
}

func newHashingPool(cfg PasswordConfig) (hashingPool, error) {
	workers := cfg.Workers.Or(max(1, runtime.GOMAXPROCS(0)-1))
	queue := cfg.Queue.Or(defaultQueue * workers)
	if workers < 1 || workers > mostWaiting || queue < 1 || queue > mostWaiting {
		return hashingPool{}, fmt.Errorf("authn: password workers and queue must be from 1 to %d", mostWaiting)
	}
	return hashingPool{
		workers: make(chan struct{}, workers), waiting: make(chan struct{}, workers+queue), heavy: make(chan struct{}, 1),
		admitted: make(chan struct{}, workers+queue), strangers: make(chan struct{}, (workers+queue)/2),
	}, nil
}

// admit returns [ErrOverloaded] when as many logins are under way as hashes may wait.
func (p hashingPool) admit() (leave func(), err error) {
	select {
	case p.admitted <- struct{}{}:
		return func() { <-p.admitted }, nil
	default:
		return nil, ErrOverloaded
	}
}

// acquireStranger is acquire, and returns [ErrOverloaded] at once when half of all places are taken in this way.
func (p hashingPool) acquireStranger(ctx context.Context) (release func(), err error) {
	select {
	case p.strangers <- struct{}{}:
	default:
		return nil, ErrOverloaded
	}
	leave, err := p.acquire(ctx, false)
	if err != nil {
		<-p.strangers
		return nil, err
	}
	return func() { leave(); <-p.strangers }, nil
}

// acquire waits for a worker. It returns [ErrOverloaded] at once when the
// queue is full, and the context's error when that ends while waiting.
func (p hashingPool) acquire(ctx context.Context, heavy bool) (release func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case p.waiting <- struct{}{}:
	default:
		return nil, ErrOverloaded
	}
	taken := []chan struct{}{p.waiting}
	release = func() {
		for _, place := range taken {
			<-place
		}
	}
	places := []chan struct{}{p.workers}
	if heavy { // first, so that no worker waits with it
		places = []chan struct{}{p.heavy, p.workers}
	}
	for _, place := range places {
		select {
		case place <- struct{}{}:
			taken = append([]chan struct{}{place}, taken...)
		case <-ctx.Done():
			release()
			return nil, ctx.Err()
		}
	}
	return release, nil
}
