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

	pruneOneTime = `DELETE FROM authmodule_onetimes WHERE expires_at < ?`
)

// PutOneTime implements [authn.OneTimeStore].
func (s *Store) PutOneTime(ctx context.Context, r authn.OneTime) error {
	_, err := s.exec(ctx, "put one-time record", putOneTime,
		r.Tenant, r.Purpose, r.ID, blob(r.SecretHash), r.Value, micros(r.Expires))
	return err
}

// ConsumeOneTime implements [authn.OneTimeStore].
func (s *Store) ConsumeOneTime(ctx context.Context, tenant authn.Tenant, purpose, id string, secretHash []byte, now time.Time) (authn.OneTime, error) {
	var r authn.OneTime
	err := s.write(ctx, "consume one-time record", func(t txn) (err error) {
		r, err = oneOf(ctx, t, scanOneTime, consumeOneTime, tenant, purpose, id, blob(secretHash), micros(now))
		return err
	}, consumeOneTime)
	if err != nil {
		return authn.OneTime{}, err
	}
	return r, nil
}

// PruneOneTime implements [authn.OneTimeStore].
func (s *Store) PruneOneTime(ctx context.Context, before time.Time) (int, error) {
	return s.exec(ctx, "prune one-time records", pruneOneTime, micros(before))
}

func scanOneTime(row scanner) (r authn.OneTime, err error) {
	err = row.Scan(&r.Tenant, &r.Purpose, &r.ID, &r.SecretHash, &r.Value, instant{&r.Expires})
	return r, err
}
