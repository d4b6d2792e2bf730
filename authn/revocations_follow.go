package authn

import (
	"context"
	"fmt"
	"time"
)

// Run follows the log until ctx ends, and returns ctx's error.
func (r *Revocations) Run(ctx context.Context) error {
	ticker := time.NewTicker(readLogEvery)
	defer ticker.Stop()
	failing := false
	for {
		err := r.reads.do(ctx, r.read)
		if err != nil && ctx.Err() == nil && !failing {
			r.deps.Log.WarnContext(ctx, "the revocation log cannot be read; requests are refused when that lasts", "error", err, "after", r.cfg.maxStale())
		}
		failing = err != nil
		if failing && r.stale(r.deps.Now()) {
			r.tellRules("", true) // who asks for rules reads them, until the log says again what changed
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		case <-r.wake:
		}
	}
}

// fresh makes sure that the view is as fresh as the mode demands, or says
// why not. A view that is old, but not too old, is read again by one request, which waits for it a moment; the
// others go on. Where the store told of entries that were not read yet, all wait for them.
func (r *Revocations) fresh(ctx context.Context, now time.Time) error {
	if r.cfg.Mode == RevocationStrict {
		if err := r.reads.do(ctx, r.read); err != nil {
			return wrapped("read the revocation log", err)
		}
		return nil
	}
	readAt := time.Duration(r.readAt.Load())
	age := r.clock(now) - readAt
	usable, behind := !r.stale(now), r.told.Load() != r.heard.Load()
	if usable && !behind && (age < readAgainAfter || r.beingRead(now)) {
		return nil
	}
	waiting, cancel := ctx, context.CancelFunc(func() {})
	if usable && !behind {
		waiting, cancel = context.WithTimeout(ctx, patience)
	}
	defer cancel()
	err := r.reads.do(waiting, r.read)
	if err == nil || usable && ctx.Err() == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrRevocationsStale, err)
}

// stale reports whether the view is older than it may be.
func (r *Revocations) stale(now time.Time) bool {
	readAt := time.Duration(r.readAt.Load())
	return readAt < 0 || r.clock(now)-readAt > r.cfg.maxStale()
}

// beingRead reports whether somebody reads the log, or has just tried to.
func (r *Revocations) beingRead(now time.Time) bool {
	return r.reads.busy() || r.clock(now)-time.Duration(r.triedAt.Load()) < readLogEvery
}

// read brings the view up to the log's present end.
func (r *Revocations) read(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	now := r.deps.Now()
	r.triedAt.Store(int64(r.clock(now)))
	told, missed := r.told.Load(), r.missed(now)
	for more := true; more; {
		after := r.position.Load()
		entries, head, err := r.deps.Store.Revocations(ctx, after, logPage)
		if err != nil {
			return err
		}
		if head < after {
			r.restart()
			continue
		}
		r.apply(entries, now)
		more = len(entries) >= logPage
		if len(entries) > 0 {
			after = entries[len(entries)-1].Position
		}
		if !more {
			after = max(after, head)
		}
		r.position.Store(after)
	}
	if missed {
		r.tellRules("", true)
	}
	r.heard.Store(told)
	r.readAt.Store(int64(r.clock(now)))
	r.readTime.Store(now.Unix())
	r.sweep(now)
	return nil
}

// missed reports whether changes may have come and left the log again since it was last read. It goes by
// the system's time, which passes while a machine sleeps.
func (r *Revocations) missed(now time.Time) bool {
	last := r.readTime.Load()
	return last != 0 && now.Unix()-last > int64(changeKept/time.Second)/2
}

// restart is for a store that lost its latest entries: what it has is read
// from the beginning, and nothing that was remembered before counts. What is dead stays dead.
func (r *Revocations) restart() {
	r.readAt.Store(-1) // nobody is let in by what is left
	r.deps.Log.Warn("the revocation log begins anew: the store lost entries")
	r.table.forgetChanges()
	r.position.Store(0)
	r.tellRules("", true)
	r.era.Add(1)
	r.version.Add(1)
}

// apply makes entries count. The version comes last: who still sees the old
// one may have looked before, and who sees the new one finds the entries.
func (r *Revocations) apply(entries []Revocation, now time.Time) {
	if len(entries) == 0 {
		return
	}
	hold := r.clock(now) + holdFor
	for _, e := range entries {
		until := unixSeconds(e.Until)
		switch e.Kind {
		case RevokedToken, RevokedSession, RevokedKey:
			r.table.kill(r.mark.of(e.Kind, e.Tenant, e.ID), until)
			r.dropped(e)
		case ChangedRules:
			r.tellRules(e.Tenant, false)
		case EndedSessions:
			r.table.alter(r.mark.of(ChangedAccount, e.Tenant, e.ID), change{at: e.Position, ended: e.Position, hold: hold, until: until})
		default: // what this version does not know is a change as well
			r.table.alter(r.mark.of(e.Kind, e.Tenant, e.ID), change{at: e.Position, hold: hold, until: until})
		}
	}
	r.version.Add(1)
}

// dropped tells the key ring of a revoked signing key.
func (r *Revocations) dropped(e Revocation) {
	if drop := r.drop.Load(); drop != nil && e.Kind == RevokedKey {
		(*drop)(e.ID)
	}
}

func (r *Revocations) tellRules(t Tenant, all bool) {
	if tell := r.rules.Load(); tell != nil {
		(*tell)(t, all)
	}
}

// sweep runs at most once a minute.
func (r *Revocations) sweep(now time.Time) {
	const every = int64(time.Minute)
	at, last := int64(r.clock(now)), r.swept.Load()
	if at-last >= every && r.swept.CompareAndSwap(last, at) {
		r.table.sweep(uint32(max(now.Unix(), 0)))
	}
}
