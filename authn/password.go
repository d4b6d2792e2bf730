package authn

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/authmodule/authmodule/setting"
)

const (
	// ShortestPassword is the least length of a new password in code points (NIST SP 800-63B-4).
	ShortestPassword = 15
	// LongestPassword is the most that is hashed, in bytes.
	LongestPassword = 4096
)

// CheckNewPassword says whether a password may be chosen. There are no
// composition rules. Nothing is trimmed, case-folded or cut; letters that
// Unicode can spell in two ways count as the same (NFC, NIST SP 800-63B-4).
func CheckNewPassword(password setting.Secret) error {
	text := password.Reveal()
	switch {
	case len(text) > LongestPassword:
		return &FieldError{Field: "password", Code: "too_long", Problem: fmt.Sprintf("must have at most %d bytes", LongestPassword)}
	case !utf8.ValidString(text):
		return &FieldError{Field: "password", Code: "invalid_text", Problem: "must be valid UTF-8"}
	case utf8.RuneCountInString(normal(password)) < ShortestPassword:
		return &FieldError{Field: "password", Code: "too_short", Problem: fmt.Sprintf("must have at least %d characters", ShortestPassword)}
	}
	return nil
}

// normal is the one spelling of a password that is hashed.
func normal(password setting.Secret) string { return norm.NFC.String(password.Reveal()) }

// MethodPassword is the authentication method reference of a password (RFC 8176).
const MethodPassword = "pwd"

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
		p.Log.ErrorContext(ctx, "stored password hash is not usable; the login is refused", "subject", user.Subject.ID)
		return Proof{}, orError(p.Hasher.Decoy(ctx, password), ErrInvalidCredentials)
	}
	if err != nil {
		return Proof{}, err
	}
	if !match {
		return Proof{Subject: user.Subject}, ErrInvalidCredentials
	}
	return Proof{Subject: user.Subject, Methods: []string{MethodPassword}, Time: p.Now(), CredentialVersion: user.CredentialVersion}, nil
}

// orError returns err, or otherwise when err is nil.
func orError(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}
