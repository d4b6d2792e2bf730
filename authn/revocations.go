package authn

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"
)

// ErrRevocationsStale: the store did not answer for so long that what this
// node knows of revocations no longer counts. Requests are refused.
var ErrRevocationsStale = errors.New("authn: the revocation log could not be read for too long")

// Revocations is a node's revocation view: its picture of the revocation log,
// and the way to write to it. What this node writes counts at once; what
// others write counts within a second, at once where the store tells of it.
//
// Requests read the log themselves when the picture is too old, so it works
// without [Revocations.Run]; with it, no request waits. It is safe for concurrent use.
type Revocations struct {
	cfg   RevocationConfig
	deps  RevocationDeps
	mark  marker
	table revocationTable
	reads *coalesced
	// began is where the node's clock counts from. The difference of two of the system's times is not moved by an adjustment of the clock.
	began time.Time
	// version counts what was applied to the table: who has looked at it in this version need not look again.
	version atomic.Uint64
	// position is up to where the log was read without a gap.
	position atomic.Int64
	// era counts how often the log began anew; positions of two eras cannot be compared.
	era atomic.Uint64
	// readAt is the node's clock when the last successful reading began, negative for never; triedAt that of the last reading at all.
	readAt, triedAt atomic.Int64
	// readTime is when it began by the system's time, in Unix seconds; zero for never.
	readTime atomic.Int64
	// told counts what a store told of new entries, heard is up to which of that the log was read.
	told, heard atomic.Int64
	wake        chan struct{}
	swept       atomic.Int64
	unwatch     func()
	// drop is told of revoked signing keys; nil for nobody.
	drop atomic.Pointer[func(kid string)]
	// rules is told of changed rules; nil for nobody.
	rules atomic.Pointer[func(t Tenant, all bool)]
}

// RevocationDeps are what [Revocations] work with. Store is required.
type RevocationDeps struct {
	Store RevocationStore
	// SessionLifetime is the longest that a session lives; an [EndedSessions] entry is kept as long. Defaults to 30 days.
	SessionLifetime time.Duration
	// Log defaults to slog.Default, Now to time.Now.
	Log *slog.Logger
	Now func() time.Time
}

// NewRevocations returns a view that has read nothing yet. Where the store
// tells of new entries, it is asked to: see [Revocations.Close].
func NewRevocations(cfg RevocationConfig, deps RevocationDeps) (*Revocations, error) {
	cfg = cfg.WithDefaults()
	if deps.Store == nil {
		return nil, errors.New("authn: a revocation view needs a store")
	}
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if deps.SessionLifetime <= 0 {
		deps.SessionLifetime = defaultSessionLifetime
	}
	if deps.Log == nil {
		deps.Log = slog.Default()
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	r := &Revocations{cfg: cfg, deps: deps, mark: newMarker(), reads: newCoalesced(), began: deps.Now(), wake: make(chan struct{}, 1), unwatch: func() {}}
	r.readAt.Store(-1)
	if watched, ok := deps.Store.(RevocationWatcher); ok {
		r.unwatch = watched.WatchRevocations(func() {
			r.told.Add(1)
			r.stir()
		})
	}
	return r, nil
}

const defaultSessionLifetime = 30 * 24 * time.Hour

// Close ends the watching of the store. The view can still be used.
func (r *Revocations) Close() { r.unwatch() }

// OnRevokedKey has drop called with the kid of every signing key that the log
// says is revoked, once or more, such as [KeyManager.DropKey]. One function has a place; it must not block.
func (r *Revocations) OnRevokedKey(drop func(kid string)) { r.drop.Store(&drop) }

// OnChangedRules has changed called for every change of a tenant's roles and policies, before it counts as
// read, and with all when changes of any tenant may have been missed. One function has a place; it must not block.
func (r *Revocations) OnChangedRules(changed func(t Tenant, all bool)) {
	if r != nil {
		r.rules.Store(&changed)
	}
}

// stir has the log read soon.
func (r *Revocations) stir() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// clock is the time since the view was made.
func (r *Revocations) clock(now time.Time) time.Duration { return now.Sub(r.began) }

// ended reports whether a session of the account, opened at the position, was ended with all others since.
func (r *Revocations) ended(s Subject, position int64) bool {
	if r.table.lastEnded.Load() <= position { // nobody's were
		return false
	}
	return r.table.change(r.mark.of(ChangedAccount, s.Tenant, s.ID)).ended > position ||
		r.table.change(r.mark.of(ChangedAccount, s.Tenant, "")).ended > position
}

// EndedSince reports whether all sessions of the account, or of its tenant,
// were ended after the position, which [Revocations.Position] returned when
// the session was opened. Every session counts as ended while the log cannot be read: that is the error. So does one that was
// opened at a later position than the log has reached: the log lost entries since, and one of them may have ended it.
func (r *Revocations) EndedSince(ctx context.Context, s Subject, position int64) (bool, error) {
	if r == nil {
		return false, nil
	}
	if err := r.fresh(ctx, r.deps.Now()); err != nil {
		return true, err
	}
	if reached, err := r.reaches(ctx, position); !reached || err != nil {
		return true, err
	}
	return r.ended(s, position), nil
}

// reaches reports whether the log has come to the position. Another node may have given
// it out a moment ago, so the log is read once more before the answer is no.
func (r *Revocations) reaches(ctx context.Context, position int64) (bool, error) {
	if position <= r.position.Load() {
		return true, nil
	}
	at, err := r.Position(ctx)
	return position <= at, err
}

// Position reads the log and returns its position. Who reads an account after
// it and stores the position with what comes of that can tell later whether the account changed since.
func (r *Revocations) Position(ctx context.Context) (int64, error) {
	if r == nil {
		return 0, nil
	}
	if err := r.reads.do(ctx, r.read); err != nil {
		return 0, wrapped("read the revocation log", err)
	}
	return r.position.Load(), nil
}

// Ready makes sure that the view may be decided by, as each request does, and says why not: [ErrRevocationsStale].
func (r *Revocations) Ready(ctx context.Context) error {
	if r == nil {
		return nil
	}
	return r.fresh(ctx, r.deps.Now())
}

// TokenRevoked reports whether the access token with that jti was revoked by itself. An error means that it cannot be told.
func (r *Revocations) TokenRevoked(ctx context.Context, t Tenant, id string) (bool, error) {
	if err := r.fresh(ctx, r.deps.Now()); err != nil {
		return true, err
	}
	return r.table.isDead(r.mark.of(RevokedToken, t, id)), nil
}
