package bench

import (
	"sync/atomic"
	"time"
)

// watch is a clock that goes on only between start and stop, so that what a
// side puts off does not come due while others have their turn.
type watch struct {
	began time.Time
	// stood is what it shows while it stands, since began; running is when it was started, negative while it stands.
	stood, running atomic.Int64
}

func newWatch() *watch {
	w := &watch{began: time.Now()}
	w.running.Store(-1)
	return w
}

func (w *watch) now() time.Time {
	shown := w.stood.Load()
	if since := w.running.Load(); since >= 0 {
		shown += int64(time.Since(w.began)) - since
	}
	return w.began.Add(time.Duration(shown))
}

// set has a clock that stands show the time since it began.
func (w *watch) set(d time.Duration) { w.stood.Store(int64(d)) }

func (w *watch) start() { w.running.Store(int64(time.Since(w.began))) }

// stop must not be called while somebody reads the clock.
func (w *watch) stop() {
	w.set(w.now().Sub(w.began))
	w.running.Store(-1)
}
