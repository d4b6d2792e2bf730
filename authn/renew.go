package authn

import (
	"context"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/setting"
)

// RenewCookie gives the session of a cookie another secret, for the moment at which the caller proved more or
// may do more than before: whoever got hold of the old cookie is left behind. Grant.Cookie is the new one, and the
// old is dead when the call returns. The errors are [ErrSessionRenewed], when another call with the
// same cookie came first, [ErrSessionEnded], [ErrTokenBinding] and those of stores.
func (s *Service) RenewCookie(ctx context.Context, cookie setting.Secret, client Client) (Grant, error) {
	session, secret, err := s.deps.Sessions.Renew(ctx, cookie, client)
	if err != nil {
		return Grant{}, err
	}
	s.deps.Events.Emit(ctx, audit.Event{
		Type: audit.SessionRenewed, Tenant: string(session.Subject.Tenant), Subject: session.Subject.ID,
		SessionID: session.ID, IP: client.IPText(), UserAgent: client.UserAgent, Actor: session.Actor,
	})
	return Grant{Session: session, Cookie: secret}, nil
}
