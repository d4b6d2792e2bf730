package memstore

import (
	"context"
	"sync"

	"github.com/authmodule/authmodule/authn"
)

type passwords struct {
	mu     sync.RWMutex
	hashes map[authn.Subject]string
}

func newPasswords() passwords {
	return passwords{hashes: map[authn.Subject]string{}}
}

// PasswordHash implements [authn.PasswordStore].
func (s *Store) PasswordHash(ctx context.Context, sub authn.Subject) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	s.passwords.mu.RLock()
	defer s.passwords.mu.RUnlock()
	hash, found := s.passwords.hashes[sub]
	if !found {
		return "", authn.ErrNotFound
	}
	return hash, nil
}

// SetPasswordHash implements [authn.PasswordStore].
func (s *Store) SetPasswordHash(ctx context.Context, sub authn.Subject, hash string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.passwords.mu.Lock()
	defer s.passwords.mu.Unlock()
	if _, found := s.passwords.hashes[sub]; !found && len(s.passwords.hashes) >= s.records {
		return ErrFull
	}
	s.passwords.hashes[sub] = hash
	return nil
}

// ReplacePasswordHash implements [authn.PasswordStore].
func (s *Store) ReplacePasswordHash(ctx context.Context, sub authn.Subject, old, hash string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.passwords.mu.Lock()
	defer s.passwords.mu.Unlock()
	if stored, found := s.passwords.hashes[sub]; !found || stored != old {
		return authn.ErrConflict
	}
	s.passwords.hashes[sub] = hash
	return nil
}

// DeletePasswordHash implements [authn.PasswordStore].
func (s *Store) DeletePasswordHash(ctx context.Context, sub authn.Subject) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.passwords.mu.Lock()
	defer s.passwords.mu.Unlock()
	delete(s.passwords.hashes, sub)
	return nil
}
