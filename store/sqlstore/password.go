package sqlstore

import (
	"context"

	"github.com/authmodule/authmodule/authn"
)

const (
	passwordHash = `SELECT hash FROM authmodule_passwords WHERE tenant = ? AND subject_id = ?`

	setPasswordHash = `INSERT INTO authmodule_passwords (tenant, subject_id, hash) VALUES (?, ?, ?)
		ON CONFLICT (tenant, subject_id) DO UPDATE SET hash = excluded.hash`

	replacePasswordHash = `UPDATE authmodule_passwords SET hash = ? WHERE tenant = ? AND subject_id = ? AND hash = ?`

	deletePasswordHash = `DELETE FROM authmodule_passwords WHERE tenant = ? AND subject_id = ?`
)

// PasswordHash implements [authn.PasswordStore].
func (s *Store) PasswordHash(ctx context.Context, sub authn.Subject) (string, error) {
	return one(ctx, s, "password hash", scanString, passwordHash, sub.Tenant, sub.ID)
}

// SetPasswordHash implements [authn.PasswordStore].
func (s *Store) SetPasswordHash(ctx context.Context, sub authn.Subject, hash string) error {
	_, err := s.exec(ctx, "set password hash", setPasswordHash, sub.Tenant, sub.ID, hash)
	return err
}

// ReplacePasswordHash implements [authn.PasswordStore].
func (s *Store) ReplacePasswordHash(ctx context.Context, sub authn.Subject, old, hash string) error {
	changed, err := s.exec(ctx, "replace password hash", replacePasswordHash, hash, sub.Tenant, sub.ID, old)
	if err == nil && changed == 0 {
		return authn.ErrConflict
	}
	return err
}

// DeletePasswordHash implements [authn.PasswordStore].
func (s *Store) DeletePasswordHash(ctx context.Context, sub authn.Subject) error {
	_, err := s.exec(ctx, "delete password hash", deletePasswordHash, sub.Tenant, sub.ID)
	return err
}
