package sqlstore

import (
	"context"
	"time"

	"github.com/authmodule/authmodule/authn"
)

const (
	revokeToken = `INSERT INTO authmodule_revocations (tenant, id, expires_at) VALUES (?, ?, ?)
		ON CONFLICT (tenant, id) DO UPDATE SET expires_at = max(expires_at, excluded.expires_at)`

	tokenRevoked = `SELECT count(*) FROM authmodule_revocations WHERE tenant = ? AND id = ? AND expires_at >= ?`

	pruneRevocations = `DELETE FROM authmodule_revocations WHERE expires_at < ?`
)

// RevokeToken implements [authn.RevocationStore].
func (s *Store) RevokeToken(ctx context.Context, t authn.Tenant, id string, until time.Time) error {
	_, err := s.exec(ctx, "revoke token", revokeToken, t, id, micros(until))
	return err
}

// TokenRevoked implements [authn.RevocationStore]. The last moment counts as revoked.
func (s *Store) TokenRevoked(ctx context.Context, t authn.Tenant, id string, now time.Time) (bool, error) {
	return one(ctx, s, "token revoked", scanBool, tokenRevoked, t, id, micros(now))
}

// PruneRevocations implements [authn.RevocationStore].
func (s *Store) PruneRevocations(ctx context.Context, before time.Time) (int, error) {
	return s.exec(ctx, "prune revocations", pruneRevocations, micros(before))
}
