package authn

import (
	"context"
	"errors"
)

// Erase ends and drops all API keys of an account that is deleted. Calling it again is no error.
func (k *APIKeys) Erase(ctx context.Context, s Subject) error {
	keys, err := k.deps.Store.APIKeys(ctx, s)
	if err != nil {
		return wrapped("list API keys", err)
	}
	for _, key := range keys {
		err := k.deps.Revocations.ChangeAPIKey(ctx, s.Tenant, key.ID, func(ctx context.Context) error {
			return k.deps.Store.DeleteAPIKey(ctx, s, key.ID)
		})
		if err != nil && !errors.Is(err, ErrNotFound) {
			return wrapped("revoke an API key", err)
		}
	}
	return nil
}
