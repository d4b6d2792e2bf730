package health

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Config configures a [Service]. Its zero value has all defaults.
type Config struct {
	// Fresh is for how long a report is given out again without looking. Defaults to 1 second.
	Fresh time.Duration
	// WriteEvery is how often stores are written to at most, while that goes well. Defaults to 5 seconds.
	WriteEvery time.Duration
	// Timeout bounds the probes of a report, which run side by side. Defaults to 2 seconds.
	Timeout time.Duration
	// Now defaults to time.Now.
	Now func() time.Time
}

const (
	defaultFresh      = time.Second
	defaultWriteEvery = 5 * time.Second
	defaultTimeout    = 2 * time.Second
	// seenFor is for how long a failure that requests met with counts where no probe can tell that it has passed.
	seenFor = 15 * time.Second
)

// Service checks the health of what it has probes of. It is safe for
// concurrent use: callers who come at once share one look, so a flood of them costs nothing.
type Service struct {
	cfg    Config
	probes []*watched

	mu     sync.Mutex
	report Report
	// running is closed when the look that is under way is over; nil is none.
	running chan struct{}
}

// New returns a Service. It does no I/O.
func New(cfg Config, probes ...Probe) (*Service, error) {
	if cfg.Fresh <= 0 {
		cfg.Fresh = defaultFresh
	}
	if cfg.WriteEvery <= 0 {
		cfg.WriteEvery = defaultWriteEvery
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = defaultTimeout
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	s := &Service{cfg: cfg}
	for _, p := range probes {
		if p.Name == "" || p.Read == nil && p.Write == nil {
			return nil, errors.New("health: a probe needs a name and something to ask")
		}
		s.probes = append(s.probes, &watched{Probe: p})
	}
	return s, nil
}

// Check reports on every port. It waits for the look that is under way, or
// takes one, unless the last is fresh enough. When ctx ends first, nothing is known and Ready is false.
func (s *Service) Check(ctx context.Context) Report {
	s.mu.Lock()
	if age := s.cfg.Now().Sub(s.report.At); !s.report.At.IsZero() && age >= 0 && age < s.cfg.Fresh {
		defer s.mu.Unlock()
		return s.report.clone()
	}
	if s.running == nil {
		s.running = make(chan struct{})
		go s.look(context.WithoutCancel(ctx))
	}
	running := s.running
	s.mu.Unlock()
	select {
	case <-running:
	case <-ctx.Done():
		return s.unknown()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.report.clone()
}

func (r Report) clone() Report {
	r.Rows = append([]Row(nil), r.Rows...)
	return r
}

// unknown is the report of who did not wait for one.
func (s *Service) unknown() Report {
	r := Report{At: s.cfg.Now()}
	for _, p := range s.probes {
		r.Rows = append(r.Rows, Row{Name: p.Name, Driver: p.Driver, Class: "unknown"})
	}
	return r
}

// look makes a report. All probes run at once.
func (s *Service) look(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	var done sync.WaitGroup
	found, rows := make([]finding, len(s.probes)), make([]Row, len(s.probes))
	for i, p := range s.probes {
		done.Go(func() { found[i] = p.find(ctx, s.cfg) })
	}
	done.Wait()
	for i, p := range s.probes {
		rows[i] = p.row(found[i], s.named(p.WritesWith), s.cfg)
	}
	report := Report{Ready: true, At: s.cfg.Now(), Rows: rows}
	report.Ready = len(report.Failing()) == 0
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report = report
	close(s.running)
	s.running = nil
}

// named returns the probe of that name that writes, or nil.
func (s *Service) named(name string) *watched {
	for _, p := range s.probes {
		if p.Name == name && p.Write != nil {
			return p
		}
	}
	return nil
}
