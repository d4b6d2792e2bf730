package session

import (
	"context"
	"errors"
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

// RevokeIn ends one session of the tenant, whosever it is, or returns [authn.ErrNotFound].
func (m *Manager) RevokeIn(ctx context.Context, t authn.Tenant, id string) error {
	record, err := m.deps.Store.Session(ctx, t, id)
	if errors.Is(err, authn.ErrNotFound) {
		return authn.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("session: find: %w", err)
	}
	return m.Revoke(ctx, record.Subject, id)
}

// RevokeAll ends all sessions of the subject, and returns how many.
func (m *Manager) RevokeAll(ctx context.Context, s authn.Subject) (int, error) {
	return m.CloseAll(ctx, s, "", authn.EndRevoked)
}

// RevokeOthers ends all sessions of the subject but the one it names, and returns how many.
func (m *Manager) RevokeOthers(ctx context.Context, s authn.Subject, keep string) (int, error) {
	return m.CloseAll(ctx, s, keep, authn.EndRevoked)
}

// end ends sessions and tells all nodes of it.
func (m *Manager) end(ctx context.Context, s authn.Subject, which Selection, why authn.EndReason) (ended []Record, err error) {
	write := func(ctx context.Context) error {
		ended, err = m.deps.Store.EndSessions(ctx, s, which, m.deps.Now().UTC(), why)
		return err
	}
	switch {
	case which.Only != "":
		err = m.endOne(ctx, s, which.Only, write)
	case which.Except != "":
		err = m.deps.Revocations.ChangeAccount(ctx, s, write)
	default:
		err = m.deps.Revocations.EndSessions(ctx, s, write)
	}
	if err != nil {
		return nil, fmt.Errorf("session: end: %w", err)
	}
	m.ended(ctx, ended)
	return ended, nil
}

// endOne tells of a session of the subject that has tokens, and of no other's.
func (m *Manager) endOne(ctx context.Context, s authn.Subject, id string, write func(context.Context) error) error {
	record, err := m.deps.Store.Session(ctx, s.Tenant, id)
	switch {
	case errors.Is(err, authn.ErrNotFound):
		return nil
	case err != nil:
		return err
	case record.Subject != s || !record.Live(m.deps.Now()):
		return nil
	case record.Carrier != authn.CarrierToken:
		return write(ctx)
	}
	return m.deps.Revocations.EndSession(ctx, s.Tenant, id, m.tokensUntil(), write)
}

// tokensUntil is when the last access token of a session that ends now has expired, by every node's clock.
func (m *Manager) tokensUntil() time.Time {
	return m.deps.Now().Add(m.deps.TokenLifetime + clockLeeway)
}

// announce tells all nodes that the tokens of one subject's sessions, which have ended, are dead. A
// cookie's session has none. The caller's leaving does not stop it.
func (m *Manager) announce(ctx context.Context, records []Record) error {
	var tenant authn.Tenant
	var ids []string
	for _, r := range records {
		if r.Carrier == authn.CarrierToken {
			tenant, ids = r.Subject.Tenant, append(ids, r.ID)
		}
	}
	return m.deps.Revocations.RevokeSessions(context.WithoutCancel(ctx), tenant, m.tokensUntil(), ids...)
}

// abandon ends a session whose secret was not handed out.
func (m *Manager) abandon(ctx context.Context, r Record) error {
	_, err := m.deps.Store.EndSessions(context.WithoutCancel(ctx), r.Subject, Selection{Only: r.ID}, m.deps.Now().UTC(), authn.EndRevoked)
	return err
}

func (m *Manager) ended(ctx context.Context, records []Record) {
	for _, r := range records {
		m.deps.Events.Emit(ctx, audit.Event{
			Type: audit.SessionEnded, Tenant: string(r.Subject.Tenant), Subject: r.Subject.ID, SessionID: r.ID, Reason: string(r.EndReason),
		})
	}
}

const (
	// longestToken is the default of [Deps.TokenLifetime].
	longestToken = 24 * time.Hour
	// clockLeeway keeps an announcement longer than what it ends, for nodes whose clock is behind.
	clockLeeway = time.Minute
)

// limitReached is what a login gets that would exceed the limit.
func (m *Manager) limitReached() error {
	if m.cfg.OnLimit == Ask {
		return authn.ErrSessionChoice
	}
	return authn.ErrSessionLimit
}

// keepEnded is how long the record of an ended session is kept.
const keepEnded = 24 * time.Hour

// Prune drops the records of sessions that ended more than a day ago, and of devices that were not used for 400 days. It returns how many sessions it dropped.
func (m *Manager) Prune(ctx context.Context) (int, error) {
	n, err := m.deps.Store.PruneSessions(ctx, m.deps.Now().UTC().Add(-keepEnded))
	if err != nil {
		return 0, fmt.Errorf("session: prune: %w", err)
	}
	if m.deps.Devices == nil {
		return n, nil
	}
	if _, err := m.deps.Devices.PruneDevices(ctx, m.deps.Now().UTC().Add(-keepDevices)); err != nil {
		return n, fmt.Errorf("session: prune devices: %w", err)
	}
	return n, nil
}
