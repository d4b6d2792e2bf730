package sqlstore

import (
	"context"
	"errors"
	"time"

	"github.com/authmodule/authmodule/authn"
)

const (
	// takePosition locks the counter until the transaction ends, so that
	// positions become visible in their order.
	takePosition = `UPDATE authmodule_counters SET value = value + ? WHERE name = 'revocations' RETURNING value`

	lastPosition = `SELECT value FROM authmodule_counters WHERE name = 'revocations'`

	insertRevocation = `INSERT INTO authmodule_revocation_log (position, kind, tenant, id, expires_at) VALUES (?, ?, ?, ?, ?)`

	revocationsAfter = `SELECT position, kind, tenant, id, expires_at FROM authmodule_revocation_log
		WHERE position > ? ORDER BY position LIMIT ?`

	pruneRevocations = `DELETE FROM authmodule_revocation_log WHERE expires_at < ?`
)

// Revoke implements [authn.RevocationStore].
func (s *Store) Revoke(ctx context.Context, entries ...authn.Revocation) (int64, error) {
	var last int64
	err := s.write(ctx, "revoke", func(t txn) (err error) {
		if last, err = oneOf(ctx, t, scanInt, takePosition, len(entries)); err != nil {
			return err
		}
		for i, e := range entries {
			position := last - int64(len(entries)-1-i)
			if _, err := t.exec(ctx, insertRevocation, position, e.Kind, e.Tenant, e.ID, micros(e.Until)); err != nil {
				return err
			}
		}
		return nil
	}, takePosition, insertRevocation)
	if errors.Is(err, authn.ErrNotFound) {
		return 0, errors.New("sqlstore: revoke: the counter of the revocation log is missing")
	}
	return last, err
}

// Revocations implements [authn.RevocationStore]. Where nothing was added it reads one row.
func (s *Store) Revocations(ctx context.Context, after int64, limit int) ([]authn.Revocation, int64, error) {
	head, err := one(ctx, s, "revocations", scanInt, lastPosition)
	if errors.Is(err, authn.ErrNotFound) {
		return nil, 0, errors.New("sqlstore: revocations: the counter of the revocation log is missing")
	}
	if err != nil || head <= after {
		return nil, head, err
	}
	entries, err := list(ctx, s, "revocations", scanRevocation, revocationsAfter, after, max(limit, 0))
	return entries, head, err
}

// PruneRevocations implements [authn.RevocationStore].
func (s *Store) PruneRevocations(ctx context.Context, before time.Time) (int, error) {
	return s.exec(ctx, "prune revocations", pruneRevocations, micros(before))
}

func scanRevocation(row scanner) (r authn.Revocation, err error) {
	err = row.Scan(&r.Position, &r.Kind, &r.Tenant, &r.ID, instant{&r.Until})
	return r, err
}
