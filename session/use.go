package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/internal/credential"
	"github.com/authmodule/authmodule/setting"
)

// touchEvery is how often a use is written at most. The idle timeout counts
// from the last written use, so it may come early by as much.
const touchEvery = time.Second

// Live implements [authn.LiveSessions].
func (m *Manager) Live(ctx context.Context, t authn.Tenant, id string) (authn.Session, error) {
	record, err := m.find(ctx, t, id)
	if err != nil {
		return authn.Session{}, err
	}
	return record.session(), nil
}

// Resume implements [authn.LiveSessions].
func (m *Manager) Resume(ctx context.Context, cookie setting.Secret, client authn.Client) (authn.Session, error) {
	c, err := credential.Parse(kindCookie, cookie)
	if err != nil {
		return authn.Session{}, authn.ErrSessionEnded
	}
	record, err := m.find(ctx, authn.Tenant(c.Tenant()), c.ID)
	if err != nil {
		return authn.Session{}, err
	}
	if record.Carrier != authn.CarrierCookie || !sameHash(c.Secret, record) {
		return authn.Session{}, authn.ErrSessionEnded
	}
	return record.session(), m.touch(ctx, record, client)
}

func (m *Manager) touch(ctx context.Context, r Record, client authn.Client) error {
	now := m.deps.Now().UTC()
	if now.Sub(r.LastUsedAt) < touchEvery {
		return nil
	}
	if err := m.deps.Store.TouchSession(ctx, r.Subject.Tenant, r.ID, m.use(client, r.Carrier, now)); err != nil {
		return fmt.Errorf("session: record a use: %w", err)
	}
	return nil
}

func (m *Manager) use(client authn.Client, carrier authn.Carrier, now time.Time) Use {
	return Use{
		At: now, IdleAt: now.Add(m.idle(carrier)),
		IP: client.IPText(), UserAgent: authn.CleanUserAgent(client.UserAgent), Device: DeviceName(client.UserAgent),
	}
}

// Rotate implements [authn.Sessions].
func (m *Manager) Rotate(ctx context.Context, refresh setting.Secret, client authn.Client, issue func(authn.Session) error) (authn.Session, setting.Secret, error) {
	record, presented, err := m.present(ctx, refresh, client)
	if err != nil {
		return authn.Session{}, "", err
	}
	if err := issue(record.session()); err != nil {
		return authn.Session{}, "", err
	}
	next := presented.next(m.key(), record.ID)
	err = m.deps.Store.RotateSession(ctx, Rotation{
		Tenant: record.Subject.Tenant, ID: record.ID, Generation: record.Generation, SecretHash: record.SecretHash,
		NextHash: credential.Hash(next.secret), Use: m.use(client, record.Carrier, m.deps.Now().UTC()),
	})
	if err != nil {
		err = m.notRotated(ctx, refresh, client, record, next, err)
	}
	if err != nil {
		return authn.Session{}, "", err
	}
	record.Generation = next.generation
	return record.session(), m.encode(record, next.secret), nil
}

// notRotated finds out what became of a rotation that returned an error. On a
// conflict another call came first: what was presented is now old, or of an
// ended session. On any other error the store may have rotated all the same;
// then the child, which is derived, is handed out as if nothing had happened.
func (m *Manager) notRotated(ctx context.Context, refresh setting.Secret, client authn.Client, r Record, next refreshSecret, cause error) error {
	if errors.Is(cause, authn.ErrConflict) {
		if _, _, err := m.present(ctx, refresh, client); err != nil {
			return err
		}
		return authn.ErrRefreshInvalid
	}
	stored, err := m.find(context.WithoutCancel(ctx), r.Subject.Tenant, r.ID)
	if err == nil && next.matches(stored) {
		return nil
	}
	return fmt.Errorf("session: rotate: %w", cause)
}

// present finds the live session of a refresh token. A token of an older
// generation that proves itself ends the session; an unknown secret does not.
func (m *Manager) present(ctx context.Context, refresh setting.Secret, client authn.Client) (Record, refreshSecret, error) {
	c, err := credential.Parse(kindRefresh, refresh)
	if err != nil {
		return Record{}, refreshSecret{}, authn.ErrRefreshInvalid
	}
	presented, ok := parseRefreshSecret(c.Secret)
	if !ok {
		return Record{}, refreshSecret{}, authn.ErrRefreshInvalid
	}
	record, err := m.find(ctx, authn.Tenant(c.Tenant()), c.ID)
	if errors.Is(err, authn.ErrSessionEnded) {
		return Record{}, refreshSecret{}, authn.ErrRefreshInvalid
	}
	if err != nil {
		return Record{}, refreshSecret{}, err
	}
	switch {
	case record.Carrier != authn.CarrierToken:
		return Record{}, refreshSecret{}, authn.ErrRefreshInvalid
	case presented.matches(record):
		return record, presented, nil
	case presented.parent(record) || presented.ancestor(m.key(), record):
		return Record{}, refreshSecret{}, m.reused(ctx, record, client)
	}
	return Record{}, refreshSecret{}, authn.ErrRefreshInvalid
}

func (m *Manager) reused(ctx context.Context, r Record, client authn.Client) error {
	if _, err := m.end(ctx, r.Subject, Selection{Only: r.ID}, authn.EndReused); err != nil {
		return err
	}
	m.deps.Events.Emit(ctx, audit.Event{
		Type: audit.RefreshReused, Tenant: string(r.Subject.Tenant), Subject: r.Subject.ID, SessionID: r.ID,
		IP: client.IPText(), UserAgent: client.UserAgent,
	})
	return authn.ErrRefreshReused
}
