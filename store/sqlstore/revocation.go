package sqlstore

import (
	"context"
	"errors"
	"slices"
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

	// appendRevocations is takePosition and insertRevocation for all entries, in one statement of PostgreSQL.
	appendRevocations = `WITH counter AS (
			UPDATE authmodule_counters SET value = value + cardinality(?::text[]) WHERE name = 'revocations' RETURNING value)
		INSERT INTO authmodule_revocation_log (position, kind, tenant, id, expires_at)
		SELECT c.value - cardinality(?::text[]) + e.n, e.kind, e.tenant, e.id, e.expires_at
		FROM counter c, unnest(?::text[], ?::text[], ?::text[], ?::bigint[]) WITH ORDINALITY AS e(kind, tenant, id, expires_at, n)
		RETURNING position`
)

var deadRevocations = dead{"authmodule_revocation_log", "position", `expires_at < ?`}

var errNoCounter = errors.New("the counter of the revocation log is missing")

// Revoke implements [authn.RevocationStore].
func (s *Store) Revoke(ctx context.Context, entries ...authn.Revocation) (int64, error) {
	if s.dialect == Postgres && len(entries) > 0 {
		return s.appendRevocations(ctx, entries)
	}
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
		return 0, fail(ctx, "revoke", errNoCounter)
	}
	return last, err
}

func (s *Store) appendRevocations(ctx context.Context, entries []authn.Revocation) (int64, error) {
	var kinds, tenants, ids []string
	var expires []int64
	for _, e := range entries {
		kinds, tenants, ids = append(kinds, string(e.Kind)), append(tenants, string(e.Tenant)), append(ids, e.ID)
		expires = append(expires, micros(e.Until))
	}
	positions, err := returning(ctx, s, "revoke", scanInt, appendRevocations, kinds, kinds, kinds, tenants, ids, expires)
	switch {
	case err != nil:
		return 0, err
	case len(positions) == 0:
		return 0, fail(ctx, "revoke", errNoCounter)
	}
	return slices.Max(positions), nil
}

// Revocations implements [authn.RevocationStore]. Where nothing was added it reads one row.
func (s *Store) Revocations(ctx context.Context, after int64, limit int) ([]authn.Revocation, int64, error) {
	head, err := oneFrom(ctx, s, s.log, "revocations", scanInt, lastPosition)
	if errors.Is(err, authn.ErrNotFound) {
		return nil, 0, fail(ctx, "revocations", errNoCounter)
	}
	if err != nil || head <= after {
		return nil, head, err
	}
	entries, err := listFrom(ctx, s, s.log, "revocations", scanRevocation, revocationsAfter, after, max(limit, 0))
	return entries, head, err
}

// PruneRevocations implements [authn.RevocationStore].
func (s *Store) PruneRevocations(ctx context.Context, before time.Time) (int, error) {
	return s.prune(ctx, "prune revocations", deadRevocations, micros(before))
}

func scanRevocation(row scanner) (r authn.Revocation, err error) {
	err = row.Scan(&r.Position, &r.Kind, &r.Tenant, &r.ID, instant{&r.Until})
	return r, err
}
