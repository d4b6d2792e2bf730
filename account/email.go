package account

import (
	"context"
	"errors"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/setting"
)

// ChangeEmail sends the link that makes address the caller's, to that address, and tells the one that the account has. Whether another
// account has the address is not told: nothing is sent then. Until the link is used nothing changes. Errors are [authn.ErrLoginRequired],
// and as in [Service.Forgot].
func (s *Service) ChangeEmail(ctx context.Context, caller authn.Principal, address string, client authn.Client) error {
	if err := mayChange(caller); err != nil {
		return err
	}
	// By account too: an owner must not write to everybody.
	key := authn.CounterKey{Tenant: caller.Subject.Tenant, Kind: counterMail, ID: "subject " + caller.Subject.ID}
	email, err := s.ask(ctx, Request{Tenant: caller.Subject.Tenant, Email: address, Client: client}, counterMail)
	if err == nil {
		err = s.count(ctx, key)
	}
	if err != nil {
		return err
	}
	user, err := s.active(ctx, caller.Subject)
	if err != nil {
		return orEnded(err)
	}
	told := s.notice(NoticeEmailChanging, user, client)
	told.Facts = map[string]string{"new_email": email}
	s.tell(ctx, told)
	return s.out.put(job{NoticeChangeEmail, func(ctx context.Context) (*Notice, error) {
		return s.changing(ctx, user, email, caller, client)
	}})
}

func (s *Service) changing(ctx context.Context, user authn.User, email string, caller authn.Principal, client authn.Client) (*Notice, error) {
	act := s.act(audit.EmailChangeRequested, user.Subject, caller, client, "")
	_, err := s.deps.Users.UserByEmail(ctx, user.Subject.Tenant, email)
	if !errors.Is(err, authn.ErrNotFound) { // taken, also by the account itself
		if err == nil {
			act.Tell(ctx)
		}
		return nil, err
	}
	link, expires, err := s.issue(ctx, user, forChange, ticket{NewEmail: email, Session: caller.SessionID}, act)
	if err != nil {
		return nil, err
	}
	n := s.notice(NoticeChangeEmail, user, client)
	n.To, n.Link, n.Expires = email, link, expires
	return n, nil
}

// ConfirmEmailChange uses the token up: its address is the account's, and verified. The session that asked stays, all others end, and
// all links of before are void. The address before is told. Errors are [ErrTokenInvalid], also where another account has got the address
// meanwhile or the session that asked has ended, as an owner's who was told of a change that is not theirs, [authn.ErrThrottled] and those of stores.
func (s *Service) ConfirmEmailChange(ctx context.Context, token setting.Secret, client authn.Client) error {
	c, err := s.parse(ctx, forChange, token, client)
	if err != nil {
		return err
	}
	t, err := s.spend(ctx, forChange, c, client)
	if err != nil {
		return err
	}
	before, err := s.owner(ctx, t)
	if err != nil {
		return err
	}
	if err := s.deps.Users.CheckSession(ctx, before.Subject, t.Session); errors.Is(err, authn.ErrSessionEnded) {
		return ErrTokenInvalid
	} else if err != nil {
		return err
	}
	act := s.act(audit.EmailChanged, before.Subject, authn.Principal{}, client, "")
	_, err = s.deps.Users.Credentials().Change(ctx, before.Subject, authn.CredentialChange{
		From: t.Version, Act: act, Keep: t.Session, Why: authn.EndRevoked, Edit: func(u *authn.User) error {
			if err := t.still(*u); err != nil {
				return err
			}
			u.Email, u.VerifiedAt = t.NewEmail, s.deps.Now().UTC()
			return nil
		},
	})
	if err != nil {
		return invalid(err)
	}
	act.Tell(ctx)
	told := s.notice(NoticeEmailChanged, before, client)
	told.Facts = map[string]string{"new_email": t.NewEmail}
	s.tell(ctx, told)
	return nil
}
