package account

import (
	"context"
	"errors"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/setting"
)

// Register creates an account as [authn.Service.Register] does, but tells nobody whether the address has one already: the account is made in
// the background, and its owner is sent the link that verifies it, or told that there is one and sent the link to a new password. One that was not verified
// yet loses the password it was registered with. An account may be used after that. It
// is for [Service.Discreet]; the password is hashed in either case. Errors are as in Register, but for [authn.ErrEmailTaken], and as in [Service.Forgot].
func (s *Service) Register(ctx context.Context, r authn.RegisterRequest) error {
	if err := s.deps.Users.MayRegister(r.Client); err != nil {
		return err
	}
	if !s.Sends() {
		return ErrNoNotifier
	}
	if err := s.deps.Throttle.Blocked(authn.FactorMail, r.Client); err != nil { // before anything is hashed
		return err
	}
	prepared, err := s.deps.Users.Prepare(ctx, r)
	if err != nil {
		return err
	}
	if err := s.admit(ctx, authn.CounterKey{Tenant: prepared.Tenant(), Kind: counterMail, ID: digest(prepared.Email())}, r.Client); err != nil {
		return err
	}
	return s.out.put(job{NoticeVerifyEmail, s.registering(prepared, r.Client)})
}

// registering makes the account once, however often its link is tried.
func (s *Service) registering(p authn.Prepared, client authn.Client) func(context.Context) (*Notice, error) {
	var made *authn.User
	return func(ctx context.Context) (*Notice, error) {
		if made == nil {
			user, err := s.deps.Users.CreatePrepared(ctx, p)
			if errors.Is(err, authn.ErrEmailTaken) {
				return s.taken(ctx, p, client)
			}
			if err != nil {
				return nil, err
			}
			made = &user
		}
		return s.linked(ctx, NoticeVerifyEmail, *made, client, forVerify, nil)
	}
}

// taken tells the owner of the address that it was registered once more.
func (s *Service) taken(ctx context.Context, p authn.Prepared, client authn.Client) (*Notice, error) {
	user, err := s.deps.Users.UserByEmail(ctx, p.Tenant(), p.Email())
	switch {
	case errors.Is(err, authn.ErrNotFound) || err == nil && !user.Active():
		return nil, nil
	case err != nil:
		return nil, err
	}
	if user, err = s.contested(ctx, user, client); err != nil {
		return nil, err
	}
	return s.linked(ctx, NoticeAccountExists, user, client, forReset, nil)
}

// contested drops the password of an account that was registered twice before its address was verified: which of the two is the
// owner's nobody knows, and the link that verifies must not let the other in. Who reads the mail chooses another.
func (s *Service) contested(ctx context.Context, user authn.User, client authn.Client) (authn.User, error) {
	if !user.VerifiedAt.IsZero() {
		return user, nil
	}
	credentials := s.deps.Users.Credentials()
	if _, err := credentials.Passwords.PasswordHash(ctx, user.Subject); err != nil {
		if errors.Is(err, authn.ErrNotFound) { // dropped before
			err = nil
		}
		return user, err
	}
	act := s.act(audit.PasswordResetRequested, user.Subject, authn.Principal{}, client, "registered_again")
	changed, err := credentials.DropPassword(ctx, user.Subject, authn.CredentialChange{
		From: user.CredentialVersion, Act: act, Why: authn.EndRevoked, Edit: func(u *authn.User) error {
			if !u.VerifiedAt.IsZero() || !u.Active() {
				return authn.ErrConflict
			}
			return nil
		},
	})
	if err != nil {
		return user, err
	}
	act.Tell(ctx)
	return changed, nil
}

// Registered sends the link that verifies an account that was just made, where that is offered and not demanded.
func (s *Service) Registered(ctx context.Context, user authn.User, client authn.Client) {
	if s.cfg.VerifyEmail != VerifyOffered {
		return
	}
	err := s.count(ctx, authn.CounterKey{Tenant: user.Subject.Tenant, Kind: counterMail, ID: digest(user.Email)})
	if err == nil {
		err = s.out.put(job{NoticeVerifyEmail, func(ctx context.Context) (*Notice, error) {
			return s.linked(ctx, NoticeVerifyEmail, user, client, forVerify, nil)
		}})
	}
	if err != nil {
		s.deps.Log.WarnContext(ctx, "the link that verifies an address was not sent; its owner can ask for another", "subject", user.Subject.ID, "error", err)
	}
}

// ResendVerification sends the link that verifies an address, if it has an account that needs it. What it tells is as in [Service.Forgot].
func (s *Service) ResendVerification(ctx context.Context, r Request) error {
	email, err := s.ask(ctx, r, counterMail)
	if err != nil {
		return err
	}
	return s.mail(NoticeVerifyEmail, r, email, func(ctx context.Context, user authn.User) (*Notice, error) {
		if !user.VerifiedAt.IsZero() {
			return nil, nil
		}
		return s.linked(ctx, NoticeVerifyEmail, user, r.Client, forVerify, nil)
	})
}

// VerifyEmail uses the token up, and the account's address is verified. It opens no session. Errors are [ErrTokenInvalid], [authn.ErrThrottled] and those of stores.
func (s *Service) VerifyEmail(ctx context.Context, token setting.Secret, client authn.Client) error {
	c, err := s.parse(ctx, forVerify, token, client)
	if err != nil {
		return err
	}
	t, err := s.spend(ctx, forVerify, c, client)
	if err != nil {
		return err
	}
	act := s.act(audit.UserVerified, t.account(), authn.Principal{}, client, "")
	_, err = s.deps.Users.Credentials().Edit(ctx, t.account(), t.Version, func(u *authn.User) error {
		u.VerifiedAt = s.deps.Now().UTC()
		return t.still(*u)
	}, act)
	if err != nil {
		return invalid(err)
	}
	act.Tell(ctx)
	return nil
}
