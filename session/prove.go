package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/setting"
)

// Prove implements [authn.Sessions]. For a cookie it counts as a use. A cookie whose answer was lost is dead, as after [Manager.Renew],
// and what was proved with it stays proved.
func (m *Manager) Prove(ctx context.Context, subject authn.Subject, id string, cookie setting.Secret, client authn.Client, methods []string, at time.Time, second bool) (authn.Session, setting.Secret, error) {
	p := Proved{Methods: methods, AuthTime: at.UTC().Truncate(time.Microsecond)}
	if second {
		p.MFATime = p.AuthTime
	}
	record, err := m.find(ctx, subject.Tenant, id)
	if err != nil {
		return authn.Session{}, "", err
	}
	if record.Subject != subject || record.Actor != "" { // who acts as the subject proves nothing of them
		return authn.Session{}, "", authn.ErrSessionEnded
	}
	if record.Carrier == authn.CarrierCookie {
		return m.proveCookie(ctx, record, cookie, client, p)
	}
	record, err = m.deps.Store.ProveSession(audit.Offered(ctx).In(ctx), subject.Tenant, id, p, m.deps.Now().UTC())
	if errors.Is(err, authn.ErrNotFound) {
		return authn.Session{}, "", authn.ErrSessionEnded
	}
	if err != nil {
		return authn.Session{}, "", fmt.Errorf("session: prove: %w", err)
	}
	return record.session(), "", nil
}

// proveCookie is for the session's own cookie, and no other.
func (m *Manager) proveCookie(ctx context.Context, r Record, cookie setting.Secret, client authn.Client, p Proved) (authn.Session, setting.Secret, error) {
	carried, err := m.renewable(ctx, cookie, client)
	if err != nil {
		return authn.Session{}, "", err
	}
	if carried.ID != r.ID || carried.Subject != r.Subject {
		return authn.Session{}, "", authn.ErrSessionEnded
	}
	return m.renew(ctx, carried, client, &p)
}
