package storeguard_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/internal/storeguard"
)

// hashes is a password store of which each call does what a test says.
type hashes struct {
	read  func(ctx context.Context) (string, error)
	write func(ctx context.Context) error
}

func (h *hashes) PasswordHash(ctx context.Context, _ authn.Subject) (string, error) {
	return h.read(ctx)
}

func (h *hashes) SetPasswordHash(ctx context.Context, _ authn.Subject, _ string) error {
	return h.write(ctx)
}

func (h *hashes) ReplacePasswordHash(ctx context.Context, _ authn.Subject, _, _ string) error {
	return h.write(ctx)
}

func (h *hashes) DeletePasswordHash(ctx context.Context, _ authn.Subject) error { return h.write(ctx) }

func patient(ctx context.Context) (string, error) {
	<-ctx.Done()
	return "", ctx.Err()
}

// ask reads through a guard and returns how long it took.
func ask(ctx context.Context, store authn.PasswordStore) (time.Duration, error) {
	began := time.Now()
	_, err := store.PasswordHash(ctx, authn.Subject{ID: "ada"})
	return time.Since(began), err
}

func classOf(t *testing.T, err error) storeguard.Class {
	t.Helper()
	var failure *storeguard.Error
	require.ErrorAs(t, err, &failure)
	assert.Equal(t, "passwords", failure.Port)
	return storeguard.ClassOf(err)
}

// REL-11: a call ends within the deadline, whether the store looks at its context or not.
func TestDeadline(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name     string
		read     func(context.Context) (string, error)
		expected time.Duration
	}{
		{"a store that looks at its context", patient, 1800 * time.Millisecond},
		{"a store that does not", func(context.Context) (string, error) {
			<-time.After(10 * time.Second)
			return "late", nil
		}, 2 * time.Second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := storeguard.New(storeguard.Config{Port: "passwords"})
				took, err := ask(t.Context(), g.Passwords(&hashes{read: tc.read}))
				assert.Equal(t, tc.expected, took)
				assert.Equal(t, storeguard.Timeout, classOf(t, err))
				assert.NoError(t, t.Context().Err())
				trouble, failing := g.Trouble()
				assert.True(t, failing)
				assert.Equal(t, storeguard.Trouble{Class: storeguard.Timeout, Since: time.Now(), Last: time.Now()}, trouble)
				assert.EqualValues(t, 1, g.Failures())
				time.Sleep(time.Minute) // what was left behind ends
			})
		})
	}
}

// A caller that leaves, or that has no more time, says nothing about the store. It waits a moment for the answer.
func TestCallerThatLeaves(t *testing.T) {
	t.Parallel()
	for _, deaf := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			g := storeguard.New(storeguard.Config{Port: "passwords"})
			store := g.Passwords(&hashes{read: func(ctx context.Context) (string, error) {
				if deaf {
					time.Sleep(time.Minute)
				}
				return patient(ctx)
			}})
			ctx, leave := context.WithTimeout(t.Context(), time.Second)
			defer leave()
			took, err := ask(ctx, store)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			assert.LessOrEqual(t, took, 1200*time.Millisecond)
			leave()
			took, err = ask(ctx, store)
			require.Error(t, err)
			assert.Zero(t, took, "who has left is not asked for")
			_, failing := g.Trouble()
			assert.False(t, failing)
			assert.Zero(t, g.Failures())
			time.Sleep(time.Hour)
		})
	}
}

// Calls that were left behind hold memory: there are at most 256, and then the store is asked no more until it answers.
func TestStuckStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := storeguard.New(storeguard.Config{Port: "passwords"})
		var asked atomic.Int64
		release := make(chan struct{})
		store := g.Passwords(&hashes{read: func(context.Context) (string, error) {
			asked.Add(1)
			<-release
			return "late", nil
		}})
		for range 256 {
			_, err := ask(t.Context(), store)
			require.Equal(t, storeguard.Timeout, classOf(t, err))
		}
		took, err := ask(t.Context(), store)
		assert.Zero(t, took)
		assert.Equal(t, storeguard.Stuck, classOf(t, err))
		assert.EqualValues(t, 256, asked.Load(), "none waits beside those")
		close(release)
		synctest.Wait()
		_, err = ask(t.Context(), store)
		assert.NoError(t, err, "it recovers by itself")
		_, failing := g.Trouble()
		assert.False(t, failing)
	})
}

// A panic is an error of the port, is logged once with its place, and does not say what it holds.
func TestPanic(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	g := storeguard.New(storeguard.Config{Port: "passwords", Log: slog.New(slog.NewTextHandler(&log, nil))})
	_, err := ask(t.Context(), g.Passwords(&hashes{read: func(context.Context) (string, error) { panic("canary") }}))
	assert.Equal(t, storeguard.Panic, classOf(t, err))
	assert.NotContains(t, err.Error()+log.String(), "canary")
	assert.Equal(t, 1, strings.Count(log.String(), "a store panicked"))
	assert.Contains(t, log.String(), "guard_test.go")
	_, err = ask(t.Context(), g.Passwords(&hashes{read: func(context.Context) (string, error) {
		runtime.Goexit()
		return "", nil
	}}))
	assert.Equal(t, storeguard.Failed, classOf(t, err))
}

type coded int

func (c coded) Error() string { return "canary" }
func (c coded) Code() int     { return int(c) }

type stated string

func (s stated) Error() string    { return "canary" }
func (s stated) SQLState() string { return string(s) }

func TestClasses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		have     error
		expected storeguard.Class
	}{
		{coded(8), storeguard.ReadOnly}, {coded(13), storeguard.Full}, {coded(5), storeguard.Locked}, {coded(261), storeguard.Locked}, {coded(1), storeguard.Failed},
		{stated("25006"), storeguard.ReadOnly}, {stated("53100"), storeguard.Full}, {stated("57014"), storeguard.Timeout}, {os.ErrDeadlineExceeded, storeguard.Timeout}, {stated("42601"), storeguard.Failed},
		{errors.New("canary"), storeguard.Failed},
	} {
		g := storeguard.New(storeguard.Config{Port: "passwords"})
		_, err := ask(t.Context(), g.Passwords(&hashes{read: func(context.Context) (string, error) { return "half", tc.have }}))
		assert.Equal(t, tc.expected, classOf(t, err))
		assert.ErrorIs(t, err, tc.have)
	}
}

// What a store answers with its sentinels is an answer. Trouble with reading and with writing are told apart.
func TestTrouble(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	outcome := authn.ErrNotFound
	written := error(nil)
	g := storeguard.New(storeguard.Config{Port: "passwords"})
	store := g.Passwords(&hashes{
		read:  func(context.Context) (string, error) { return "", outcome },
		write: func(context.Context) error { return written },
	})
	read := func() { _, _ = store.PasswordHash(t.Context(), authn.Subject{}) }
	write := func() { _ = store.SetPasswordHash(t.Context(), authn.Subject{}, "") }
	failing := func() (bool, bool) {
		trouble, is := g.Trouble()
		return is, trouble.Writes
	}
	read()
	is, _ := failing()
	assert.False(t, is)
	written = broken
	write()
	read()
	is, writes := failing()
	assert.True(t, is && writes, "reading does not mend writing")
	outcome = broken
	read()
	is, writes = failing()
	assert.True(t, is && !writes, "reading is worse")
	outcome, written = nil, nil
	read()
	write()
	is, _ = failing()
	assert.False(t, is)
	assert.EqualValues(t, 2, g.Failures())
}

// Sweeps may take a minute.
func TestSweepsAreLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := storeguard.New(storeguard.Config{Port: "one_time"})
		store := g.OneTime(slowSweep{})
		n, err := store.PruneOneTime(t.Context(), time.Time{})
		assert.Equal(t, 7, n)
		assert.NoError(t, err)
	})
}

type slowSweep struct{ authn.OneTimeStore }

func (slowSweep) PruneOneTime(ctx context.Context, _ time.Time) (int, error) {
	select {
	case <-time.After(30 * time.Second):
		return 7, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

func BenchmarkCall(b *testing.B) {
	store := &hashes{read: func(context.Context) (string, error) { return "", nil }}
	guarded := storeguard.New(storeguard.Config{Port: "passwords"}).Passwords(store)
	b.ReportAllocs()
	for b.Loop() {
		_, _ = guarded.PasswordHash(b.Context(), authn.Subject{})
	}
}
