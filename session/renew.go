package session

import (
	"context"
	"errors"
	"fmt"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/internal/credential"
	"github.com/authmodule/authmodule/setting"
)

// Renew implements [authn.Sessions]. The session keeps its ID, its age and its end; a renewal counts as a use.
func (m *Manager) Renew(ctx context.Context, cookie setting.Secret, client authn.Client) (authn.Session, setting.Secret, error) {
	record, err := m.renewable(ctx, cookie, client)
	if err != nil {
		return authn.Session{}, "", err
	}
	return m.renew(ctx, record, client, nil)
}

// renew gives the session another secret, and stores what was proved, if anything, in the same step.
func (m *Manager) renew(ctx context.Context, record Record, client authn.Client, proved *Proved) (authn.Session, setting.Secret, error) {
	secret, err := credential.NewSecret(m.deps.Rand)
	if err != nil {
		return authn.Session{}, "", fmt.Errorf("session: renew: %w", err)
	}
	act := audit.Offered(ctx)
	act.Settle(record.session())
	err = m.deps.Store.RotateSession(act.In(ctx), Rotation{
		Tenant: record.Subject.Tenant, ID: record.ID, Generation: record.Generation, SecretHash: record.SecretHash,
		NextHash: credential.Hash(secret), Use: useOf(client, m.deps.Now().UTC(), m.idle(record.Carrier, record.Remember)),
		Proved: proved,
	})
	if err != nil {
		err = m.notRenewed(ctx, record, secret, err)
	}
	if err != nil {
		return authn.Session{}, "", err
	}
	if proved != nil {
		record.Prove(*proved)
	}
	return record.session(), m.encode(record, secret), nil
}

// renewable is the session of the cookie, which its client has proved.
func (m *Manager) renewable(ctx context.Context, cookie setting.Secret, client authn.Client) (Record, error) {
	c, err := credential.ParseDigest(kindCookie, cookie)
	if err != nil {
		return Record{}, authn.ErrSessionEnded
	}
	l, err := m.carried(ctx, c)
	if errors.Is(err, authn.ErrCookieSuperseded) {
		return Record{}, m.overtaken(ctx, authn.Tenant(c.Tenant()), c.ID)
	}
	if err != nil {
		return Record{}, err
	}
	if why := l.Confirmation.Unproved(client); why != "" {
		m.deps.Events.Emit(ctx, authn.BindingFailed(l.Subject, l.ID, client, authn.CredentialCookie, why))
		return Record{}, authn.ErrTokenBinding
	}
	return l.Record, nil
}

// notRenewed finds out what became of a renewal that returned an error: another call came first, or the
// store may have renewed all the same, and then the secret is handed out.
func (m *Manager) notRenewed(ctx context.Context, r Record, secret []byte, cause error) error {
	if errors.Is(cause, authn.ErrConflict) {
		return m.overtaken(ctx, r.Subject.Tenant, r.ID)
	}
	stored, err := m.find(context.WithoutCancel(ctx), r.Subject.Tenant, r.ID)
	if err == nil && sameHash(secret, stored) {
		return nil
	}
	return fmt.Errorf("session: renew: %w", cause)
}

// overtaken tells a session that was renewed meanwhile from one that has ended.
func (m *Manager) overtaken(ctx context.Context, t authn.Tenant, id string) error {
	if _, err := m.find(ctx, t, id); err != nil {
		return err
	}
	return authn.ErrSessionRenewed
}
