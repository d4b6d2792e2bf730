package authn

import (
	"context"
	"errors"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/setting"
)

// Refresh exchanges a refresh token for the next pair. The new access token
// has the account's roles of this moment, and the login's own methods and
// time. It returns [ErrRefreshInvalid], or [ErrRefreshReused] after ending the
// session. When anything fails before the exchange, the old token stays good.
func (s *Service) Refresh(ctx context.Context, refresh setting.Secret, client Client) (Grant, error) {
	var grant Grant
	session, next, err := s.deps.Sessions.Rotate(ctx, refresh, client, func(session Session) error {
		_, roles, err := s.account(ctx, session.Subject)
		if err == nil {
			grant, err = s.tokens(session, roles)
		}
		if errors.Is(err, errGone) || errors.Is(err, ErrSessionEnded) {
			return ErrRefreshInvalid
		}
		return err
	})
	if err != nil {
		return Grant{}, err
	}
	grant.Session, grant.RefreshToken = session, next
	s.deps.Events.Emit(ctx, audit.Event{
		Type: audit.TokenRefreshed, Tenant: string(session.Subject.Tenant), Subject: session.Subject.ID,
		SessionID: session.ID, IP: client.IPText(), UserAgent: client.UserAgent,
	})
	return grant, nil
}

// Logout ends the session of the presented credential: its cookie, its access
// tokens and its refresh token alike. A principal without a session has nothing to end.
func (s *Service) Logout(ctx context.Context, p Principal) error {
	if p.SessionID == "" {
		return nil
	}
	err := s.deps.Sessions.Close(ctx, p.Subject, p.SessionID, EndLogout)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}
