package account

import (
	"context"
	"errors"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
)

// RequireReset has the owner of an account choose another password: the one before is of no use when the call returns, all sessions have
// ended, API keys too where [Config.ResetRevokesKeys] says so, and the owner is sent the link to a new one. No administrator sees or chooses a password (ASVS 6.4.6). It does not ask whether
// actor may do this. Errors are [ErrNoNotifier], [authn.ErrNotFound], [authn.ErrOverloaded], after which the owner can ask for the link, and those
// of stores; where API keys could not be dropped the link is sent all the same, and calling it again drops them.
func (s *Service) RequireReset(ctx context.Context, actor authn.Principal, subject authn.Subject, client authn.Client) error {
	if !s.Sends() {
		return ErrNoNotifier
	}
	act := s.act(audit.PasswordResetRequested, subject, actor, client, "required")
	user, err := s.deps.Users.Credentials().DropPassword(ctx, subject, authn.CredentialChange{Act: act, Why: authn.EndRevoked})
	if err != nil {
		return err
	}
	act.Tell(ctx)
	kept := s.revokeKeys(ctx, subject)
	return errors.Join(kept, s.out.put(job{NoticeResetPassword, func(ctx context.Context) (*Notice, error) {
		if !user.Active() {
			return nil, nil
		}
		n, err := s.linked(ctx, NoticeResetPassword, user, authn.Client{}, forReset, nil)
		if err == nil {
			n.Facts = map[string]string{"by": "administrator"}
		}
		return n, err
	}}))
}

// revokeKeys drops the keys of an account whose password is gone: the caller's leaving does not stop it.
func (s *Service) revokeKeys(ctx context.Context, subject authn.Subject) error {
	if s.deps.APIKeys == nil || !s.cfg.ResetRevokesKeys {
		return nil
	}
	return s.deps.APIKeys.Erase(context.WithoutCancel(ctx), subject)
}
