package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/authmodule/authmodule/authn"
)

const (
	apiKeyColumns = `tenant, id, subject_id, name, scopes, allowed_ips, secret_hash, previous_hash, previous_until,
		generation, created_at, rotated_at, last_used_at, expires_at`

	insertAPIKey = `INSERT INTO authmodule_api_keys (` + apiKeyColumns + `)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`

	// apiKeyIsLive is what [authn.APIKey.Live] says.
	apiKeyIsLive = `(expires_at = 0 OR expires_at > ?)`

	countAPIKeys = `SELECT count(*) FROM authmodule_api_keys WHERE tenant = ? AND subject_id = ? AND ` + apiKeyIsLive

	apiKeyByID = `SELECT ` + apiKeyColumns + ` FROM authmodule_api_keys WHERE tenant = ? AND id = ?`

	apiKeysOf = `SELECT ` + apiKeyColumns + ` FROM authmodule_api_keys WHERE tenant = ? AND subject_id = ? ORDER BY created_at DESC, id DESC`

	rotateAPIKey = `UPDATE authmodule_api_keys
		SET previous_hash = secret_hash, secret_hash = ?, previous_until = ?, rotated_at = ?, generation = generation + 1
		WHERE tenant = ? AND id = ? AND subject_id = ? AND generation = ? AND secret_hash = ? AND ` + apiKeyIsLive

	touchAPIKey = `UPDATE authmodule_api_keys SET last_used_at = ? WHERE tenant = ? AND id = ? AND last_used_at <= ?`

	deleteAPIKey = `DELETE FROM authmodule_api_keys WHERE tenant = ? AND id = ? AND subject_id = ?`
)

var deadAPIKeys = dead{"authmodule_api_keys", "tenant, id", `expires_at <> 0 AND expires_at < ?`}

var errAPIKeyExists = errors.New("the ID exists already")

// CreateAPIKey implements [authn.APIKeyStore]. An ID that exists already is an error.
func (s *Store) CreateAPIKey(ctx context.Context, r authn.APIKeyRecord, limit int) error {
	row, err := apiKeyRow(r)
	if err != nil {
		return fmt.Errorf("sqlstore: create API key: %w", err)
	}
	return s.write(ctx, "create API key", func(t txn) error {
		if err := t.lockSubject(ctx, lockAPIKeys, r.Owner); err != nil {
			return err
		}
		live, err := oneOf(ctx, t, scanInt, countAPIKeys, r.Owner.Tenant, r.Owner.ID, micros(r.CreatedAt))
		if err != nil {
			return err
		}
		if limit > 0 && live >= int64(limit) {
			return authn.ErrAPIKeyLimit
		}
		n, err := t.exec(ctx, insertAPIKey, row...)
		if err == nil && n == 0 {
			return errAPIKeyExists
		}
		return err
	}, countAPIKeys, insertAPIKey)
}

// APIKey implements [authn.APIKeyStore].
func (s *Store) APIKey(ctx context.Context, t authn.Tenant, id string) (authn.APIKeyRecord, error) {
	return one(ctx, s, "API key", scanAPIKey, apiKeyByID, t, id)
}

// APIKeys implements [authn.APIKeyStore].
func (s *Store) APIKeys(ctx context.Context, owner authn.Subject) ([]authn.APIKeyRecord, error) {
	return list(ctx, s, "API keys", scanAPIKey, apiKeysOf, owner.Tenant, owner.ID)
}

// RotateAPIKey implements [authn.APIKeyStore].
func (s *Store) RotateAPIKey(ctx context.Context, r authn.APIKeyRotation) error {
	n, err := s.exec(ctx, "rotate API key", rotateAPIKey,
		blob(r.NextHash), micros(r.PreviousUntil), micros(r.At),
		r.Owner.Tenant, r.ID, r.Owner.ID, r.Generation, blob(r.SecretHash), micros(r.At))
	if err == nil && n == 0 {
		return authn.ErrConflict
	}
	return err
}

// TouchAPIKey implements [authn.APIKeyStore].
func (s *Store) TouchAPIKey(ctx context.Context, t authn.Tenant, id string, at time.Time, every time.Duration) error {
	_, err := s.exec(ctx, "touch API key", touchAPIKey, micros(at), t, id, micros(at)-every.Microseconds())
	return err
}

// DeleteAPIKey implements [authn.APIKeyStore].
func (s *Store) DeleteAPIKey(ctx context.Context, owner authn.Subject, id string) error {
	n, err := s.exec(ctx, "delete API key", deleteAPIKey, owner.Tenant, id, owner.ID)
	if err == nil && n == 0 {
		return authn.ErrNotFound
	}
	return err
}

// PruneAPIKeys implements [authn.APIKeyStore].
func (s *Store) PruneAPIKeys(ctx context.Context, before time.Time) (int, error) {
	return s.prune(ctx, "prune API keys", deadAPIKeys, micros(before))
}

// apiKeyRow are the arguments of insertAPIKey.
func apiKeyRow(r authn.APIKeyRecord) ([]any, error) {
	scopes, errScopes := words(r.Scopes)
	texts := make([]string, 0, len(r.AllowedIPs))
	for _, network := range r.AllowedIPs {
		texts = append(texts, network.String())
	}
	networks, errNetworks := words(texts)
	return []any{
		r.Owner.Tenant, r.ID, r.Owner.ID, r.Name, scopes, networks, blob(r.SecretHash), blob(r.PreviousHash), micros(r.PreviousUntil),
		r.Generation, micros(r.CreatedAt), micros(r.RotatedAt), micros(r.LastUsedAt), micros(r.Expires),
	}, errors.Join(errScopes, errNetworks)
}

func scanAPIKey(row scanner) (r authn.APIKeyRecord, err error) {
	var texts []string
	err = row.Scan(
		&r.Owner.Tenant, &r.ID, &r.Owner.ID, &r.Name, wordList{&r.Scopes}, wordList{&texts}, &r.SecretHash, &r.PreviousHash, instant{&r.PreviousUntil},
		&r.Generation, instant{&r.CreatedAt}, instant{&r.RotatedAt}, instant{&r.LastUsedAt}, instant{&r.Expires},
	)
	if err != nil {
		return authn.APIKeyRecord{}, err
	}
	for _, text := range texts {
		network, err := netip.ParsePrefix(text)
		if err != nil { // without it the key would be allowed from everywhere
			return authn.APIKeyRecord{}, err
		}
		r.AllowedIPs = append(r.AllowedIPs, network)
	}
	return r, nil
}
