package memstore

import (
	"bytes"
	"context"
	"crypto/subtle"
	"errors"
	"slices"
	"time"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/session"
)

var errSessionExists = errors.New("memstore: create session: the ID exists already")

// CreateSession implements [session.Store]. An ID that exists already is an
// error. Any policy but EvictOldest refuses.
func (s *Store) CreateSession(ctx context.Context, r session.Record, limit session.Limit) ([]session.Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	rec := keep(r)
	t := &s.sessions
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, exists := t.byID[rec.key()]; exists {
		return nil, errSessionExists
	}
	if len(t.byID) >= s.records && t.prune(rec.createdAt.time()) == 0 {
		return nil, ErrFull
	}
	evicted, err := t.makeRoom(rec, limit)
	if err != nil {
		return nil, err
	}
	t.insert(rec)
	return evicted, nil
}

// makeRoom ends as many sessions of the subject as the limit asks for, or refuses.
func (t *sessions) makeRoom(r *kept, limit session.Limit) ([]session.Record, error) {
	if limit.Max <= 0 || r.actor != "" {
		return nil, nil
	}
	now := r.createdAt.time()
	live := slices.DeleteFunc(t.live(r.subject, now), func(r *kept) bool { return r.actor != "" })
	if len(live) < limit.Max {
		return nil, nil
	}
	if limit.Policy != session.EvictOldest {
		return nil, session.ErrLimit
	}
	slices.Reverse(live)
	return t.endAll(live[:len(live)-limit.Max+1], now, authn.EndEvicted), nil
}

// Session implements [session.Store].
func (s *Store) Session(ctx context.Context, tenant authn.Tenant, id string) (session.Record, error) {
	if err := ctx.Err(); err != nil {
		return session.Record{}, err
	}
	s.sessions.mu.RLock()
	defer s.sessions.mu.RUnlock()
	r, found := s.sessions.byID[sessionKey{tenant, id}]
	if !found {
		return session.Record{}, authn.ErrNotFound
	}
	return r.record(), nil
}

// RotateSession implements [session.Store].
func (s *Store) RotateSession(ctx context.Context, n session.Rotation) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.sessions.mu.Lock()
	defer s.sessions.mu.Unlock()
	r, found := s.sessions.byID[sessionKey{n.Tenant, n.ID}]
	if !found || !r.live(n.Use.At) || r.generation != n.Generation ||
		subtle.ConstantTimeCompare(r.secretHash, n.SecretHash) != 1 {
		return authn.ErrConflict
	}
	r.generation++
	r.previousHash, r.secretHash = r.secretHash, bytes.Clone(n.NextHash)
	r.rotatedAt = moment(n.Use.At)
	if n.Proved != nil {
		r.prove(*n.Proved)
	}
	r.use(n.Use)
	return nil
}

// ProveSession implements [session.Store].
func (s *Store) ProveSession(ctx context.Context, tenant authn.Tenant, id string, p session.Proved, now time.Time) (session.Record, error) {
	if err := ctx.Err(); err != nil {
		return session.Record{}, err
	}
	s.sessions.mu.Lock()
	defer s.sessions.mu.Unlock()
	r, found := s.sessions.byID[sessionKey{tenant, id}]
	if !found || !r.live(now) {
		return session.Record{}, authn.ErrNotFound
	}
	r.prove(p)
	return r.record(), nil
}

// TouchSessions implements [session.Store].
func (s *Store) TouchSessions(ctx context.Context, touches ...session.Touch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.sessions.mu.Lock()
	defer s.sessions.mu.Unlock()
	for _, t := range touches {
		if r, found := s.sessions.byID[sessionKey{t.Tenant, t.ID}]; found && r.live(t.Use.At) {
			r.use(t.Use)
		}
	}
	return nil
}

// EndSessions implements [session.Store].
func (s *Store) EndSessions(ctx context.Context, sub authn.Subject, which session.Selection, now time.Time, why authn.EndReason) ([]session.Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.sessions.mu.Lock()
	defer s.sessions.mu.Unlock()
	chosen := slices.DeleteFunc(s.sessions.live(sub, stamp(now)), func(r *kept) bool {
		return which.Only != "" && r.id != which.Only || which.Except != "" && r.id == which.Except
	})
	return s.sessions.endAll(chosen, stamp(now), why), nil
}

// Sessions implements [session.Store].
func (s *Store) Sessions(ctx context.Context, sub authn.Subject, now time.Time) ([]session.Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.sessions.mu.RLock()
	defer s.sessions.mu.RUnlock()
	live := s.sessions.live(sub, stamp(now))
	list := make([]session.Record, 0, len(live))
	for _, r := range live {
		list = append(list, r.record())
	}
	return list, nil
}

// TenantSessions implements [session.Store]. It looks at all sessions.
func (s *Store) TenantSessions(ctx context.Context, tenant authn.Tenant, now time.Time, after string, limit int) (session.Page, error) {
	if err := ctx.Err(); err != nil {
		return session.Page{}, err
	}
	s.sessions.mu.RLock()
	defer s.sessions.mu.RUnlock()
	ids := []string{}
	for k, r := range s.sessions.byID {
		if k.tenant == tenant && k.id > after && r.live(now) {
			ids = append(ids, k.id)
		}
	}
	slices.Sort(ids)
	list := []session.Record{}
	for _, id := range page(ids, after, limit) {
		list = append(list, s.sessions.byID[sessionKey{tenant, id}].record())
	}
	return session.PageOf(list, limit), nil
}

// PruneSessions implements [session.Store].
func (s *Store) PruneSessions(ctx context.Context, before time.Time) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	s.sessions.mu.Lock()
	defer s.sessions.mu.Unlock()
	return s.sessions.prune(stamp(before)), nil
}
