package storeguard

import (
	"context"
	"time"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/session"
)

type sessions struct {
	g *Guard
	s session.Store
}

var _ session.Store = sessions{}

// Sessions guards sessions.
func (g *Guard) Sessions(s session.Store) session.Store { return sessions{g, s} }

// CreateSession implements [session.Store].
func (p sessions) CreateSession(ctx context.Context, r session.Record, limit session.Limit) ([]session.Record, error) {
	return write(ctx, p.g, "CreateSession", func(ctx context.Context) ([]session.Record, error) { return p.s.CreateSession(ctx, r, limit) })
}

// Session implements [session.Store].
func (p sessions) Session(ctx context.Context, t authn.Tenant, id string) (session.Record, error) {
	return read(ctx, p.g, "Session", func(ctx context.Context) (session.Record, error) { return p.s.Session(ctx, t, id) })
}

// RotateSession implements [session.Store].
func (p sessions) RotateSession(ctx context.Context, r session.Rotation) error {
	return do(ctx, p.g, "RotateSession", func(ctx context.Context) error { return p.s.RotateSession(ctx, r) })
}

// ProveSession implements [session.Store].
func (p sessions) ProveSession(ctx context.Context, t authn.Tenant, id string, proved session.Proved, now time.Time) (session.Record, error) {
	return write(ctx, p.g, "ProveSession", func(ctx context.Context) (session.Record, error) {
		return p.s.ProveSession(ctx, t, id, proved, now)
	})
}

// TouchSessions implements [session.Store].
func (p sessions) TouchSessions(ctx context.Context, touches ...session.Touch) error {
	return do(ctx, p.g, "TouchSessions", func(ctx context.Context) error { return p.s.TouchSessions(ctx, touches...) })
}

// EndSessions implements [session.Store].
func (p sessions) EndSessions(ctx context.Context, s authn.Subject, which session.Selection, now time.Time, why authn.EndReason) ([]session.Record, error) {
	return write(ctx, p.g, "EndSessions", func(ctx context.Context) ([]session.Record, error) { return p.s.EndSessions(ctx, s, which, now, why) })
}

// Sessions implements [session.Store].
func (p sessions) Sessions(ctx context.Context, s authn.Subject, now time.Time) ([]session.Record, error) {
	return read(ctx, p.g, "Sessions", func(ctx context.Context) ([]session.Record, error) { return p.s.Sessions(ctx, s, now) })
}

// TenantSessions implements [session.Store].
func (p sessions) TenantSessions(ctx context.Context, t authn.Tenant, now time.Time, after string, limit int) (session.Page, error) {
	return read(ctx, p.g, "TenantSessions", func(ctx context.Context) (session.Page, error) {
		return p.s.TenantSessions(ctx, t, now, after, limit)
	})
}

// PruneSessions implements [session.Store].
func (p sessions) PruneSessions(ctx context.Context, before time.Time) (int, error) {
	return sweep(ctx, p.g, "PruneSessions", func(ctx context.Context) (int, error) { return p.s.PruneSessions(ctx, before) })
}
