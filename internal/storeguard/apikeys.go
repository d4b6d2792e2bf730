package storeguard

import (
	"context"
	"time"

	"github.com/authmodule/authmodule/authn"
)

type apiKeys struct {
	g *Guard
	s authn.APIKeyStore
}

var _ authn.APIKeyStore = apiKeys{}

// APIKeys guards API keys.
func (g *Guard) APIKeys(s authn.APIKeyStore) authn.APIKeyStore { return apiKeys{g, s} }

// CreateAPIKey implements [authn.APIKeyStore].
func (p apiKeys) CreateAPIKey(ctx context.Context, r authn.APIKeyRecord, limit int) error {
	return do(ctx, p.g, "CreateAPIKey", func(ctx context.Context) error { return p.s.CreateAPIKey(ctx, r, limit) })
}

// APIKey implements [authn.APIKeyStore].
func (p apiKeys) APIKey(ctx context.Context, t authn.Tenant, id string) (authn.APIKeyRecord, error) {
	return read(ctx, p.g, "APIKey", func(ctx context.Context) (authn.APIKeyRecord, error) { return p.s.APIKey(ctx, t, id) })
}

// APIKeys implements [authn.APIKeyStore].
func (p apiKeys) APIKeys(ctx context.Context, owner authn.Subject) ([]authn.APIKeyRecord, error) {
	return read(ctx, p.g, "APIKeys", func(ctx context.Context) ([]authn.APIKeyRecord, error) { return p.s.APIKeys(ctx, owner) })
}

// RotateAPIKey implements [authn.APIKeyStore].
func (p apiKeys) RotateAPIKey(ctx context.Context, r authn.APIKeyRotation) error {
	return do(ctx, p.g, "RotateAPIKey", func(ctx context.Context) error { return p.s.RotateAPIKey(ctx, r) })
}

// TouchAPIKey implements [authn.APIKeyStore].
func (p apiKeys) TouchAPIKey(ctx context.Context, t authn.Tenant, id string, at time.Time, every time.Duration) error {
	return do(ctx, p.g, "TouchAPIKey", func(ctx context.Context) error { return p.s.TouchAPIKey(ctx, t, id, at, every) })
}

// DeleteAPIKey implements [authn.APIKeyStore].
func (p apiKeys) DeleteAPIKey(ctx context.Context, owner authn.Subject, id string) error {
	return do(ctx, p.g, "DeleteAPIKey", func(ctx context.Context) error { return p.s.DeleteAPIKey(ctx, owner, id) })
}

// PruneAPIKeys implements [authn.APIKeyStore].
func (p apiKeys) PruneAPIKeys(ctx context.Context, before time.Time) (int, error) {
	return sweep(ctx, p.g, "PruneAPIKeys", func(ctx context.Context) (int, error) { return p.s.PruneAPIKeys(ctx, before) })
}
