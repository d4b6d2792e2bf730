package authn

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/authmodule/authmodule/setting"
)

// Passwords is the module's own [PasswordAuthority]: accounts from a
// [UserStore], hashes from a [PasswordStore].
type Passwords struct {
	Users  UserStore
	Hashes PasswordStore
	Hasher *Hasher
	Log    *slog.Logger
	Now    func() time.Time
}

var _ PasswordAuthority = (*Passwords)(nil)

// Check implements [PasswordAuthority]. An account that is unknown, disabled or
// has no password costs as much as one whose password is wrong.
func (p *Passwords) Check(ctx context.Context, t Tenant, email string, password setting.Secret) (Proof, error) {
	if len(password) > LongestPassword {
		return Proof{}, ErrInvalidCredentials
	}
	user, err := p.Users.UserByEmail(ctx, t, email)
	if errors.Is(err, ErrNotFound) {
		return Proof{}, p.unknown(ctx, t, password)
	}
	if err != nil {
		return Proof{}, wrapped("find an account", err)
	}
	hash, err := p.Hashes.PasswordHash(ctx, user.Subject)
	if errors.Is(err, ErrNotFound) {
		return Proof{}, orError(p.Hasher.Decoy(ctx, password), ErrNotMine)
	}
	if err != nil {
		return Proof{}, wrapped("read a password hash", err)
	}
	return p.compare(ctx, user, password, hash)
}

// unknown takes the steps that a known account takes.
func (p *Passwords) unknown(ctx context.Context, t Tenant, password setting.Secret) error {
	if _, err := p.Hashes.PasswordHash(ctx, Subject{Tenant: t, ID: "unknown"}); err != nil && !errors.Is(err, ErrNotFound) {
		return wrapped("read a password hash", err)
	}
	return orError(p.Hasher.Decoy(ctx, password), ErrNotMine)
}

func (p *Passwords) compare(ctx context.Context, user User, password setting.Secret, hash string) (Proof, error) {
	match, err := p.Hasher.Check(ctx, password, hash)
	if errors.Is(err, errStoredHash) {
		p.Log.ErrorContext(ctx, "stored password hash is not usable; the login is refused", "subject", user.Subject.ID, "error", err)
		return Proof{}, orError(p.Hasher.Decoy(ctx, password), ErrInvalidCredentials)
	}
	if err != nil {
		return Proof{}, err
	}
	if !match {
		return Proof{Subject: user.Subject}, ErrInvalidCredentials
	}
	if user.Active() { // who is not let in must not tell by the time of a second hash that the password was right
		p.renew(ctx, user.Subject, password, hash)
	}
	return Proof{Subject: user.Subject, Methods: []string{MethodPassword}, Time: p.Now(), CredentialVersion: user.CredentialVersion}, nil
}

// renew replaces a hash that would be made differently today, unless somebody
// changed the password meanwhile. A login does not fail with it: the next one tries again.
func (p *Passwords) renew(ctx context.Context, subject Subject, password setting.Secret, old string) {
	if !p.Hasher.Stale(old) {
		return
	}
	hash, err := p.Hasher.Hash(ctx, password)
	if err == nil {
		err = p.Hashes.ReplacePasswordHash(ctx, subject, old, hash)
	}
	if err != nil && !errors.Is(err, ErrConflict) {
		p.Log.WarnContext(ctx, "an outdated password hash stays until the next login", "subject", subject.ID, "error", err)
	}
}

// orError returns err, or otherwise when err is nil.
func orError(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}
