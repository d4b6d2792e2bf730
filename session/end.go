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

// RevokeOthers ends all sessions of the subject but the one it names, and returns how many. It forgets devices as [Manager.ForgetOtherDevices] does.
func (m *Manager) RevokeOthers(ctx context.Context, s authn.Subject, keep string) (int, error) {
	ended, err := m.CloseAll(ctx, s, keep, authn.EndRevoked)
	if err != nil {
		return 0, err
	}
	return ended, m.ForgetOtherDevices(context.WithoutCancel(ctx), s, keep)
}

// end ends sessions and tells all nodes of it. What has ended is told of to
// the listeners also when the nodes could not be told: asking again would find nothing to end.
func (m *Manager) end(ctx context.Context, s authn.Subject, which Selection, why authn.EndReason, with ...*audit.Act) ([]Record, error) {
	e := &ending{m: m, subject: s, which: which, why: why, act: m.endedAct(ctx), with: with}
	err := e.run(ctx)
	e.act.TellOf(ctx, e.ended)
	if err != nil {
		return nil, fmt.Errorf("session: end: %w", err)
	}
	return e.ended, nil
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

// abandon ends a session whose secret was not handed out. Nobody is told of it; the journal has the session and so its end.
func (m *Manager) abandon(ctx context.Context, r Record) error {
	_, err := m.deps.Store.EndSessions(m.endedAct(ctx).In(context.WithoutCancel(ctx)), r.Subject, Selection{Only: r.ID}, m.deps.Now().UTC(), authn.EndRevoked)
	return err
}

// withdraw is for a session that may have been stored although the store
// returned an error: it would count against the limit, and nobody has its secret. Where others may
// have been evicted for it, all nodes look at the account again.
func (m *Manager) withdraw(ctx context.Context, r Record, limit Limit) error {
	abandon := func(ctx context.Context) error { return m.abandon(ctx, r) }
	if limit.Max == 0 {
		return abandon(ctx)
	}
	return m.deps.Revocations.ChangeAccount(context.WithoutCancel(ctx), r.Subject, abandon)
}

// endedAct is the end of the sessions that the store names.
func (m *Manager) endedAct(ctx context.Context) *audit.Act {
	return m.deps.Events.ActOf(func(outcome any) (events []audit.Event) {
		records, _ := outcome.([]Record)
		for _, r := range records {
			events = append(events, audit.Event{
				Type: audit.SessionEnded, Tenant: string(r.Subject.Tenant), Subject: r.Subject.ID, SessionID: r.ID, Reason: string(r.EndReason),
				Actor: authn.EnderOf(ctx, r.Subject, r.Actor),
			})
		}
		return events
	})
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

// DefaultKeepEnded is the default of [Deps.KeepEnded].
const DefaultKeepEnded = 10 * time.Minute

// Prune drops the records of sessions that ended [Deps.KeepEnded] ago, and of devices that were not used for 400 days. It returns how many sessions it dropped.
func (m *Manager) Prune(ctx context.Context) (int, error) {
	n, err := m.deps.Store.PruneSessions(ctx, m.deps.Now().UTC().Add(-m.deps.KeepEnded))
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
