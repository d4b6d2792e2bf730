package authn

import (
	"context"
	"errors"

	"github.com/authmodule/authmodule/audit"
)

// Credentials changes what accounts prove themselves by: one place has the order of steps that lets no login and no session of
// before outlive a change. It is safe for concurrent use.
type Credentials struct {
	Users       UserStore
	Passwords   PasswordStore
	Revocations *Revocations
	Sessions    SessionCloser
	// History keeps the passwords that are replaced. Nil keeps none.
	History *PasswordHistory
}

// SessionCloser ends sessions. The session manager implements it.
type SessionCloser interface {
	// CloseAll ends every session of the subject but the one named, and returns how many.
	CloseAll(ctx context.Context, s Subject, except string, why EndReason) (int, error)
}

// CredentialChange is one change of an account's credentials.
type CredentialChange struct {
	// From, if not zero, is the CredentialVersion that the account must have: what was decided by what it had then is void otherwise.
	From int64
	// Edit changes the account itself. It may be called several times, with what is stored each time; an error ends the change, and
	// nothing is stored. Nil changes nothing but the version.
	Edit func(*User) error
	// Write stores what is kept beside the account, such as a new password's hash or another factor. Nil stores nothing.
	Write func(ctx context.Context) error
	// Old, if not empty, is the hash that [Credentials.SetPassword] replaces: where another is stored by then it is [ErrConflict]. Who
	// decided by a password must name the hash that it was found right by, since a change under way has raised the version already.
	Old string
	// Act, which may be nil, is told of by the caller. Its events are written with the change.
	Act *audit.Act
	// Keep is the ID of the session that stays; empty ends all. Why says what ends the others.
	Keep string
	Why  EndReason
}

// Change carries a change out and returns the account as it is then. It returns [ErrConflict] when the account does not have
// the version From, and [ErrNotFound] for one that is absent or deleted; of concurrent changes from one version exactly one
// succeeds. The version is raised before Write, so that nobody else acts on the one before, and after it, so that a login that read what
// Write replaced is refused when it looks again or has its session ended here. A failure in between leaves
// what was proved before of no use, and repeating the change is safe. The version returned is the one that this change made: when
// another change came in between it is not the account's any more, and what goes on by it is refused. Where the change was made and sessions
// alone could not be ended, the account is returned with the error; with any other error it is empty.
func (c *Credentials) Change(ctx context.Context, s Subject, change CredentialChange) (User, error) {
	first, last := change.Act, change.Act
	if change.Write != nil {
		first = nil
	}
	user, err := c.raise(ctx, s, change.From, change.Edit, first, updateTries)
	if err != nil {
		return User{}, err
	}
	if change.Write != nil {
		if err := change.Write(ctx); err != nil {
			return User{}, err
		}
		made := user.CredentialVersion + 1
		if user, err = c.raise(ctx, s, 0, nil, last, finishTries); err != nil {
			return User{}, err
		}
		user.CredentialVersion = made
	}
	_, err = c.Sessions.CloseAll(ctx, s, change.Keep, change.Why)
	return user, wrapped("end the other sessions of an account", err)
}

// SetPassword gives the account another password, whose hash this is. The one before is kept where there is a History; whether the new
// one may be had again is asked before, by [Service.CheckReuse].
func (c *Credentials) SetPassword(ctx context.Context, s Subject, hash string, change CredentialChange) (User, error) {
	act := change.Act
	change.Act = nil // it goes with the hash
	change.Write = func(ctx context.Context) error {
		if change.Old != "" {
			err := c.History.Remember(ctx, s, change.Old)
			if err == nil {
				err = c.Passwords.ReplacePasswordHash(act.In(ctx), s, change.Old, hash)
			}
			return wrapped("store a password hash", err)
		}
		return wrapped("store a password hash", c.replace(ctx, s, hash, act))
	}
	return c.Change(ctx, s, change)
}

// DropPassword takes the account's password away, and keeps it where there is a History, so that it is not chosen again.
func (c *Credentials) DropPassword(ctx context.Context, s Subject, change CredentialChange) (User, error) {
	act := change.Act
	change.Act = nil // it goes with the hash
	change.Write = func(ctx context.Context) error {
		old, err := c.Passwords.PasswordHash(ctx, s)
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		if err == nil {
			err = c.History.Remember(ctx, s, old)
		}
		if err == nil {
			err = c.Passwords.DeletePasswordHash(act.In(ctx), s)
		}
		return wrapped("drop a password", err)
	}
	return c.Change(ctx, s, change)
}

// replace stores the hash. With a History, no hash that somebody else stores meanwhile is lost to it.
func (c *Credentials) replace(ctx context.Context, s Subject, hash string, act *audit.Act) error {
	if !c.History.on() {
		return c.Passwords.SetPasswordHash(act.In(ctx), s, hash)
	}
	for range updateTries {
		old, err := c.Passwords.PasswordHash(ctx, s)
		if errors.Is(err, ErrNotFound) {
			return c.Passwords.SetPasswordHash(act.In(ctx), s, hash)
		}
		if err == nil && old != hash {
			err = c.History.Remember(ctx, s, old)
		}
		if err != nil {
			return err
		}
		if err = c.Passwords.ReplacePasswordHash(act.In(ctx), s, old, hash); !errors.Is(err, ErrConflict) {
			return err
		}
	}
	return ErrConflict
}

// raise edits the account and raises its version in one step.
func (c *Credentials) raise(ctx context.Context, s Subject, from int64, edit func(*User) error, act *audit.Act, tries int) (User, error) {
	return c.edit(ctx, s, from, func(u *User) error {
		if edit != nil {
			if err := edit(u); err != nil {
				return err
			}
		}
		u.CredentialVersion++
		return nil
	}, act, tries)
}

// Credentials changes the credentials of the service's accounts.
func (s *Service) Credentials() *Credentials {
	return &Credentials{Users: s.deps.Users, Passwords: s.deps.Passwords, Revocations: s.view(), Sessions: s.deps.Sessions, History: s.deps.History}
}
