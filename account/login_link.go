package account

import (
	"context"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/setting"
)

// BeginLink sends a link that logs in, if the address has an account. What it tells is as in [Service.Forgot]; [ErrNotOffered] where there are none.
func (s *Service) BeginLink(ctx context.Context, r Request) error {
	if !s.cfg.MagicLink {
		return ErrNotOffered
	}
	email, err := s.ask(ctx, r, counterMail)
	if err != nil {
		return err
	}
	return s.mail(NoticeMagicLink, r, email, func(ctx context.Context, user authn.User) (*Notice, error) {
		act := s.act(audit.LoginLinkMailed, user.Subject, authn.Principal{}, r.Client, string(NoticeMagicLink))
		return s.linked(ctx, NoticeMagicLink, user, r.Client, forLogin, act)
	})
}

// FinishLink uses the token up and completes the login as [authn.Service.Complete] does: a second factor is asked for as after a
// password. The address counts as verified. Errors are [ErrTokenInvalid], [ErrNotOffered], [authn.ErrThrottled] and those of Complete.
func (s *Service) FinishLink(ctx context.Context, token setting.Secret, c authn.Completion) (authn.Grant, error) {
	if !s.cfg.MagicLink {
		return authn.Grant{}, ErrNotOffered
	}
	parsed, err := s.parse(ctx, forLogin, token, c.Client)
	if err != nil {
		return authn.Grant{}, err
	}
	t, err := s.spend(ctx, forLogin, parsed, c.Client)
	if err != nil {
		return authn.Grant{}, err
	}
	user, err := s.arrived(ctx, t, c.Client)
	if err != nil {
		return authn.Grant{}, err
	}
	return s.deps.Users.Complete(ctx, s.byMail(user), c)
}

// byMail is the proof that somebody reads the account's mail, and no more: it is of the lowest class.
func (s *Service) byMail(user authn.User) authn.Proof {
	return authn.Proof{Subject: user.Subject, Methods: []string{authn.MethodEmail}, Time: s.deps.Now(), CredentialVersion: user.CredentialVersion}
}

// arrived returns the account whose owner has just shown that they read its mail, which verifies its address. Who made the account
// before that need not be its owner: the password that was chosen then and API keys are dropped, and the sessions that it opened end.
func (s *Service) arrived(ctx context.Context, t spent, client authn.Client) (authn.User, error) {
	user, err := s.owner(ctx, t)
	if err != nil || !user.VerifiedAt.IsZero() {
		return user, err
	}
	if err := s.dropKeys(ctx, user); err != nil {
		return authn.User{}, err
	}
	act := s.act(audit.UserVerified, user.Subject, authn.Principal{}, client, "")
	before := user
	user, err = s.deps.Users.Credentials().DropPassword(ctx, user.Subject, authn.CredentialChange{
		From: t.Version, Act: act, Why: authn.EndRevoked,
		Edit: func(u *authn.User) error {
			u.VerifiedAt = s.deps.Now().UTC()
			return t.still(*u)
		},
	})
	if err != nil {
		return authn.User{}, invalid(err)
	}
	act.Tell(ctx)
	s.dropLateKeys(ctx, before)
	return user, nil
}

// dropKeys drops the API keys of an account whose address nobody has verified: whoever made them need not be who reads the mail. Those of
// others it drops by choice. Second factors stay, since a mailbox must not stand in for them (ASVS 6.4.3).
func (s *Service) dropKeys(ctx context.Context, user authn.User) error {
	if s.deps.APIKeys == nil || !user.VerifiedAt.IsZero() && !s.cfg.ResetRevokesKeys {
		return nil
	}
	return s.deps.APIKeys.Erase(ctx, user.Subject)
}

// dropLateKeys is dropKeys once the sessions have ended that could make one meanwhile.
func (s *Service) dropLateKeys(ctx context.Context, user authn.User) {
	if err := s.dropKeys(context.WithoutCancel(ctx), user); err != nil {
		s.deps.Log.ErrorContext(ctx, "API keys that should have been dropped may stay", "subject", user.Subject.ID, "error", err)
	}
}
