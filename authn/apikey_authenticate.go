package authn

import (
	"context"
	"errors"
	"time"

	"github.com/authmodule/authmodule/internal/credential"
	"github.com/authmodule/authmodule/setting"
)

// Authenticate says who an API key is from: the key exists and lives, is used
// from a network that it allows, and its owner is active. Roles are the owner's
// of this moment, so that a key never outlives what its owner may do. It finds
// the key by its ID, at a cost that does not grow with the number of keys, and
// reads no store for text that is malformed or has a wrong checksum.
//
// The principal has a KeyID, Scopes that are not nil, and neither session,
// methods nor AuthTime: a key proves no recent login and no second factor.
//
// A key cannot be bound to a certificate: where that is required of the owner,
// its keys are refused. Where a binding to the address is demanded, only keys with AllowedIPs are good.
// The error is [ErrAPIKeyInvalid]; any other means that a store could not
// answer, and nobody is authenticated.
func (k *APIKeys) Authenticate(ctx context.Context, text setting.Secret, client Client) (Principal, error) {
	presented, err := credential.ParseChecked(k.cfg.Prefix, text)
	if err != nil {
		return Principal{}, ErrAPIKeyInvalid
	}
	tenant := Tenant(presented.Tenant())
	record, err := k.deps.Store.APIKey(ctx, tenant, presented.ID)
	if errors.Is(err, ErrNotFound) {
		return Principal{}, ErrAPIKeyInvalid
	}
	if err != nil {
		return Principal{}, wrapped("read an API key", err)
	}
	if record.ID != presented.ID || record.Owner.Tenant != tenant {
		return Principal{}, errors.New("authn: the API key store returned another key than the one asked for")
	}
	now := k.deps.Now()
	expires, good := record.until(credential.Hash(presented.Secret), now)
	if !good || !record.allows(client.IP) {
		return Principal{}, ErrAPIKeyInvalid
	}
	user, roles, err := accountOf(ctx, k.deps.Users, k.deps.Roles, record.Owner)
	if errors.Is(err, errGone) {
		return Principal{}, ErrAPIKeyInvalid
	}
	if err != nil {
		return Principal{}, err
	}
	if err := k.bound(ctx, record, roles, client); err != nil {
		return Principal{}, err
	}
	k.used(ctx, record, now)
	scopes := record.Scopes
	if scopes == nil {
		scopes = []string{} // nil would be unlimited
	}
	return Principal{
		Kind: KindUser, Subject: record.Owner, Email: user.Email, Roles: roles,
		KeyID: record.ID, Scopes: scopes, Expires: expires,
	}, nil
}

// bound refuses a key whose owner's credentials must be bound as a key is not.
func (k *APIKeys) bound(ctx context.Context, record APIKeyRecord, roles []string, client Client) error {
	rule, err := k.binding.rule(ctx, record.Owner.Tenant, roles)
	why := ""
	switch {
	case err != nil:
		return err
	case rule.certificate == certificateMust:
		why = BoundCertificate
	case rule.ip >= ipNetwork && len(record.AllowedIPs) == 0:
		why = BoundIP
	default:
		return nil
	}
	k.deps.Events.Emit(ctx, BindingFailed(record.Owner, "", client, CredentialAPIKey, why+"_required"))
	return ErrAPIKeyInvalid
}

type apiKeyUse struct {
	tenant Tenant
	id     string
}

// used records the use, at most once a minute for each key. A store that
// cannot write it does not stop the request.
func (k *APIKeys) used(ctx context.Context, record APIKeyRecord, now time.Time) {
	if now.Sub(record.LastUsedAt) < apiKeyUseEvery {
		return
	}
	key := apiKeyUse{record.Owner.Tenant, record.ID}
	if _, busy := k.using.LoadOrStore(key, true); busy {
		return
	}
	defer k.using.Delete(key)
	if err := k.deps.Store.TouchAPIKey(ctx, key.tenant, key.id, now, apiKeyUseEvery); err != nil && ctx.Err() == nil {
		k.deps.Log.WarnContext(ctx, "the last use of an API key could not be recorded", "key", key.id, "error", err)
	}
}
