package account

import (
	"context"
	"errors"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/setting"
)

// PasswordChange is an owner's wish for another password.
type PasswordChange struct {
	// Caller is the owner, by a login.
	Caller       authn.Principal
	Current, New setting.Secret
	Client       authn.Client
	// Device is as in [authn.LoginRequest]: guesses from elsewhere do not shut out one that is known.
	Device authn.DeviceClaim
}

// ChangePassword gives the caller's account another password. The current one is checked and counted as at a login. The caller's
// session stays, all others end, and so do all links of before. Errors are [authn.ErrLoginRequired] for what is no
// login of the owner, [authn.ErrInvalidCredentials] for a wrong current password and an account without one, [authn.FieldError] for an unacceptable
// new one, [authn.ErrThrottled], [authn.ErrOverloaded], [authn.ErrConflict] when another change came first, and those of stores.
func (s *Service) ChangePassword(ctx context.Context, r PasswordChange) error {
	if err := mayChange(r.Caller); err != nil {
		return err
	}
	user, err := s.active(ctx, r.Caller.Subject)
	if err != nil {
		return orEnded(err)
	}
	proof, old, err := s.deps.Users.ConfirmPassword(ctx, user, r.Current, r.Client, r.Device)
	if err == nil && old == "" { // another authority keeps the password
		err = authn.ErrInvalidCredentials
	}
	if err != nil {
		return err
	}
	if err := s.acceptable(ctx, user, r.New); err != nil {
		return err
	}
	hash, err := s.deps.Hasher.Hash(ctx, r.New)
	if err != nil {
		return err
	}
	act := s.act(audit.PasswordChanged, user.Subject, r.Caller, r.Client, "")
	_, err = s.deps.Users.Credentials().SetPassword(ctx, user.Subject, hash, authn.CredentialChange{
		From: proof.CredentialVersion, Keep: r.Caller.SessionID, Why: authn.EndRevoked, OldHash: old, Act: act, Edit: func(u *authn.User) error {
			if !u.Active() {
				return authn.ErrNotFound
			}
			return nil
		},
	})
	if err != nil {
		return orEnded(err)
	}
	act.Tell(ctx)
	s.tell(ctx, s.notice(NoticePasswordChanged, user, r.Client))
	return nil
}

// orEnded takes a caller whose account is gone for one whose session has ended.
func orEnded(err error) error {
	if errors.Is(err, authn.ErrNotFound) {
		return authn.ErrSessionEnded
	}
	return err
}
