package sqlstore

import (
	"context"

	"github.com/authmodule/authmodule/authn"
)

const (
	// pushFormerHash puts the hash behind the subject's others, wherever it was.
	pushFormerHash = `INSERT INTO authmodule_password_history (tenant, subject_id, hash, position)
		VALUES (?, ?, ?, 1 + coalesce((SELECT position FROM authmodule_password_history WHERE tenant = ? AND subject_id = ? ORDER BY position DESC LIMIT 1), 0))
		ON CONFLICT (tenant, subject_id, hash) DO UPDATE SET position = excluded.position`

	formerHashes = `SELECT hash FROM authmodule_password_history WHERE tenant = ? AND subject_id = ? ORDER BY position DESC`

	// dropFormerHashes drops all but those pushed last.
	dropFormerHashes = `DELETE FROM authmodule_password_history WHERE tenant = ? AND subject_id = ? AND hash NOT IN (
		SELECT hash FROM authmodule_password_history WHERE tenant = ? AND subject_id = ? ORDER BY position DESC LIMIT ?)`

	deleteFormerHashes = `DELETE FROM authmodule_password_history WHERE tenant = ? AND subject_id = ?`
)

// PushPasswordHash implements [authn.PasswordHistoryStore].
func (s *Store) PushPasswordHash(ctx context.Context, sub authn.Subject, hash string, keep int) error {
	return s.write(ctx, "push password hash", func(t txn) error {
		if err := t.lockSubject(ctx, lockHistory, sub); err != nil {
			return err
		}
		if _, err := t.exec(ctx, pushFormerHash, sub.Tenant, sub.ID, hash, sub.Tenant, sub.ID); err != nil {
			return err
		}
		_, err := t.exec(ctx, dropFormerHashes, sub.Tenant, sub.ID, sub.Tenant, sub.ID, max(keep, 1))
		return err
	}, pushFormerHash, dropFormerHashes)
}

// PasswordHistory implements [authn.PasswordHistoryStore].
func (s *Store) PasswordHistory(ctx context.Context, sub authn.Subject) ([]string, error) {
	return list(ctx, s, "password history", scanString, formerHashes, sub.Tenant, sub.ID)
}

// DeletePasswordHistory implements [authn.PasswordHistoryStore].
func (s *Store) DeletePasswordHistory(ctx context.Context, sub authn.Subject) error {
	_, err := s.exec(ctx, "delete password history", deleteFormerHashes, sub.Tenant, sub.ID)
	return err
}
