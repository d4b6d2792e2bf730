package session

import (
	"context"
	"fmt"
	"time"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
)

// Close implements [authn.Sessions].
func (m *Manager) Close(ctx context.Context, s authn.Subject, id string, why authn.EndReason) error {
	if id == "" {
		return authn.ErrNotFound
	}
	ended, err := m.end(ctx, s, Selection{Only: id}, why)
	if err == nil && len(ended) == 0 {
		return authn.ErrNotFound
	}
	return err
}

// CloseAll implements [authn.Sessions].
func (m *Manager) CloseAll(ctx context.Context, s authn.Subject, except string, why authn.EndReason) (int, error) {
	ended, err := m.end(ctx, s, Selection{Except: except}, why)
	return len(ended), err
}

// Revoke ends one session of the subject: its cookie, its refresh token and
// its access tokens are dead when the call returns. It returns
// [authn.ErrNotFound] when the subject has no such live session.
func (m *Manager) Revoke(ctx context.Context, s authn.Subject, id string) error {
	return m.Close(ctx, s, id, authn.EndRevoked)
}

// RevokeOthers ends all sessions of the subject but the one it names, and returns how many.
func (m *Manager) RevokeOthers(ctx context.Context, s authn.Subject, keep string) (int, error) {
	return m.CloseAll(ctx, s, keep, authn.EndRevoked)
}

func (m *Manager) end(ctx context.Context, s authn.Subject, which Selection, why authn.EndReason) ([]Record, error) {
	ended, err := m.deps.Store.EndSessions(ctx, s, which, m.deps.Now().UTC(), why)
	if err != nil {
		return nil, fmt.Errorf("session: end: %w", err)
	}
	m.ended(ctx, ended)
	return ended, nil
}

func (m *Manager) ended(ctx context.Context, records []Record) {
	for _, r := range records {
		m.deps.Events.Emit(ctx, audit.Event{
			Type: audit.SessionEnded, Tenant: string(r.Subject.Tenant), Subject: r.Subject.ID, SessionID: r.ID, Reason: string(r.EndReason),
		})
	}
}

// keepEnded is how long the record of an ended session is kept.
const keepEnded = 24 * time.Hour

// Prune drops the records of sessions that ended more than a day ago and returns how many.
func (m *Manager) Prune(ctx context.Context) (int, error) {
	n, err := m.deps.Store.PruneSessions(ctx, m.deps.Now().UTC().Add(-keepEnded))
	if err != nil {
		return 0, fmt.Errorf("session: prune: %w", err)
	}
	return n, nil
}
