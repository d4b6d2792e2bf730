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
	mostWaiting = 1000
	// makeTimeout bounds what comes before the call of a notifier.
	makeTimeout = 10 * time.Second
	sendTries   = 3
	// firstPause is before the second try; each next one is four times as long.
	firstPause = time.Second
	// drainTimeout bounds what the stop of the application waits for.
	drainTimeout = 5 * time.Second
	// leaveTimeout is how long a notifier may take to heed the end of its context.
	leaveTimeout = time.Second
	// mostLeft is how many calls that did not heed it may be left behind; the next one is waited for.
	mostLeft = 100
)

// Outbox sends notices in the background, so that no caller can tell by the time of an answer what was sent. Jobs wait in memory: those that are
// left when the application stops for longer than 5 seconds are lost, and logged by their number. To one address one notice is sent at a time,
// but for calls of the notifier that were left behind. It is safe for concurrent use.
type Outbox struct {
	notifier Notifier
	log      *slog.Logger
	// senders is how many send what is new, and how many what is tried again. Timeout bounds one call of the notifier.
	senders int
	timeout time.Duration
	queue   chan job
	// again holds what is tried again: it failed, or another notice was being sent to its address.
	again chan *task
	// left has a place for each call that was left behind.
	left chan struct{}

	mu sync.Mutex
	// busy are the addresses to which a notice is being sent.
	busy map[string]bool
}

// job is something to be sent. It is made when its turn comes.
type job struct {
	kind NoticeKind
	// make returns the notice; none for an address that is owed nothing.
	make func(ctx context.Context) (*Notice, error)
}

// task is a job that was begun.
type task struct {
	job
	made   bool
	notice *Notice
	// tries are those that failed, to make the notice and then to send it.
	tries int
}

// NewOutbox returns an Outbox, which sends once [Outbox.Run] runs, as Senders and SendSeconds say. A nil notifier sends nothing. Log defaults to
// slog.Default().
func NewOutbox(cfg Config, n Notifier, log *slog.Logger) *Outbox {
	if log == nil {
		log = slog.Default()
	}
	cfg = cfg.WithDefaults()
	return &Outbox{
		notifier: n, log: log, senders: max(int(cfg.Senders), 1), timeout: time.Duration(cfg.SendSeconds) * time.Second,
		queue: make(chan job, mostWaiting), again: make(chan *task, mostWaiting), left: make(chan struct{}, mostLeft), busy: map[string]bool{},
	}
}

// Sends reports whether there is a notifier.
func (o *Outbox) Sends() bool { return o.notifier != nil }

// Waiting returns how many notices wait, those that are being sent not among them.
func (o *Outbox) Waiting() int { return len(o.queue) + len(o.again) }

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
	feeding, fed := context.WithCancel(sending) // ends when nothing more can fail for the first time
	defer fed()
	var workers, again sync.WaitGroup
	for range o.senders {
		workers.Go(func() { work(ctx, sending, o.queue, o.carry) })
		again.Go(func() { work(feeding, sending, o.again, o.persist) })
	}
	<-ctx.Done()
	defer time.AfterFunc(drainTimeout, stop).Stop()
	finished := make(chan struct{})
	go func() {
		workers.Wait()
		fed()
		again.Wait()
		close(finished)
	}()
	select {
	case <-finished:
	case <-time.After(drainTimeout + leaveTimeout):
		o.log.ErrorContext(ctx, "the notifier does not heed its deadline: it is left behind")
	}
	if left := o.Waiting(); left > 0 {
		o.log.ErrorContext(ctx, "notices were not sent: the application stopped", "notices", left)
	}
}

// work does what waits, until ctx ends, and then until nothing waits or sending ends.
func work[T any](ctx, sending context.Context, waiting <-chan T, do func(context.Context, T)) {
	for ctx.Err() == nil {
		select {
		case one := <-waiting:
			do(sending, one)
		case <-ctx.Done():
		}
	}
	for sending.Err() == nil {
		select {
		case one := <-waiting:
			do(sending, one)
		default:
			return
		}
	}
}

// carry makes a notice and sends it. What fails, or whose address is busy, is tried again elsewhere: mail that one address does not take must
// not keep that of others waiting. Where too much waits for that too, it is tried again here.
func (o *Outbox) carry(ctx context.Context, j job) {
	t := &task{job: j}
	if o.step(ctx, t) {
		return
	}
	select {
	case o.again <- t:
	default:
		o.persist(ctx, t)
	}
}

// persist tries again, after a pause, and puts what is not over behind what else waits.
func (o *Outbox) persist(ctx context.Context, t *task) {
	for {
		pause := firstPause
		for range t.tries - 1 {
			pause *= 4
		}
		select {
		case <-ctx.Done():
			o.failed(ctx, t, ctx.Err())
			return
		case <-time.After(pause):
		}
		if o.step(ctx, t) {
			return
		}
		select {
		case o.again <- t:
			return
		default:
		}
	}
}

// step makes one try to make the notice, and to send it unless its address is busy, and reports whether the task is over.
func (o *Outbox) step(ctx context.Context, t *task) bool {
	if !t.made {
		err := o.once(ctx, makeTimeout, func(ctx context.Context) (err error) {
			t.notice, err = t.make(ctx)
			return err
		})
		if err != nil {
			return o.failed(ctx, t, err)
		}
		t.made, t.tries = true, 0
	}
	if t.notice == nil {
		return true
	}
	if !o.claim(t.notice.To) {
		return false
	}
	defer o.release(t.notice.To)
	err := o.send(ctx, *t.notice)
	return err == nil || o.failed(ctx, t, err)
}

// claim reports whether nothing is being sent to the address: one that takes its time must not hold every sender.
func (o *Outbox) claim(address string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.busy[address] {
		return false
	}
	o.busy[address] = true
	return true
}

func (o *Outbox) release(address string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.busy, address)
}

// errDeaf: the notice may have been sent, or still be; it is not tried again.
var errDeaf = errors.New("account: the notifier does not heed its deadline")

// send calls the notifier. A call that goes on after its deadline is left behind, so that others are sent.
func (o *Outbox) send(ctx context.Context, n Notice) error {
	err := errPanicked // unless the call returns: a notifier may end its goroutine
	done := make(chan struct{})
	go func() {
		defer close(done)
		err = o.once(ctx, o.timeout, func(ctx context.Context) error { return o.notifier.Notify(ctx, n) })
	}()
	select {
	case <-done:
		return err
	case <-time.After(o.timeout + leaveTimeout):
	}
	select {
	case <-done:
		return err
	case o.left <- struct{}{}:
		go func() {
			<-done
			<-o.left
		}()
		return errDeaf
	}
}

// failed counts a try, and reports whether it was the last. Links and codes are logged by nobody.
func (o *Outbox) failed(ctx context.Context, t *task, err error) (last bool) {
	if t.tries++; t.tries < sendTries && !errors.Is(err, ErrUndeliverable) && !errors.Is(err, errDeaf) && ctx.Err() == nil {
		return false
	}
	if !t.made {
		o.log.ErrorContext(ctx, "a notice could not be made", "kind", string(t.kind), "error", err)
		return true
	}
	o.log.ErrorContext(ctx, "a notice could not be sent", "kind", string(t.kind), "tenant", string(t.notice.Subject.Tenant), "subject", t.notice.Subject.ID,
		"undeliverable", errors.Is(err, ErrUndeliverable), "type", fmt.Sprintf("%T", err), "error", o.report(err))
	return true
}

// report says of an error what its notifier lets be logged: what others say may hold the link.
func (o *Outbox) report(err error) (text string) {
	if errors.Is(err, errDeaf) || errors.Is(err, errPanicked) {
		return err.Error()
	}
	reporter, can := o.notifier.(ErrorReporter)
	if !can {
		return "not logged: it may hold the link or the code; see account.ErrorReporter"
	}
	defer func() {
		if recover() != nil {
			text = "not logged: ReportError panicked"
		}
	}()
	return reporter.ReportError(err)
}

var errPanicked = errors.New("account: making or sending the notice panicked")

// once makes one try. A panic is an error; what it says may be a secret, so its type alone is logged.
func (o *Outbox) once(ctx context.Context, timeout time.Duration, do func(context.Context) error) (err error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	defer func() {
		if what := recover(); what != nil {
			o.log.ErrorContext(ctx, "making or sending a notice panicked", "type", fmt.Sprintf("%T", what), "stack", string(debug.Stack()))
			err = errPanicked
		}
	}()
	return do(ctx)
}
