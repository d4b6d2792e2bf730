package session

import (
	"context"
	"errors"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/setting"
)

// Peek implements [authn.LiveSessions].
func (m *Manager) Peek(ctx context.Context, refresh setting.Secret) (authn.Session, error) {
	a, err := m.attempt(refresh, authn.Client{})
	if err != nil {
		return authn.Session{}, err
	}
	record, err := m.find(ctx, a.tenant, a.id)
	if errors.Is(err, authn.ErrSessionEnded) {
		return authn.Session{}, authn.ErrRefreshInvalid
	}
	if err != nil {
		return authn.Session{}, err
	}
	if record.Carrier != authn.CarrierToken || !a.presented.matches(record) {
		return authn.Session{}, authn.ErrRefreshInvalid
	}
	return record.session(), nil
}
