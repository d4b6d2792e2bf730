package account_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/account"
	"github.com/authmodule/authmodule/authn"
)

// notifier does as it is told.
type notifier func(ctx context.Context, n account.Notice) error

func (f notifier) Notify(ctx context.Context, n account.Notice) error { return f(ctx, n) }

// running is an outbox that runs until stop is called.
func running(t *testing.T, n account.Notifier) (out *account.Outbox, logged *bytes.Buffer, stop func()) {
	t.Helper()
	return runningWith(t, account.Config{Senders: 2}, n)
}

func runningWith(t *testing.T, cfg account.Config, n account.Notifier) (out *account.Outbox, logged *bytes.Buffer, stop func()) {
	t.Helper()
	logged = &bytes.Buffer{}
	out = account.NewOutbox(cfg, n, slog.New(slog.NewTextHandler(logged, nil)))
	ctx, cancel := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() { out.Run(ctx) })
	return out, logged, func() {
		cancel()
		done.Wait()
	}
}

// noticeTo is one to the n-th of many addresses.
func noticeTo(n int) account.Notice {
	return account.Notice{Kind: account.NoticeVerifyEmail, To: fmt.Sprintf("n%d@example.com", n), Subject: authn.Subject{ID: "many"}}
}

var secretNotice = account.Notice{Kind: account.NoticeResetPassword, To: "ada@example.com", Link: "https://app.example.com/#canary", Subject: authn.Subject{ID: "ada"}}

// What fails is tried three times, with pauses between, and what it says is not logged: it may hold the link.
func TestOutboxTriesAgain(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fails int
		with  error
		panic bool
		exit  bool
		tries int
		sent  bool
		took  time.Duration
	}{
		"well":          {tries: 1, sent: true},
		"once":          {fails: 1, with: errors.New("canary"), tries: 2, sent: true, took: time.Second},
		"twice":         {fails: 2, with: errors.New("canary"), tries: 3, sent: true, took: 5 * time.Second},
		"always":        {fails: 9, with: errors.New("canary"), tries: 3, took: 5 * time.Second},
		"undeliverable": {fails: 9, with: fmt.Errorf("canary: %w", account.ErrUndeliverable), tries: 1},
		"panics once":   {fails: 1, panic: true, tries: 2, sent: true, took: time.Second},
		"panics always": {fails: 9, panic: true, tries: 3, took: 5 * time.Second},
		"exits always":  {fails: 9, exit: true, tries: 3, took: 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tries, sent, began := 0, false, time.Now()
				var ended time.Time
				out, logged, stop := running(t, notifier(func(ctx context.Context, n account.Notice) error {
					deadline, has := ctx.Deadline()
					assert.True(t, has)
					assert.Equal(t, 30*time.Second, time.Until(deadline))
					tries, ended = tries+1, time.Now()
					if tries > tc.fails {
						sent = true
						return nil
					}
					if tc.panic {
						panic("canary " + n.Link.Reveal())
					}
					if tc.exit { // as a test does that has failed
						runtime.Goexit()
					}
					return tc.with
				}))
				require.NoError(t, out.Send(secretNotice))
				time.Sleep(time.Minute)
				stop()
				assert.Equal(t, tc.tries, tries)
				assert.Equal(t, tc.sent, sent)
				assert.Equal(t, tc.took, ended.Sub(began))
				assert.Equal(t, !tc.sent, bytes.Contains(logged.Bytes(), []byte("could not be sent")), logged.String())
				assert.NotContains(t, logged.String(), "canary")
				if !tc.sent {
					assert.Contains(t, logged.String(), "kind=reset_password")
					assert.Contains(t, logged.String(), "subject=ada")
				}
			})
		})
	}
}

// reporting is a notifier that says what may be logged of its errors.
type reporting struct {
	notifier
	report func(error) string
}

func (r reporting) ReportError(err error) string { return r.report(err) }

// Who looks for why no mail comes finds what a notifier lets be logged of it, and nothing else.
func TestOutboxLogsWhatItMay(t *testing.T) {
	t.Parallel()
	fails := notifier(func(context.Context, account.Notice) error {
		return fmt.Errorf("canary: %w", account.ErrUndeliverable)
	})
	for name, tc := range map[string]struct {
		notifier account.Notifier
		logged   string
	}{
		"any notifier": {fails, "it may hold the link or the code"},
		"says":         {reporting{fails, func(error) string { return "the server answered 550" }}, "the server answered 550"},
		"panics":       {reporting{fails, func(err error) string { panic(err) }}, "ReportError panicked"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				out, logged, stop := running(t, tc.notifier)
				require.NoError(t, out.Send(secretNotice))
				stop()
				assert.Contains(t, logged.String(), tc.logged)
				assert.NotContains(t, logged.String(), "canary")
			})
		})
	}
}

// Mail that some addresses do not take keeps nobody else's waiting: whoever registers many of them must not delay everybody's codes.
func TestOutboxIsFair(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began, tries := time.Now(), make(chan string, 1000)
		var took time.Duration
		out, _, stop := running(t, notifier(func(_ context.Context, n account.Notice) error {
			if n.To == "ada@example.com" {
				took = time.Since(began)
				return nil
			}
			tries <- n.To
			return errors.New("come again later")
		}))
		for range 100 {
			require.NoError(t, out.Send(account.Notice{Kind: account.NoticeVerifyEmail, To: "nobody@example.com"}))
		}
		require.NoError(t, out.Send(secretNotice))
		time.Sleep(10 * time.Minute)
		stop()
		assert.Zero(t, took, "it waited")
		assert.Len(t, tries, 300, "each was tried three times")
	})
}

// An address that takes its time keeps nobody else's mail waiting, neither what is new nor what is tried again, and gets all that it is owed.
func TestOutboxSendsToOneAddressOnceAtATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const slow = "slow@example.com"
		var mu sync.Mutex
		began, at, slowly, sending, tried := time.Now(), map[string]time.Duration{}, 0, 0, false
		out, logged, stop := running(t, notifier(func(_ context.Context, n account.Notice) error {
			mu.Lock()
			defer mu.Unlock()
			if n.To == slow {
				sending++
				assert.Equal(t, 1, sending)
				mu.Unlock()
				time.Sleep(29 * time.Second)
				mu.Lock()
				slowly, sending = slowly+1, sending-1
				return nil
			}
			if n.To == "again@example.com" && !tried {
				tried = true
				return errors.New("come again later")
			}
			at[n.To] = time.Since(began)
			return nil
		}))
		for range 10 {
			require.NoError(t, out.Send(account.Notice{Kind: account.NoticeNewDevice, To: slow}))
		}
		require.NoError(t, out.Send(account.Notice{Kind: account.NoticeVerifyEmail, To: "again@example.com"}))
		require.NoError(t, out.Send(secretNotice))
		time.Sleep(10 * time.Minute)
		stop()
		assert.Equal(t, 10, slowly)
		assert.Contains(t, at, secretNotice.To)
		assert.Zero(t, at[secretNotice.To], "it waited")
		assert.Contains(t, at, "again@example.com")
		assert.Less(t, at["again@example.com"], 30*time.Second, "what was tried again waited for the slow one")
		assert.Empty(t, logged.String())
	})
}

// Senders and SendSeconds say how many notices are sent at once, and for how long.
func TestOutboxIsConfigured(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		cfg     account.Config
		senders int
		timeout time.Duration
	}{
		"by default": {account.Config{}, 4, 30 * time.Second},
		"otherwise":  {account.Config{Senders: 7, SendSeconds: 3}, 7, 3 * time.Second},
		"unchecked":  {account.Config{Senders: -1}, 1, 30 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				calls := 0
				out, _, stop := runningWith(t, tc.cfg, notifier(func(ctx context.Context, _ account.Notice) error {
					deadline, _ := ctx.Deadline()
					mu.Lock()
					calls++
					assert.Equal(t, tc.timeout, time.Until(deadline))
					mu.Unlock()
					<-ctx.Done()
					return ctx.Err()
				}))
				for n := range 20 {
					require.NoError(t, out.Send(noticeTo(n)))
				}
				synctest.Wait()
				mu.Lock()
				assert.Equal(t, tc.senders, calls)
				mu.Unlock()
				stop()
			})
		})
	}
}

// Calls that never return hold no sender for longer than a try may take, are not made again, and are logged. Only so many are left behind.
func TestOutboxGoesOnWithoutDeafCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var mu sync.Mutex
		deaf, sent := 0, time.Duration(0)
		began := time.Now()
		out, logged, stop := running(t, notifier(func(_ context.Context, n account.Notice) error {
			if n.To == secretNotice.To {
				mu.Lock()
				defer mu.Unlock()
				sent = time.Since(began)
				return nil
			}
			mu.Lock()
			deaf++
			mu.Unlock()
			<-release
			return nil
		}))
		for n := range 2 {
			require.NoError(t, out.Send(noticeTo(n)))
		}
		require.NoError(t, out.Send(secretNotice))
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		mu.Lock()
		assert.Equal(t, 31*time.Second, sent)
		assert.Equal(t, 2, deaf, "a call that may have sent is not made again")
		assert.Contains(t, logged.String(), `error="account: the notifier does not heed its deadline"`)
		mu.Unlock()
		for n := range 300 {
			require.NoError(t, out.Send(noticeTo(100+n)))
		}
		time.Sleep(3 * time.Hour)
		mu.Lock()
		assert.Equal(t, 102, deaf, "100 left behind, and 2 that are waited for")
		mu.Unlock()
		close(release)
		time.Sleep(time.Minute)
		stop()
		assert.Equal(t, 302, deaf)
		assert.NotContains(t, logged.String(), "canary")
	})
}

// When a thousand wait, the next is refused, and nothing blocks.
func TestOutboxIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		out, _, stop := running(t, notifier(func(ctx context.Context, _ account.Notice) error {
			<-ctx.Done()
			return ctx.Err()
		}))
		for n := range 2 {
			require.NoError(t, out.Send(noticeTo(n)))
		}
		synctest.Wait() // two are being sent
		for range 1000 {
			require.NoError(t, out.Send(secretNotice))
		}
		require.ErrorIs(t, out.Send(secretNotice), authn.ErrOverloaded)
		stop()
	})
}

// The stop sends what waits, for five seconds at most.
func TestOutboxDrainsAtTheStop(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		each time.Duration
		sent int
		took time.Duration
	}{
		"quick": {10 * time.Millisecond, 100, 500 * time.Millisecond},
		"slow":  {2 * time.Second, 4, 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				sent := 0
				out, logged, stop := running(t, notifier(func(ctx context.Context, _ account.Notice) error {
					select {
					case <-ctx.Done():
						return ctx.Err()
					case <-time.After(tc.each):
					}
					mu.Lock()
					defer mu.Unlock()
					sent++
					return nil
				}))
				for n := range 100 {
					require.NoError(t, out.Send(noticeTo(n)))
				}
				began := time.Now()
				stop()
				assert.Equal(t, tc.sent, sent)
				assert.Equal(t, tc.took, time.Since(began))
				assert.Equal(t, tc.sent < 100, bytes.Contains(logged.Bytes(), []byte("notices were not sent")))
			})
		})
	}
}

// A notifier that does not heed its context does not keep the application from stopping.
func TestOutboxLeavesADeafNotifierBehind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		out, logged, stop := running(t, notifier(func(context.Context, account.Notice) error {
			<-release
			return nil
		}))
		require.NoError(t, out.Send(secretNotice))
		synctest.Wait()
		began := time.Now()
		stop()
		assert.Equal(t, 6*time.Second, time.Since(began))
		assert.Contains(t, logged.String(), "does not heed its deadline")
		close(release)
	})
}

func TestOutboxWithoutANotifier(t *testing.T) {
	t.Parallel()
	out := account.NewOutbox(account.Config{}, nil, nil)
	assert.False(t, out.Sends())
	require.ErrorIs(t, out.Send(secretNotice), account.ErrNoNotifier)
}
