package authn

import (
	"context"
	"errors"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/setting"
)

// Refresh exchanges a refresh token for the next pair. The new access token
// has the account's roles of this moment, and the login's own methods and
// time, and is bound to what the login was. It returns [ErrRefreshInvalid], or [ErrRefreshReused]
// after ending the session, or [ErrTokenBinding]: after ending the session when the client is not the one it is bound to, and
// without when the session must be bound and is not. When anything fails before the exchange, the old token stays good. A
// client that sends too many tokens that are not valid is refused for a while with a [ThrottledError], but for sessions that this node has seen.
func (s *Service) Refresh(ctx context.Context, refresh setting.Secret, client Client) (Grant, error) {
	if err := s.deps.Throttle.holdsUp(FactorRefresh, client, refresh); err != nil {
		return Grant{}, err
	}
	var grant Grant
	act := s.deps.Events.ActOf(ofSession(audit.TokenRefreshed, client, nil))
	session, next, err := s.deps.Sessions.Rotate(act.Offer(ctx), refresh, client, func(session Session) error {
		p, err := s.principal(ctx, session)
		if err == nil {
			err = s.bound(ctx, &p, func() Client { return client }, CredentialRefreshToken)
		}
		if err == nil {
			grant, err = s.tokens(session, p.Roles)
		}
		if errors.Is(err, ErrSessionEnded) {
			return ErrRefreshInvalid
		}
		return err
	})
	if errors.Is(err, ErrRefreshInvalid) || errors.Is(err, ErrRefreshReused) {
		s.deps.Throttle.refuted(ctx, FactorRefresh, client, refresh)
	}
	if err != nil {
		return Grant{}, err
	}
	s.deps.Throttle.proved(FactorRefresh, session.ID)
	grant.Session, grant.RefreshToken = session, next
	act.TellOf(ctx, session)
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
