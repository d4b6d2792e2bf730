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
// session stays, and its device; all others end and are forgotten, and so are all links of before. Errors are [authn.ErrLoginRequired] for what is no
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
	proof, err := s.deps.Users.ConfirmPassword(ctx, user, r.Current, r.Client, r.Device)
	if err != nil {
		return err
	}
	old, err := s.confirmed(ctx, user, r.Current)
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
		From: proof.CredentialVersion, Old: old, Act: act, Keep: r.Caller.SessionID, Why: authn.EndRevoked, Edit: func(u *authn.User) error {
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
	s.forgetDevices(ctx, r.Caller)
	s.tell(ctx, s.notice(NoticePasswordChanged, user, r.Client))
	return nil
}

// forgetDevices leaves the caller's own device known. The new password stands without it.
func (s *Service) forgetDevices(ctx context.Context, caller authn.Principal) {
	if s.deps.Devices == nil {
		return
	}
	if err := s.deps.Devices.ForgetOtherDevices(context.WithoutCancel(ctx), caller.Subject, caller.SessionID); err != nil {
		s.deps.Log.WarnContext(ctx, "the devices of an account with a new password could not be forgotten", "subject", caller.Subject.ID, "error", err)
	}
}

// confirmed returns the hash that the current password was found right by, or [authn.ErrConflict] where another change is replacing it.
func (s *Service) confirmed(ctx context.Context, user authn.User, current setting.Secret) (string, error) {
	hash, err := s.deps.Users.Credentials().Passwords.PasswordHash(ctx, user.Subject)
	if errors.Is(err, authn.ErrNotFound) { // it was another authority that knew the password
		return "", authn.ErrInvalidCredentials
	}
	if err != nil {
		return "", err
	}
	right, err := s.deps.Hasher.Check(ctx, current, hash)
	if err == nil && !right {
		err = authn.ErrConflict
	}
	return hash, err
}

// orEnded takes a caller whose account is gone for one whose session has ended.
func orEnded(err error) error {
	if errors.Is(err, authn.ErrNotFound) {
		return authn.ErrSessionEnded
	}
	return err
}
