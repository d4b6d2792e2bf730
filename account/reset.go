package account

import (
	"context"
	"errors"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/setting"
)

// Forgot sends the link to a new password, if the address has an account. Whether it has is told by neither the result nor the time: errors are
// an [authn.FieldError] for what is no address, [authn.ErrThrottled], [authn.ErrOverloaded], [ErrNoNotifier] and those of stores.
func (s *Service) Forgot(ctx context.Context, r Request) error {
	email, err := s.ask(ctx, r, counterReset)
	if err != nil {
		return err
	}
	return s.mail(NoticeResetPassword, r, email, func(ctx context.Context, user authn.User) (*Notice, error) {
		act := s.act(audit.PasswordResetRequested, user.Subject, authn.Principal{}, r.Client, "")
		return s.linked(ctx, NoticeResetPassword, user, r.Client, forReset, act)
	})
}

// Reset gives the account of the token another password and uses the token up; an unacceptable password, or a full hashing queue, does
// not. All sessions end, API keys too where [Config.ResetRevokesKeys] says so, and all links of before are void. It opens no session and touches no second factor; the address
// counts as verified. Errors are [ErrTokenInvalid], [authn.FieldError], [authn.ErrThrottled], [authn.ErrOverloaded] and those of stores.
func (s *Service) Reset(ctx context.Context, token, password setting.Secret, client authn.Client) error {
	c, err := s.parse(ctx, forReset, token, client)
	if err != nil {
		return err
	}
	// What no account may have is refused before the token is touched.
	if err := s.deps.Policy.Check(ctx, authn.NewPassword{Password: password, Tenant: authn.Tenant(c.Tenant()), AlwaysMFA: s.deps.SecondFactors != nil}); err != nil {
		return err
	}
	hash, err := s.deps.Hasher.HashForStranger(ctx, password)
	if err != nil {
		return err
	}
	t, err := s.spend(ctx, forReset, c, client)
	if err != nil {
		return err
	}
	return s.reset(ctx, t, password, hash, client)
}

func (s *Service) reset(ctx context.Context, t spent, password setting.Secret, hash string, client authn.Client) error {
	user, err := s.owner(ctx, t)
	if err != nil {
		return err
	}
	if err := s.acceptable(ctx, user, password); err != nil {
		return errors.Join(err, s.giveBack(ctx, t))
	}
	if err := s.dropKeys(ctx, user); err != nil {
		return errors.Join(err, s.giveBack(ctx, t))
	}
	act := s.act(audit.PasswordResetCompleted, user.Subject, authn.Principal{}, client, "")
	_, err = s.deps.Users.Credentials().SetPassword(ctx, user.Subject, hash, authn.CredentialChange{
		From: t.Version, Act: act, Why: authn.EndRevoked, Edit: func(u *authn.User) error {
			u.VerifiedAt = s.deps.Now().UTC()
			return t.still(*u)
		},
	})
	if err != nil {
		return invalid(err)
	}
	act.Tell(ctx)
	s.dropLateKeys(ctx, user)
	s.reopen(ctx, user.Subject)
	s.tell(ctx, s.notice(NoticePasswordChanged, user, client))
	return nil
}

// still refuses a change that was decided by another address, or of an account that was disabled.
func (t ticket) still(u authn.User) error {
	if !u.Active() || u.Email != t.Email {
		return authn.ErrConflict
	}
	return nil
}

// acceptable says whether the account may have the password.
func (s *Service) acceptable(ctx context.Context, user authn.User, password setting.Secret) error {
	n := authn.NewPassword{Password: password, Tenant: user.Subject.Tenant, Email: user.Email}
	if s.deps.SecondFactors != nil {
		always, err := s.deps.SecondFactors.AlwaysMFA(ctx, user.Subject)
		if err != nil {
			return err
		}
		n.AlwaysMFA = always
	}
	if err := s.deps.Policy.Check(ctx, n); err != nil {
		return err
	}
	return s.deps.Users.CheckReuse(ctx, user.Subject, password)
}

// reopen forgets the failures of the password that was replaced (NIST SP 800-63B-4, section 3.2.2). The new password stands without it.
func (s *Service) reopen(ctx context.Context, subject authn.Subject) {
	if err := s.deps.Throttle.Reopen(context.WithoutCancel(ctx), authn.Principal{Subject: subject}, subject, authn.FactorPassword); err != nil {
		s.deps.Log.WarnContext(ctx, "the failures of a password that was replaced could not be forgotten", "subject", subject.ID, "error", err)
	}
}
