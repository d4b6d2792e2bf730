package sqlstore

import (
	"context"
	"database/sql"

	"github.com/authmodule/authmodule/authn"
)

const (
	// signingKeys reads version and keys in one statement, so that they belong
	// together; an empty ring is one row without a key.
	signingKeys = `SELECT r.version, k.id, k.algorithm, k.state, k.sealed, k.created_at, k.signs_at, k.retired_at, k.expires_at
		FROM authmodule_signing_rings r LEFT JOIN authmodule_signing_keys k ON k.ring = r.id
		WHERE r.id = 1 ORDER BY k.id`

	raiseSigningKeys = `UPDATE authmodule_signing_rings SET version = version + 1 WHERE id = 1 AND version = ?`

	deleteSigningKeys = `DELETE FROM authmodule_signing_keys WHERE ring = 1`

	insertSigningKey = `INSERT INTO authmodule_signing_keys (ring, id, algorithm, state, sealed, created_at, signs_at, retired_at, expires_at)
		VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?)`
)

// SigningKeys implements [authn.KeyStore].
func (s *Store) SigningKeys(ctx context.Context) (authn.StoredKeys, error) {
	rows, err := list(ctx, s, "signing keys", scanSigningKey, signingKeys)
	if err != nil {
		return authn.StoredKeys{}, err
	}
	stored := authn.StoredKeys{Keys: []authn.KeyRecord{}}
	for _, row := range rows {
		stored.Version = row.version
		if row.present {
			stored.Keys = append(stored.Keys, row.key)
		}
	}
	return stored, nil
}

// ReplaceSigningKeys implements [authn.KeyStore].
func (s *Store) ReplaceSigningKeys(ctx context.Context, version int64, next []authn.KeyRecord) error {
	return s.write(ctx, "replace signing keys", func(t txn) error {
		n, err := t.exec(ctx, raiseSigningKeys, version)
		if err == nil && n == 0 {
			return authn.ErrConflict
		}
		if err == nil {
			_, err = t.exec(ctx, deleteSigningKeys)
		}
		for _, k := range next {
			if err != nil {
				return err
			}
			_, err = t.exec(ctx, insertSigningKey, k.ID, k.Algorithm, string(k.State), blob(k.Sealed),
				micros(k.CreatedAt), micros(k.SignsAt), micros(k.RetiredAt), micros(k.Expires))
		}
		return err
	}, raiseSigningKeys, deleteSigningKeys, insertSigningKey)
}

// signingKeyRow is the ring's version beside one of its keys, if it has any.
type signingKeyRow struct {
	version int64
	present bool
	key     authn.KeyRecord
}

func scanSigningKey(row scanner) (signingKeyRow, error) {
	var out signingKeyRow
	var id, algorithm, state sql.NullString
	var sealed []byte
	var created, signs, retired, expires sql.NullInt64
	if err := row.Scan(&out.version, &id, &algorithm, &state, &sealed, &created, &signs, &retired, &expires); err != nil {
		return signingKeyRow{}, err
	}
	out.present = id.Valid
	out.key = authn.KeyRecord{
		ManagedKey: authn.ManagedKey{
			ID: id.String, Algorithm: algorithm.String, State: authn.KeyState(state.String),
			CreatedAt: fromMicros(created.Int64), SignsAt: fromMicros(signs.Int64),
			RetiredAt: fromMicros(retired.Int64), Expires: fromMicros(expires.Int64),
		},
		Sealed: sealed,
	}
	return out, nil
}
