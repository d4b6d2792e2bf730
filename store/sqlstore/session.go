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
	var evicted []session.Record
	err = s.write(ctx, "create session", func(t txn) (err error) {
		if evicted, err = makeRoom(ctx, t, r, limit); err != nil {
			return err
		}
		n, err := t.exec(ctx, insertSession, row...)
		if err == nil && n == 0 {
			return errSessionExists
		}
		return err
	}, insertSession, countLive, oldestLive, endSession)
	if err != nil {
		return nil, err
	}
	return evicted, nil
}

// makeRoom ends as many sessions as r needs under the limit, or returns [session.ErrLimit].
func makeRoom(ctx context.Context, t txn, r session.Record, limit session.Limit) ([]session.Record, error) {
	if limit.Max <= 0 {
		return nil, nil
	}
	at := micros(r.CreatedAt)
	live, err := oneOf(ctx, t, scanInt, countLive, r.Subject.Tenant, r.Subject.ID, at, at)
	if err != nil || live < int64(limit.Max) {
		return nil, err
	}
	if limit.Policy != session.EvictOldest {
		return nil, session.ErrLimit
	}
	rows, err := t.query(ctx, oldestLive, r.Subject.Tenant, r.Subject.ID, at, at, live-int64(limit.Max)+1)
	evicted, err := collect(rows, err, scanSession)
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
	args := append([]any{blob(r.NextHash), micros(r.Use.At)}, useArgs(r.Use)...)
	args = append(args, r.Tenant, r.ID, micros(r.Use.At), micros(r.Use.At), r.Generation, blob(r.SecretHash))
	n, err := s.exec(ctx, "rotate session", rotateSession, args...)
	if err == nil && n == 0 {
		return authn.ErrConflict
	}
	return err
}

// TouchSessions implements [session.Store], in one transaction.
func (s *Store) TouchSessions(ctx context.Context, touches ...session.Touch) error {
	return s.write(ctx, "touch sessions", func(t txn) error {
		for _, touch := range touches {
			at := micros(touch.Use.At)
			if _, err := t.exec(ctx, touchSession, append(useArgs(touch.Use), touch.Tenant, touch.ID, at, at)...); err != nil {
				return err
			}
		}
		return nil
	}, touchSession)
}

// EndSessions implements [session.Store].
func (s *Store) EndSessions(ctx context.Context, sub authn.Subject, which session.Selection, now time.Time, why authn.EndReason) ([]session.Record, error) {
	var ended []session.Record
	at := micros(now)
	err := s.write(ctx, "end sessions", func(t txn) error {
		rows, err := t.query(ctx, endSessions, at, why, sub.Tenant, sub.ID, at, at,
			which.Only, which.Only, which.Except, which.Except)
		ended, err = collect(rows, err, scanSession)
		return err
	}, endSessions)
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
func (s *Store) TenantSessions(ctx context.Context, t authn.Tenant, now time.Time, after string, limit int) ([]session.Record, error) {
	return list(ctx, s, "tenant sessions", scanSession, tenantSessions, t, after, micros(now), micros(now), max(limit, 0))
}

// PruneSessions implements [session.Store].
func (s *Store) PruneSessions(ctx context.Context, before time.Time) (int, error) {
	at := micros(before)
	return s.exec(ctx, "prune sessions", pruneSessions, at, at, at)
}

// sortLastUsed orders records as liveSessions does; what RETURNING returns has no order.
func sortLastUsed(list []session.Record) {
	slices.SortFunc(list, func(a, b session.Record) int {
		return cmp.Or(b.LastUsedAt.Compare(a.LastUsedAt), cmp.Compare(b.ID, a.ID))
	})
}
