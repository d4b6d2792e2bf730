package sqlstore

import (
	"context"
	"time"

	"github.com/authmodule/authmodule/authn"
)

const (
	putOneTime = `INSERT INTO authmodule_onetimes (tenant, purpose, id, secret_hash, value, expires_at) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (tenant, purpose, id) DO UPDATE
		SET secret_hash = excluded.secret_hash, value = excluded.value, expires_at = excluded.expires_at`

	consumeOneTime = `DELETE FROM authmodule_onetimes
		WHERE tenant = ? AND purpose = ? AND id = ? AND secret_hash = ? AND expires_at > ?
		RETURNING tenant, purpose, id, secret_hash, value, expires_at`
)

var deadOneTimes = dead{"authmodule_onetimes", "tenant, purpose, id", `expires_at < ?`}

// PutOneTime implements [authn.OneTimeStore].
func (s *Store) PutOneTime(ctx context.Context, r authn.OneTime) error {
	_, err := s.exec(ctx, "put one-time record", putOneTime,
		r.Tenant, r.Purpose, r.ID, blob(r.SecretHash), r.Value, micros(r.Expires))
	return err
}

// ConsumeOneTime implements [authn.OneTimeStore].
func (s *Store) ConsumeOneTime(ctx context.Context, tenant authn.Tenant, purpose, id string, secretHash []byte, now time.Time) (authn.OneTime, error) {
	consumed, err := returning(ctx, s, "consume one-time record", scanOneTime, consumeOneTime, tenant, purpose, id, blob(secretHash), micros(now))
	switch {
	case err != nil:
		return authn.OneTime{}, err
	case len(consumed) == 0:
		return authn.OneTime{}, authn.ErrNotFound
	}
	return consumed[0], nil
}

// PruneOneTime implements [authn.OneTimeStore].
func (s *Store) PruneOneTime(ctx context.Context, before time.Time) (int, error) {
	return s.prune(ctx, "prune one-time records", deadOneTimes, micros(before))
}

func scanOneTime(row scanner) (r authn.OneTime, err error) {
	err = row.Scan(&r.Tenant, &r.Purpose, &r.ID, &r.SecretHash, &r.Value, instant{&r.Expires})
	return r, err
}
