package mfa

import (
	"context"

	"github.com/authmodule/authmodule/authn"
)

// By is who changes the factors of an account.
type By struct {
	// Actor is the caller, if that is not the owner.
	Actor authn.Principal
	// Keep is the ID of the session that stays.
	Keep   string
	Client authn.Client
	// From, if not zero, is the CredentialVersion that the account must have: that of the login which the change is made in.
	From int64
}

// CredentialChanger changes what accounts prove themselves by. [authn.Credentials] implements it.
type CredentialChanger interface {
	// Change is as that of [authn.Credentials].
	Change(ctx context.Context, s authn.Subject, change authn.CredentialChange) (authn.User, error)
}

// alter changes the factors of an account, as write does, and returns the version that the account has since, zero for none. What was
// proved before, by whatever the account had then, is of no use afterwards: a login that waits, a session, the trust in a device.
func (s *Service) alter(ctx context.Context, subject authn.Subject, by By, write func(context.Context) error) (int64, error) {
	all := func(ctx context.Context) error {
		if err := write(ctx); err != nil {
			return err
		}
		return s.dropAll(ctx, subject, kindTrusted)
	}
	if s.deps.Credentials == nil {
		return 0, all(ctx)
	}
	user, err := s.deps.Credentials.Change(ctx, subject, authn.CredentialChange{From: by.From, Write: all, Keep: by.Keep, Why: authn.EndRevoked})
	return user.CredentialVersion, err
}
