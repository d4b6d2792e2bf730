package sqlstore

import (
	"context"
	"errors"
	"time"

	"github.com/authmodule/authmodule/authn"
)

const (
	counterColumns = `failures, pending, window_start, consecutive, locked_until, locks, last_at, expires_at, version`

	counterOf = `SELECT ` + counterColumns + ` FROM authmodule_failures WHERE tenant = ? AND kind = ? AND id = ?`

	insertCounter = `INSERT INTO authmodule_failures (` + counterColumns + `, tenant, kind, id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?)
		ON CONFLICT DO NOTHING`

	updateCounter = `UPDATE authmodule_failures
		SET failures = ?, pending = ?, window_start = ?, consecutive = ?, locked_until = ?, locks = ?, last_at = ?, expires_at = ?, version = version + 1
		WHERE tenant = ? AND kind = ? AND id = ? AND version = ?`

	deleteCounter = `DELETE FROM authmodule_failures WHERE tenant = ? AND kind = ? AND id = ?`
)

var deadCounters = dead{"authmodule_failures", "tenant, kind, id", `expires_at <> 0 AND expires_at < ?`}

// Counter implements [authn.CounterStore].
func (s *Store) Counter(ctx context.Context, k authn.CounterKey) (authn.Counter, error) {
	c, err := one(ctx, s, "counter", scanCounter, counterOf, k.Tenant, string(k.Kind), k.ID)
	if errors.Is(err, authn.ErrNotFound) {
		return authn.Counter{}, nil
	}
	return c, err
}

// PutCounter implements [authn.CounterStore].
func (s *Store) PutCounter(ctx context.Context, k authn.CounterKey, c authn.Counter, version int64) error {
	query := updateCounter
	args := []any{
		c.Failures, c.Pending, micros(c.WindowStart), c.Consecutive, micros(c.LockedUntil), c.Locks, micros(c.Last), micros(c.Expires),
		k.Tenant, string(k.Kind), k.ID,
	}
	if version == 0 {
		query = insertCounter
	} else {
		args = append(args, version)
	}
	n, err := s.exec(ctx, "put counter", query, args...)
	if err == nil && n == 0 {
		return authn.ErrConflict
	}
	return err
}

// DeleteCounter implements [authn.CounterStore].
func (s *Store) DeleteCounter(ctx context.Context, k authn.CounterKey) error {
	_, err := s.exec(ctx, "delete counter", deleteCounter, k.Tenant, string(k.Kind), k.ID)
	return err
}

// PruneCounters implements [authn.CounterStore].
func (s *Store) PruneCounters(ctx context.Context, before time.Time) (int, error) {
	return s.prune(ctx, "prune counters", deadCounters, micros(before))
}

func scanCounter(row scanner) (c authn.Counter, err error) {
	err = row.Scan(&c.Failures, &c.Pending, instant{&c.WindowStart}, &c.Consecutive, instant{&c.LockedUntil}, &c.Locks, instant{&c.Last}, instant{&c.Expires}, &c.Version)
	return c, err
}
