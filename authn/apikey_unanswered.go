package authn

import (
	"context"
	"crypto/subtle"
	"errors"

	"github.com/authmodule/authmodule/audit"
)

// withdraw is for a key that may have been stored although the store returned
// an error: nobody has its text. It returns that error, and why the key may have stayed.
func (k *APIKeys) withdraw(ctx context.Context, owner Principal, key APIKey, cause error) error {
	if errors.Is(cause, ErrAPIKeyLimit) {
		return cause
	}
	err := k.deps.Store.DeleteAPIKey(k.act(audit.APIKeyRevoked, owner, key.Owner, key.ID).In(context.WithoutCancel(ctx)), key.Owner, key.ID)
	if errors.Is(err, ErrNotFound) {
		return cause
	}
	return errors.Join(cause, err)
}

// rotate rotates, and finds out what became of a call that returned an error:
// the store may have done it all the same, and then the new secret is the key's.
func (k *APIKeys) rotate(ctx context.Context, r APIKeyRotation) error {
	err := k.deps.Store.RotateAPIKey(ctx, r)
	if err == nil || errors.Is(err, ErrConflict) {
		return err
	}
	stored, errRead := k.deps.Store.APIKey(context.WithoutCancel(ctx), r.Owner.Tenant, r.ID)
	if errRead == nil && stored.Owner == r.Owner && subtle.ConstantTimeCompare(stored.SecretHash, r.NextHash) == 1 {
		return nil
	}
	return err
}
