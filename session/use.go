package session

import (
	"context"
	"fmt"
	"time"

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
	if why := record.Confirmation.Unproved(client); why != "" { // before the use is recorded: it is none
		m.deps.Events.Emit(ctx, authn.BindingFailed(record.Subject, record.ID, client, authn.CredentialCookie, why))
		return authn.Session{}, authn.ErrTokenBinding
	}
	return record.session(), m.touch(ctx, record, client)
}

func (m *Manager) touch(ctx context.Context, r Record, client authn.Client) error {
	now := m.deps.Now().UTC()
	if now.Sub(r.LastUsedAt) < touchEvery {
		return nil
	}
	if err := m.deps.Store.TouchSessions(ctx, Touch{r.Subject.Tenant, r.ID, m.use(client, r.Carrier, now)}); err != nil {
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
