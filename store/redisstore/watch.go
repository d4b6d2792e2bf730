package redisstore

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"
)

// Between two attempts to listen again.
const (
	shortestPause = 50 * time.Millisecond
	longestPause  = 2 * time.Second
)

// WatchRevocations implements [authn.RevocationWatcher]. When the
// connection breaks it listens again, and calls changed once it does, since something may have been missed.
func (s *Store) WatchRevocations(changed func()) (stop func()) {
	w := &watcher{changed: changed}
	ctx, cancel := context.WithCancel(s.closed)
	s.watching.Go(func() { s.watch(ctx, w) })
	return func() {
		w.stop()
		cancel()
	}
}

// watcher calls changed until it is stopped, never afterwards.
type watcher struct {
	mu      sync.Mutex
	changed func()
}

func (w *watcher) tell() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.changed != nil {
		w.changed()
	}
}

func (w *watcher) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.changed = nil
}

func (s *Store) watch(ctx context.Context, w *watcher) {
	pause := shortestPause
	for ctx.Err() == nil {
		var listening atomic.Bool
		err := s.listen(ctx, func() {
			listening.Store(true)
			w.tell()
		}, w.tell)
		if ctx.Err() != nil {
			return
		}
		if listening.Load() {
			pause = shortestPause
			s.opts.Log.WarnContext(ctx, "the connection that tells of revocations broke; the log is polled meanwhile", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		pause = min(2*pause, longestPause)
	}
}

var errNotListening = errors.New("nobody listens any more")

// listen returns when it no longer listens, and why.
func (s *Store) listen(ctx context.Context, began, told func()) error {
	hooked := rueidis.WithOnSubscriptionHook(ctx, func(rueidis.PubSubSubscription) { began() })
	err := s.client.Receive(hooked, s.client.B().Subscribe().Channel(s.keys.channel()).Build(), func(rueidis.PubSubMessage) { told() })
	if err == nil {
		err = errNotListening
	}
	return err
}
