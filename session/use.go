package session

import (
	"context"
	"fmt"
	"time"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/internal/credential"
	"github.com/authmodule/authmodule/setting"
)

// touchEvery is how far apart two uses are at least that are told apart.
const touchEvery = time.Second

// Live implements [authn.LiveSessions].
func (m *Manager) Live(ctx context.Context, t authn.Tenant, id string) (authn.Session, error) {
	record, err := m.find(ctx, t, id)
	if err != nil {
		return authn.Session{}, err
	}
	return record.session(), nil
}

// Resume implements [authn.LiveSessions]. It takes one look into the store; the use is stored later, by [Manager.Run].
func (m *Manager) Resume(ctx context.Context, cookie setting.Secret, client authn.Client) (authn.Session, error) {
	c, err := credential.ParseDigest(kindCookie, cookie)
	if err != nil {
		return authn.Session{}, authn.ErrSessionEnded
	}
	l, err := m.carried(ctx, c)
	if err != nil {
		return authn.Session{}, err
	}
	if why := l.Confirmation.Unproved(client); why != "" { // before the use is recorded: it is none
		m.deps.Events.Emit(ctx, authn.BindingFailed(l.Subject, l.ID, client, authn.CredentialCookie, why))
		return authn.Session{}, authn.ErrTokenBinding
	}
	return l.session(), m.touch(ctx, &l, client)
}

// touch saves the use up, or stores it when nobody does so later, or the session ends soon as it is stored.
func (m *Manager) touch(ctx context.Context, l *living, client authn.Client) error {
	now := l.at.UTC().Truncate(time.Microsecond)
	if now.Sub(l.LastUsedAt) < touchEvery {
		return nil
	}
	idle := m.idle(l.Carrier, l.Remember)
	use := pendingUse{at: now, due: now.Add(m.cfg.saveUp()), ends: l.ends, idle: idle, ip: client.IP, userAgent: client.UserAgent}
	if use.userAgent == l.UserAgent {
		use.userAgent = l.UserAgent // the same memory, not the request's
	}
	k := useKey{l.Subject.Tenant, l.ID}
	if m.running.Load() && m.uses.note(k, use) {
		return nil
	}
	if err := m.deps.Store.TouchSessions(ctx, touchOf(k, use)); err != nil {
		return fmt.Errorf("session: record a use: %w", err)
	}
	m.uses.stored(k, use, now.Add(m.cfg.saveUp()))
	return nil
}

// addUses adds to a record the uses that this node has not stored yet.
func (m *Manager) addUses(r *Record) {
	if r.Carrier != authn.CarrierCookie {
		return
	}
	use, found := m.uses.last(useKey{r.Subject.Tenant, r.ID})
	if !found || !use.at.After(r.LastUsedAt) {
		return
	}
	r.LastUsedAt = use.at
	if end := use.at.Add(use.idle); end.After(r.IdleAt) {
		r.IdleAt = end
	}
}

func touchOf(k useKey, u pendingUse) Touch {
	return Touch{Tenant: k.tenant, ID: k.id, Use: useOf(authn.Client{IP: u.ip, UserAgent: u.userAgent}, u.at, u.idle)}
}

func useOf(client authn.Client, at time.Time, idle time.Duration) Use {
	return Use{
		At: at, IdleAt: at.Add(idle),
		IP: client.IPText(), UserAgent: authn.CleanUserAgent(client.UserAgent), Device: DeviceName(client.UserAgent),
	}
}
