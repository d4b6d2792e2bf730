package health_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/health"
)

// port is something to probe of which each call does what a test says.
type port struct {
	reads, writes atomic.Int64
	mu            sync.Mutex
	read, write   error
	hangs, panics bool
	trouble       health.Trouble
	troubles      uint64
}

func (p *port) set(change func(*port)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(p)
}

func (p *port) ask(ctx context.Context, calls *atomic.Int64, outcome func() error) error {
	calls.Add(1)
	p.mu.Lock()
	hangs, panics, err := p.hangs, p.panics, outcome()
	p.mu.Unlock()
	if panics {
		panic("canary")
	}
	if hangs {
		<-ctx.Done()
		return ctx.Err()
	}
	return err
}

func (p *port) probe() health.Probe {
	return health.Probe{
		Name: "sessions", Driver: "sqlite", Class: func(err error) string { return err.Error() },
		Read:  func(ctx context.Context) error { return p.ask(ctx, &p.reads, func() error { return p.read }) },
		Write: func(ctx context.Context) error { return p.ask(ctx, &p.writes, func() error { return p.write }) },
		Seen:  func() (health.Trouble, uint64) { return p.trouble, p.troubles },
	}
}

func service(t *testing.T, probes ...health.Probe) *health.Service {
	t.Helper()
	s, err := health.New(health.Config{}, probes...)
	require.NoError(t, err)
	return s
}

func TestCheck(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &port{}
		s := service(t, p.probe(), health.Probe{Name: "key_ring", Driver: "node", Read: func(context.Context) error { return nil }})
		report := s.Check(t.Context())
		assert.True(t, report.Ready)
		assert.Equal(t, []health.Row{{Name: "sessions", Driver: "sqlite", OK: true}, {Name: "key_ring", Driver: "node", OK: true}}, report.Rows)
		assert.Empty(t, report.Failing())

		began := time.Now()
		p.set(func(p *port) { p.read = errors.New("timeout") })
		assert.True(t, s.Check(t.Context()).Ready, "a second has not passed")
		time.Sleep(time.Second)
		failing := health.Row{Name: "sessions", Driver: "sqlite", Class: "timeout", Since: began.Add(time.Second)}
		assert.Equal(t, []health.Row{failing}, s.Check(t.Context()).Failing())
		time.Sleep(time.Minute)
		report = s.Check(t.Context())
		assert.False(t, report.Ready)
		assert.Equal(t, []health.Row{failing}, report.Failing(), "since when it fails")
		p.set(func(p *port) { p.read = nil })
		time.Sleep(time.Second)
		assert.True(t, s.Check(t.Context()).Ready, "it recovers by itself")
	})
}

// A store is written to every five seconds; one that takes no writes is found so, and asked each time until it does.
func TestWritesAreSeldom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &port{}
		s := service(t, p.probe())
		for range 20 {
			assert.True(t, s.Check(t.Context()).Ready)
			time.Sleep(time.Second)
		}
		assert.EqualValues(t, 20, p.reads.Load())
		assert.EqualValues(t, 4, p.writes.Load())
		p.set(func(p *port) { p.write = errors.New("read_only") })
		for range 20 {
			failing := s.Check(t.Context()).Failing()
			require.Len(t, failing, 1)
			assert.True(t, failing[0].Writes)
			assert.Equal(t, "read_only", failing[0].Class)
			time.Sleep(time.Second)
		}
		assert.EqualValues(t, 24, p.writes.Load())
		p.set(func(p *port) { p.write = nil })
		assert.True(t, s.Check(t.Context()).Ready)
	})
}

// A flood of callers costs one look in a second, and waits no longer than one look takes.
func TestFloodIsOneLook(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &port{hangs: true}
		s := service(t, p.probe(), p.probe())
		began := time.Now()
		var flood sync.WaitGroup
		for range 1000 {
			flood.Go(func() { assert.False(t, s.Check(t.Context()).Ready) })
		}
		flood.Wait()
		assert.Equal(t, 2*time.Second, time.Since(began), "probes run side by side, within the timeout")
		assert.EqualValues(t, 2, p.reads.Load())
		for range 1000 {
			s.Check(t.Context())
		}
		assert.EqualValues(t, 2, p.reads.Load())
	})
}

// Who does not wait knows nothing, and is not told that all is well.
func TestCallerThatLeaves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &port{hangs: true}
		s := service(t, p.probe())
		ctx, leave := context.WithTimeout(t.Context(), time.Second)
		defer leave()
		report := s.Check(ctx)
		assert.False(t, report.Ready)
		assert.Equal(t, "unknown", report.Rows[0].Class)
		assert.False(t, s.Check(t.Context()).Ready, "the look goes on for the others")
		assert.EqualValues(t, 1, p.reads.Load())
	})
}

func TestPanicOfAProbe(t *testing.T) {
	t.Parallel()
	p := &port{panics: true}
	failing := service(t, p.probe()).Check(t.Context()).Failing()
	require.Len(t, failing, 1)
	assert.NotContains(t, failing[0].Class, "canary")
}

// What requests met with counts where no probe writes, for a quarter of a minute.
func TestTroubleThatRequestsMet(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &port{trouble: health.Trouble{Class: "full", Since: time.Now(), Last: time.Now(), Writes: true}, troubles: 3}
		probe := p.probe()
		probe.Write = nil
		s := service(t, probe)
		expected := health.Row{Name: "sessions", Driver: "sqlite", Class: "full", Writes: true, Since: time.Now(), Failures: 3}
		assert.Equal(t, []health.Row{expected}, s.Check(t.Context()).Failing())
		time.Sleep(15 * time.Second)
		assert.True(t, s.Check(t.Context()).Ready, "a process that gets no requests must become ready again")
	})
}

// A failed write counts no longer when another port has written to the same store since (REL-11).
func TestTroubleIsOverWhenAnotherPortWrites(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, writer := &port{}, &port{}
		writes := writer.probe()
		writes.Name = "one_time"
		probe := p.probe()
		probe.Write, probe.WritesWith = nil, "one_time"
		s := service(t, probe, writes)
		assert.True(t, s.Check(t.Context()).Ready)
		time.Sleep(2 * time.Second)
		p.set(func(p *port) {
			p.trouble = health.Trouble{Class: "timeout", Since: time.Now(), Last: time.Now(), Writes: true}
		})
		assert.False(t, s.Check(t.Context()).Ready)
		time.Sleep(3 * time.Second)
		assert.True(t, s.Check(t.Context()).Ready, "the other port's write came later")
	})
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for _, probe := range []health.Probe{{Name: "users"}, {Read: func(context.Context) error { return nil }}} {
		_, err := health.New(health.Config{}, probe)
		assert.ErrorContains(t, err, "health: a probe needs")
	}
}
