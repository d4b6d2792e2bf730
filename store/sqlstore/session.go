package sqlstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/session"
)

var errSessionExists = errors.New("the ID exists already")

// CreateSession implements [session.Store]. An ID that exists already is an
// error. Any policy but EvictOldest refuses.
func (s *Store) CreateSession(ctx context.Context, r session.Record, limit session.Limit) ([]session.Record, error) {
	row, err := sessionRow(r)
	if err != nil {
		return nil, fmt.Errorf("sqlstore: create session: %w", err)
	}
	if limit.Max <= 0 || r.Actor != "" {
		n, err := s.exec(ctx, "create session", insertSession, row...)
		if err == nil && n == 0 {
			return nil, fail(ctx, "create session", errSessionExists)
		}
		return nil, err
	}
	var evicted []session.Record
	err = s.write(ctx, "create session", func(t txn) (err error) {
		if evicted, err = makeRoom(ctx, t, r, limit); err != nil {
			return err
		}
		n, err := t.exec(ctx, insertSession, row...)
		if err == nil && n == 0 {
			return errSessionExists
		}
		t.done.outcome = evicted
		return err
	}, insertSession, countLive, oldestLive, endSession)
	if err != nil {
		return nil, err
	}
	return evicted, nil
}

// makeRoom ends as many sessions as r needs under the limit, or returns [session.ErrLimit].
func makeRoom(ctx context.Context, t txn, r session.Record, limit session.Limit) ([]session.Record, error) {
	if err := t.lockSubject(ctx, lockSessions, r.Subject); err != nil {
		return nil, err
	}
	at := micros(r.CreatedAt)
	live, err := oneOf(ctx, t, scanInt, countLive, r.Subject.Tenant, r.Subject.ID, at, at)
	if err != nil || live < int64(limit.Max) {
		return nil, err
	}
	if limit.Policy != session.EvictOldest {
		return nil, session.ErrLimit
	}
	evicted, err := allOf(ctx, t, scanSession, oldestLive, r.Subject.Tenant, r.Subject.ID, at, at, live-int64(limit.Max)+1)
	if err != nil {
		return nil, err
	}
	for i := range evicted {
		e := &evicted[i]
		e.EndedAt, e.EndReason = fromMicros(at), authn.EndEvicted
		if _, err := t.exec(ctx, endSession, at, e.EndReason, e.Subject.Tenant, e.ID); err != nil {
			return nil, err
		}
	}
	return evicted, nil
}

// Session implements [session.Store].
func (s *Store) Session(ctx context.Context, t authn.Tenant, id string) (session.Record, error) {
	return one(ctx, s, "session", scanSession, sessionByID, t, id)
}

// RotateSession implements [session.Store].
func (s *Store) RotateSession(ctx context.Context, r session.Rotation) error {
	const op = "rotate session"
	if r.Proved == nil {
		n, err := s.exec(ctx, op, rotateSession, rotateArgs(r)...)
		if err == nil && n == 0 {
			return authn.ErrConflict
		}
		return err
	}
	return s.write(ctx, op, func(t txn) error {
		n, err := t.exec(ctx, rotateSession, rotateArgs(r)...)
		if err == nil && n == 0 {
			return authn.ErrConflict
		}
		if err == nil {
			_, err = prove(ctx, t, r.Tenant, r.ID, *r.Proved, r.Use.At)
		}
		return err
	}, rotateSession, sessionToProve, proveSession)
}

func rotateArgs(r session.Rotation) []any {
	args := append([]any{blob(r.NextHash), micros(r.Use.At)}, useArgs(r.Use)...)
	return append(args, r.Tenant, r.ID, micros(r.Use.At), micros(r.Use.At), r.Generation, blob(r.SecretHash))
}

// ProveSession implements [session.Store].
func (s *Store) ProveSession(ctx context.Context, t authn.Tenant, id string, p session.Proved, now time.Time) (session.Record, error) {
	var proved session.Record
	err := s.write(ctx, "prove session", func(x txn) (err error) {
		proved, err = prove(ctx, x, t, id, p, now)
		return err
	}, sessionToProve, proveSession)
	if err != nil {
		return session.Record{}, err
	}
	return proved, nil
}

// prove locks the session's row, so that what another call proves meanwhile is added to what this one stores.
func prove(ctx context.Context, x txn, t authn.Tenant, id string, p session.Proved, now time.Time) (session.Record, error) {
	at := micros(now)
	r, err := oneOf(ctx, x, scanSession, sessionToProve, t, id, at, at)
	if err != nil {
		return session.Record{}, err
	}
	p.AuthTime, p.MFATime = fromMicros(micros(p.AuthTime)), fromMicros(micros(p.MFATime))
	r.Prove(p)
	methods, err := words(r.Methods)
	if err != nil {
		return session.Record{}, err
	}
	_, err = x.exec(ctx, proveSession, methods, micros(r.AuthTime), micros(r.MFATime), t, id)
	return r, err
}

// EndSessions implements [session.Store].
func (s *Store) EndSessions(ctx context.Context, sub authn.Subject, which session.Selection, now time.Time, why authn.EndReason) ([]session.Record, error) {
	at := micros(now)
	ended, err := returning(ctx, s, "end sessions", scanSession, endSessions, at, why, sub.Tenant, sub.ID, at, at,
		which.Only, which.Only, which.Except, which.Except)
	if err != nil {
		return nil, err
	}
	sortLastUsed(ended)
	return ended, nil
}

// Sessions implements [session.Store].
func (s *Store) Sessions(ctx context.Context, sub authn.Subject, now time.Time) ([]session.Record, error) {
	return list(ctx, s, "sessions", scanSession, liveSessions, sub.Tenant, sub.ID, micros(now), micros(now))
}

// TenantSessions implements [session.Store].
func (s *Store) TenantSessions(ctx context.Context, t authn.Tenant, now time.Time, after string, limit int) (session.Page, error) {
	records, err := list(ctx, s, "tenant sessions", scanSession, tenantSessions, t, after, micros(now), micros(now), max(limit, 0))
	return session.PageOf(records, limit), err
}

// PruneSessions implements [session.Store].
func (s *Store) PruneSessions(ctx context.Context, before time.Time) (int, error) {
	at := micros(before)
	return s.prune(ctx, "prune sessions", deadSessions, at, at, at)
}

// sortLastUsed orders records as liveSessions does; what RETURNING returns has no order.
func sortLastUsed(list []session.Record) {
	slices.SortFunc(list, func(a, b session.Record) int {
		return cmp.Or(b.LastUsedAt.Compare(a.LastUsedAt), cmp.Compare(b.ID, a.ID))
	})
}
