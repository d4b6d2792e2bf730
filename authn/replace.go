package authn

import (
	"context"
	"errors"

	"github.com/authmodule/authmodule/setting"
)

// openInPlace opens the session of a login in the place of the one whose cookie the browser sent along, so that a
// browser keeps one session. The account's own is ended first, which makes room under the limit of
// sessions; another account's only once the new one is open, so that a login that fails ends nothing of
// others.
func (s *Service) openInPlace(ctx context.Context, o Opening, cookie setting.Secret) (Grant, error) {
	old, err := s.carried(ctx, o, cookie)
	if err != nil {
		return Grant{}, err
	}
	if old.Subject == o.Proof.Subject {
		if err := s.replace(ctx, old); err != nil {
			return Grant{}, err
		}
		return s.open(ctx, o)
	}
	grant, err := s.open(ctx, o)
	if err != nil || old.ID == "" {
		return grant, err
	}
	replaced := false
	defer func() { // after a panic too
		if !replaced {
			s.abandon(ctx, grant.Session)
		}
	}()
	if err := s.replace(ctx, old); err != nil {
		return Grant{}, err
	}
	replaced = true
	return grant, nil
}

// carried returns the live session of the cookie, or the zero Session where the new session takes no cookie's place.
func (s *Service) carried(ctx context.Context, o Opening, cookie setting.Secret) (Session, error) {
	if o.Carrier != CarrierCookie || cookie == "" {
		return Session{}, nil
	}
	old, err := s.deps.Live.Resume(ctx, cookie, o.Client)
	if errors.Is(err, ErrSessionEnded) || errors.Is(err, ErrTokenBinding) {
		return Session{}, nil
	}
	return old, err
}

func (s *Service) replace(ctx context.Context, old Session) error {
	if old.ID == "" {
		return nil
	}
	err := s.deps.Sessions.Close(ctx, old.Subject, old.ID, EndSuperseded)
	if errors.Is(err, ErrNotFound) { // another login of this browser came first
		return nil
	}
	return err
}
