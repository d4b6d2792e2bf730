package authn

import (
	"context"
	"errors"

	"github.com/authmodule/authmodule/setting"
)

// ConfirmPassword checks the account's password once more, as a login does: it counts as an attempt before it is made, and a wrong one is
// [ErrInvalidCredentials] with an event. It opens no session. The proof has the version of the credentials that it rests on; hash is the stored
// one that the password fits, for [CredentialChange].OldHash, and empty where another authority keeps the password. It returns
// [ErrConflict] when the password was changed meanwhile.
func (s *Service) ConfirmPassword(ctx context.Context, account User, password setting.Secret, client Client, device DeviceClaim) (proof Proof, hash string, err error) {
	before, err := s.storedHash(ctx, account.Subject)
	if err != nil {
		return Proof{}, "", err
	}
	proof, attempt, err := s.guess(ctx, LoginRequest{
		Tenant: account.Subject.Tenant, Email: account.Email, Password: password, Client: client, Device: device,
	})
	if err != nil {
		return Proof{}, "", err
	}
	if proof.Subject != account.Subject { // the address changed hands meanwhile
		attempt.Fail(ctx)
		return Proof{}, "", ErrInvalidCredentials
	}
	attempt.Succeed(ctx)
	hash, err = s.fitting(ctx, account.Subject, password, before)
	return proof, hash, err
}

// fitting returns the stored hash, once it is certain that the password which was just checked fits it: it is the one of before the check, or was
// renewed by it.
func (s *Service) fitting(ctx context.Context, subject Subject, password setting.Secret, before string) (string, error) {
	hash, err := s.storedHash(ctx, subject)
	if err != nil || hash == before {
		return hash, err
	}
	if hash == "" {
		return "", ErrConflict
	}
	fits, err := s.deps.Hasher.Check(ctx, password, hash)
	if err == nil && !fits {
		err = ErrConflict
	}
	return hash, err
}

// storedHash is empty for an account without one.
func (s *Service) storedHash(ctx context.Context, subject Subject) (string, error) {
	hash, err := s.deps.Passwords.PasswordHash(ctx, subject)
	if errors.Is(err, ErrNotFound) {
		return "", nil
	}
	return hash, wrapped("read a password hash", err)
}
