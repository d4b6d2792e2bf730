package authn

import (
	"context"
	"errors"

	"github.com/authmodule/authmodule/audit"
)

// Erase ends and drops all API keys of an account, such as one that is deleted, with an event for each. Calling it again is no error.
func (k *APIKeys) Erase(ctx context.Context, s Subject) error {
	keys, err := k.deps.Store.APIKeys(ctx, s)
	if err != nil {
		return wrapped("list API keys", err)
	}
	for _, key := range keys {
		act := k.act(audit.APIKeyRevoked, Principal{Subject: s}, s, key.ID)
		err := k.deps.Revocations.ChangeAPIKey(ctx, s.Tenant, key.ID, func(ctx context.Context) error {
			return k.deps.Store.DeleteAPIKey(act.In(ctx), s, key.ID)
		})
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return wrapped("revoke an API key", err)
		}
		act.Tell(ctx)
	}
	return nil
}
