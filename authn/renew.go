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
	act := s.deps.Events.ActOf(ofSession(audit.SessionRenewed, client, nil))
	session, secret, err := s.deps.Sessions.Renew(act.Offer(ctx), cookie, client)
	if err != nil {
		return Grant{}, err
	}
	act.TellOf(ctx, session)
	return Grant{Session: session, Cookie: secret}, nil
}

// ofSession makes the event of an act that [Sessions] does; it is of a [Session].
func ofSession(what audit.Type, client Client, detail map[string]string) func(outcome any) []audit.Event {
	return func(outcome any) []audit.Event {
		session, ok := outcome.(Session)
		if !ok {
			return nil
		}
		return []audit.Event{{
			Type: what, Tenant: string(session.Subject.Tenant), Subject: session.Subject.ID,
			SessionID: session.ID, IP: client.IPText(), UserAgent: client.UserAgent, Actor: session.Actor, Detail: detail,
		}}
	}
}
