package account

import (
	"context"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strings"
	"time"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
)

// DeleteOwn is [Service.Delete] by the owner. It returns [ErrNotOffered] unless the configuration offers it, and [authn.ErrLoginRequired].
func (s *Service) DeleteOwn(ctx context.Context, caller authn.Principal, client authn.Client) error {
	if !s.cfg.SelfDelete.Enabled() {
		return ErrNotOffered
	}
	if err := mayChange(caller); err != nil {
		return err
	}
	return s.Delete(ctx, caller, caller.Subject, client)
}

// eraseTimeout bounds what is dropped of an account once it is deleted.
const eraseTimeout = time.Minute

// Delete deletes an account: in one step it becomes one that nobody can log in to, whose ID no other account gets and whose address is free; then its
// password, its sessions and what else is kept of it are dropped, within a minute, whatever becomes of ctx: an owner who hangs up could not ask again. An
// error may leave some of that behind: deleting again drops it. It returns
// [authn.ErrNotFound], and [ErrLastAdmin], as far as that can be seen: of two administrators who delete each other at once, none may be left.
func (s *Service) Delete(ctx context.Context, actor authn.Principal, subject authn.Subject, client authn.Client) error {
	act := s.act(audit.UserDeleted, subject, actor, client, "")
	before, err := s.bury(ctx, subject, act)
	if err != nil {
		return err
	}
	if before.DeletedAt.IsZero() {
		act.Tell(ctx)
		s.tell(ctx, s.notice(NoticeAccountDeleted, before, client))
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), eraseTimeout)
	defer cancel()
	return s.erase(ctx, subject)
}

// bury makes the account one that is deleted, and returns it as it was before.
func (s *Service) bury(ctx context.Context, subject authn.Subject, act *audit.Act) (before authn.User, err error) {
	credentials := s.deps.Users.Credentials()
	if before, err = credentials.Users.UserByID(ctx, subject); err != nil || !before.DeletedAt.IsZero() {
		return before, err
	}
	if s.deps.Admins != nil {
		last, err := s.deps.Admins.LastAdmin(ctx, subject)
		if err != nil {
			return before, err
		}
		if last {
			return before, ErrLastAdmin
		}
	}
	address, err := s.nobody(subject)
	if err != nil {
		return before, err
	}
	buried, err := credentials.Change(ctx, subject, authn.CredentialChange{Act: act, Why: authn.EndDisabled, Edit: func(u *authn.User) error {
		now := s.deps.Now().UTC()
		before = *u
		u.Email, u.VerifiedAt, u.DeletedAt = address, authn.User{}.VerifiedAt, now
		if u.DisabledAt.IsZero() {
			u.DisabledAt = now
		}
		return nil
	}})
	if buried.Subject == subject { // what could not be ended is ended with the rest
		err = nil
	}
	return before, err
}

// nobody is an address that nobody has or can guess (RFC 2606), so that nobody can take it first and keep an account from being deleted.
func (s *Service) nobody(subject authn.Subject) (string, error) {
	random := make([]byte, 10)
	if _, err := io.ReadFull(s.deps.Rand, random); err != nil {
		return "", fmt.Errorf("account: make an address: %w", err)
	}
	text := strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(random))
	return "deleted-" + subject.ID + "-" + text + "@account.invalid", nil
}

// erase drops what is kept of a deleted account. Where one part fails the others are dropped all the same.
func (s *Service) erase(ctx context.Context, subject authn.Subject) error {
	credentials := s.deps.Users.Credentials()
	errs := []error{credentials.Passwords.DeletePasswordHash(ctx, subject), credentials.History.Forget(ctx, subject)}
	_, err := credentials.Sessions.CloseAll(ctx, subject, "", authn.EndDisabled)
	errs = append(errs, err)
	if s.deps.Throttle != nil {
		errs = append(errs, s.deps.Throttle.Erase(ctx, subject, s.deps.OtherFactors...))
	}
	for _, e := range s.deps.Erasers {
		errs = append(errs, s.eraseBy(ctx, e, subject))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("account: the account is deleted, but something of it is still kept; delete it again: %w", err)
	}
	return nil
}

// eraseBy takes a panic for an error. What it says may be a secret, so its type alone is told.
func (s *Service) eraseBy(ctx context.Context, e Eraser, subject authn.Subject) (err error) {
	defer func() {
		if what := recover(); what != nil {
			s.deps.Log.ErrorContext(ctx, "an eraser panicked", "eraser", fmt.Sprintf("%T", e), "type", fmt.Sprintf("%T", what), "stack", string(debug.Stack()))
			err = fmt.Errorf("account: the eraser %T panicked", e)
		}
	}()
	return e.Erase(ctx, subject)
}
