package bundle

import (
	"context"
	"sync"
	"time"

	"go.uber.org/fx"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/session"
)

// sweepEvery is how often expired records are dropped.
const sweepEvery = 30 * time.Second

// assignmentsStay is how long an assignment is kept after its end, so that administrators still see what an account had.
const assignmentsStay = 24 * time.Hour

// startJanitor drops what has expired, in the background, until the application stops.
func (s Settings) startJanitor(lc fx.Lifecycle, p ports, sessions *session.Manager, users *authn.Service, keys *authn.APIKeys, journal *audit.Journal, l logger) {
	sweep := func(ctx context.Context) {
		now := s.Now()
		users.Sweep()
		_, errSessions := sessions.Prune(ctx)
		_, errRevocations := p.revocations.PruneRevocations(ctx, now)
		_, errOneTime := p.oneTime.PruneOneTime(ctx, now)
		_, errCounters := p.counters.PruneCounters(ctx, now)
		_, errAssignments := p.assignments.PruneAssignments(ctx, now.Add(-assignmentsStay))
		var errKeys error
		if keys != nil {
			keys.Sweep()
			_, errKeys = keys.Prune(ctx)
		}
		var errFactors error
		if s.MFA.Enabled {
			_, errFactors = p.factors.PruneFactors(ctx, now)
		}
		var errJournal error
		if journal != nil {
			_, errJournal = journal.Prune(ctx)
		}
		for _, err := range []error{errSessions, errRevocations, errOneTime, errCounters, errAssignments, errKeys, errFactors, errJournal} {
			if err != nil && ctx.Err() == nil {
				l.named().Warn("expired records could not be dropped; the next sweep tries again", "error", err)
			}
		}
	}
	background(lc, func(ctx context.Context) { every(ctx, sweepEvery, func() { sweep(ctx) }) })
}

// background runs a job from the application's start to its stop, which waits for it and then calls after.
func background(lc fx.Lifecycle, job func(context.Context), after ...func()) {
	var running sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	lc.Append(fx.Hook{
		OnStart: func(context.Context) error {
			running.Go(func() { job(ctx) })
			return nil
		},
		OnStop: func(context.Context) error {
			cancel()
			running.Wait()
			for _, do := range after {
				do()
			}
			return nil
		},
	})
}

func every(ctx context.Context, interval time.Duration, do func()) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			do()
		}
	}
}
