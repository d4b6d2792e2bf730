package account

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/authmodule/authmodule/authn"
)

const (
	// mostWaiting is how many jobs may wait; what would be one more is refused with [authn.ErrOverloaded].
	mostWaiting   = 1000
	outboxWorkers = 2
	// sendTimeout bounds one call of a notifier, makeTimeout what comes before it.
	sendTimeout = 30 * time.Second
	makeTimeout = 10 * time.Second
	sendTries   = 3
	// firstPause is before the second try; each next one is four times as long.
	firstPause = time.Second
	// drainTimeout bounds what the stop of the application waits for.
	drainTimeout = 5 * time.Second
	// leaveTimeout is how long a notifier may take to heed the end of its context.
	leaveTimeout = time.Second
)

// Outbox sends notices in the background, so that no caller can tell by the time of an answer what was sent. Jobs wait in memory: those that are
// left when the application stops for longer than 5 seconds are lost, and logged by their number. It is safe for concurrent use.
type Outbox struct {
	notifier Notifier
	log      *slog.Logger
	queue    chan job
}

// job is something to be sent. It is made when its turn comes.
type job struct {
	kind NoticeKind
	// make returns the notice; none for an address that is owed nothing.
	make func(ctx context.Context) (*Notice, error)
}

// NewOutbox returns an Outbox, which sends once [Outbox.Run] runs. A nil notifier sends nothing.
func NewOutbox(n Notifier, log *slog.Logger) *Outbox {
	if log == nil {
		log = slog.Default()
	}
	return &Outbox{notifier: n, log: log, queue: make(chan job, mostWaiting)}
}

// Sends reports whether there is a notifier.
func (o *Outbox) Sends() bool { return o.notifier != nil }

// Waiting returns how many notices wait, those that are being sent not among them.
func (o *Outbox) Waiting() int { return len(o.queue) }

// Send has a notice sent in the background. It returns [ErrNoNotifier], and [authn.ErrOverloaded] when too many wait.
func (o *Outbox) Send(n Notice) error {
	return o.put(job{n.Kind, func(context.Context) (*Notice, error) { return &n, nil }})
}

func (o *Outbox) put(j job) error {
	if !o.Sends() {
		return ErrNoNotifier
	}
	select {
	case o.queue <- j:
		return nil
	default:
		return fmt.Errorf("%w: too many notices wait to be sent", authn.ErrOverloaded)
	}
}

// Run sends until ctx ends, and then for 5 seconds at most what waits.
func (o *Outbox) Run(ctx context.Context) {
	sending, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var workers sync.WaitGroup
	for range outboxWorkers {
		workers.Go(func() { o.work(ctx, sending) })
	}
	<-ctx.Done()
	defer time.AfterFunc(drainTimeout, stop).Stop()
	finished := make(chan struct{})
	go func() {
		workers.Wait()
		close(finished)
	}()
	select {
	case <-finished:
	case <-time.After(drainTimeout + leaveTimeout):
		o.log.ErrorContext(ctx, "the notifier does not heed its deadline: it is left behind")
	}
	if left := len(o.queue); left > 0 {
		o.log.ErrorContext(ctx, "notices were not sent: the application stopped", "notices", left)
	}
}

func (o *Outbox) work(ctx, sending context.Context) {
	for ctx.Err() == nil {
		select {
		case j := <-o.queue:
			o.carry(sending, j)
		case <-ctx.Done():
		}
	}
	for sending.Err() == nil {
		select {
		case j := <-o.queue:
			o.carry(sending, j)
		default:
			return
		}
	}
}

// carry makes a notice and sends it. Links and codes are logged by nobody.
func (o *Outbox) carry(ctx context.Context, j job) {
	var notice *Notice
	err := o.repeat(ctx, makeTimeout, func(ctx context.Context) (err error) {
		notice, err = j.make(ctx)
		return err
	})
	if err != nil {
		o.log.ErrorContext(ctx, "a notice could not be made", "kind", string(j.kind), "error", err)
		return
	}
	if notice == nil {
		return
	}
	err = o.repeat(ctx, sendTimeout, func(ctx context.Context) error { return o.notifier.Notify(ctx, *notice) })
	if err != nil { // what a notifier says may hold the link
		o.log.ErrorContext(ctx, "a notice could not be sent", "kind", string(j.kind), "tenant", string(notice.Subject.Tenant), "subject", notice.Subject.ID,
			"undeliverable", errors.Is(err, ErrUndeliverable), "type", fmt.Sprintf("%T", err))
	}
}

// repeat tries a few times, with pauses between.
func (o *Outbox) repeat(ctx context.Context, timeout time.Duration, do func(context.Context) error) error {
	pause := firstPause
	for try := 1; ; try++ {
		err := o.once(ctx, timeout, do)
		if err == nil || try == sendTries || errors.Is(err, ErrUndeliverable) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
		pause *= 4
	}
}

var errPanicked = errors.New("account: the notifier panicked")

// once makes one try. A panic is an error; what it says may be a secret, so its type alone is logged.
func (o *Outbox) once(ctx context.Context, timeout time.Duration, do func(context.Context) error) (err error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	defer func() {
		if what := recover(); what != nil {
			o.log.ErrorContext(ctx, "a notifier panicked", "type", fmt.Sprintf("%T", what), "stack", string(debug.Stack()))
			err = errPanicked
		}
	}()
	return do(ctx)
}
