package sqlstore

import (
	"context"
	"errors"
	"time"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/mfa"
)

const (
	factorColumns = `tenant, subject_id, id, kind, name, data, counter, created_at, last_used_at, expires_at, version`

	insertFactor = `INSERT INTO authmodule_factors (` + factorColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`

	factorsOf = `SELECT ` + factorColumns + ` FROM authmodule_factors WHERE tenant = ? AND subject_id = ? ORDER BY created_at, id`

	// dropFactors drops all of a kind but one, and of the others the last created.
	dropFactors = `DELETE FROM authmodule_factors WHERE tenant = ? AND subject_id = ? AND kind = ? AND id <> ? AND id NOT IN (
		SELECT id FROM authmodule_factors WHERE tenant = ? AND subject_id = ? AND kind = ? AND id <> ?
		ORDER BY created_at DESC, id DESC LIMIT ?)`

	updateFactor = `UPDATE authmodule_factors
		SET kind = ?, name = ?, data = ?, counter = ?, last_used_at = ?, expires_at = ?, version = version + 1
		WHERE tenant = ? AND subject_id = ? AND id = ? AND version = ?`

	factorVersion = `SELECT version FROM authmodule_factors WHERE tenant = ? AND subject_id = ? AND id = ?`

	deleteFactor = `DELETE FROM authmodule_factors WHERE tenant = ? AND subject_id = ? AND id = ?`
)

var deadFactors = dead{"authmodule_factors", "tenant, subject_id, id", `expires_at <> 0 AND expires_at < ?`}

var errFactorExists = errors.New("the ID exists already")

// CreateFactor implements [mfa.FactorStore].
func (s *Store) CreateFactor(ctx context.Context, r mfa.Record, limit int) error {
	owner := r.Subject
	return s.write(ctx, "create factor", func(t txn) error {
		if err := t.lockSubject(ctx, lockFactors, owner); err != nil {
			return err
		}
		n, err := t.exec(ctx, insertFactor, owner.Tenant, owner.ID, r.ID, r.Kind, r.Name, blob(r.Data), r.Counter,
			micros(r.CreatedAt), micros(r.LastUsedAt), micros(r.Expires), r.Version)
		if err == nil && n == 0 {
			err = errFactorExists
		}
		if err != nil {
			return err
		}
		_, err = t.exec(ctx, dropFactors, owner.Tenant, owner.ID, r.Kind, r.ID, owner.Tenant, owner.ID, r.Kind, r.ID, max(limit, 1)-1)
		return err
	}, insertFactor, dropFactors)
}

// Factors implements [mfa.FactorStore].
func (s *Store) Factors(ctx context.Context, owner authn.Subject) ([]mfa.Record, error) {
	return list(ctx, s, "factors", scanFactor, factorsOf, owner.Tenant, owner.ID)
}

// UpdateFactor implements [mfa.FactorStore].
func (s *Store) UpdateFactor(ctx context.Context, r mfa.Record) error {
	owner := r.Subject
	return s.write(ctx, "update factor", func(t txn) error {
		n, err := t.exec(ctx, updateFactor, r.Kind, r.Name, blob(r.Data), r.Counter, micros(r.LastUsedAt), micros(r.Expires),
			owner.Tenant, owner.ID, r.ID, r.Version)
		if err != nil || n > 0 {
			return err
		}
		if _, err := oneOf(ctx, t, scanInt, factorVersion, owner.Tenant, owner.ID, r.ID); err != nil {
			return err
		}
		return authn.ErrConflict
	}, updateFactor, factorVersion)
}

// DeleteFactor implements [mfa.FactorStore].
func (s *Store) DeleteFactor(ctx context.Context, owner authn.Subject, id string) error {
	n, err := s.exec(ctx, "delete factor", deleteFactor, owner.Tenant, owner.ID, id)
	if err == nil && n == 0 {
		return authn.ErrNotFound
	}
	return err
}

// PruneFactors implements [mfa.FactorStore].
func (s *Store) PruneFactors(ctx context.Context, before time.Time) (int, error) {
	return s.prune(ctx, "prune factors", deadFactors, micros(before))
}

func scanFactor(row scanner) (r mfa.Record, err error) {
	err = row.Scan(&r.Subject.Tenant, &r.Subject.ID, &r.ID, &r.Kind, &r.Name, &r.Data, &r.Counter,
		instant{&r.CreatedAt}, instant{&r.LastUsedAt}, instant{&r.Expires}, &r.Version)
	return r, err
}
