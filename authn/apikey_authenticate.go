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
// The error is [ErrAPIKeyInvalid], or a [ThrottledError] for a client that has sent too many keys that are not good; any other means that a store could not
// answer, and nobody is authenticated.
func (k *APIKeys) Authenticate(ctx context.Context, text setting.Secret, client Client) (Principal, error) {
	p, err := k.KeyPrincipal(ctx, text, func() Client { return client })
	if err != nil {
		return Principal{}, err
	}
	return *p, nil
}

// KeyPrincipal is [APIKeys.Authenticate] for code that is called at every
// request: the client is only made when something depends on it, and the
// principal is shared with other requests and must not be modified. What was found is remembered as in [Service.TokenPrincipal].
func (k *APIKeys) KeyPrincipal(ctx context.Context, text setting.Secret, client func() Client) (*Principal, error) {
	now := k.deps.Now()
	p, err := k.recall(ctx, text, client, now)
	if p != nil || err != nil {
		return p, err
	}
	presented, err := credential.ParseChecked(k.cfg.Prefix, text)
	if err != nil {
		return nil, ErrAPIKeyInvalid
	}
	if err := k.deps.Throttle.holdsUp(FactorAPIKey, client(), text); err != nil {
		return nil, err
	}
	var seen glance
	if k.memory != nil {
		if err := k.deps.Revocations.fresh(ctx, now); err != nil {
			return nil, err
		}
		seen = k.deps.Revocations.glance()
	}
	record, until, err := k.find(ctx, presented, client, now)
	if errors.Is(err, ErrAPIKeyInvalid) {
		k.deps.Throttle.refuted(ctx, FactorAPIKey, client(), text)
	}
	if err != nil {
		return nil, err
	}
	e := &remembered{record: &record}
	if e.principal, err = k.principal(ctx, record, until); err != nil {
		return nil, err
	}
	e.principal.generation = record.generationOf(credential.Hash(presented.Secret))
	if err := k.bound(ctx, record, e.principal.Roles, client); err != nil {
		return nil, err
	}
	k.deps.Throttle.proved(FactorAPIKey, record.ID)
	k.used(ctx, record, now)
	k.remember(e, text, seen, now)
	return &e.principal, nil
}

// recall returns the remembered principal, or nil.
func (k *APIKeys) recall(ctx context.Context, text setting.Secret, client func() Client, now time.Time) (*Principal, error) {
	if k.memory == nil {
		return nil, nil
	}
	e := k.memory.find(text.Reveal(), now)
	if e == nil {
		return nil, nil
	}
	if err := k.deps.Revocations.fresh(ctx, now); err != nil {
		return nil, err
	}
	if !k.deps.Revocations.holds(e) {
		k.memory.forget(e)
		return nil, nil
	}
	if len(e.record.AllowedIPs) > 0 && !e.record.allows(client().IP) {
		return nil, ErrAPIKeyInvalid
	}
	if len(k.binding.roles) > 0 {
		if err := k.bound(ctx, *e.record, e.principal.Roles, client); err != nil {
			return nil, err
		}
	}
	return &e.principal, nil
}

// find returns the live record of the secret, and when the secret ends; the zero time is never.
func (k *APIKeys) find(ctx context.Context, c credential.Credential, client func() Client, now time.Time) (APIKeyRecord, time.Time, error) {
	tenant := Tenant(c.Tenant())
	record, err := k.deps.Store.APIKey(ctx, tenant, c.ID)
	if errors.Is(err, ErrNotFound) {
		return APIKeyRecord{}, time.Time{}, ErrAPIKeyInvalid
	}
	if err != nil {
		return APIKeyRecord{}, time.Time{}, wrapped("read an API key", err)
	}
	if record.ID != c.ID || record.Owner.Tenant != tenant {
		return APIKeyRecord{}, time.Time{}, errors.New("authn: the API key store returned another key than the one asked for")
	}
	until, good := record.until(credential.Hash(c.Secret), now)
	if !good || len(record.AllowedIPs) > 0 && !record.allows(client().IP) {
		return APIKeyRecord{}, time.Time{}, ErrAPIKeyInvalid
	}
	return record, until, nil
}

func (k *APIKeys) principal(ctx context.Context, record APIKeyRecord, until time.Time) (Principal, error) {
	user, has, err := accountOf(ctx, k.deps.Users, k.deps.Roles, record.Owner)
	if errors.Is(err, errGone) {
		return Principal{}, ErrAPIKeyInvalid
	}
	if err != nil {
		return Principal{}, err
	}
	scopes := record.Scopes
	if scopes == nil {
		scopes = []string{} // nil would be unlimited
	}
	return Principal{
		Kind: KindUser, Subject: record.Owner, Email: user.Email, Roles: has.roles,
		KeyID: record.ID, Scopes: scopes, Expires: until, rolesUntil: has.until,
	}, nil
}

// remember does so unless the key or its owner is just being changed.
func (k *APIKeys) remember(e *remembered, text setting.Secret, seen glance, now time.Time) {
	if k.memory == nil {
		return
	}
	marker, owner := k.deps.Revocations.mark, e.record.Owner
	e.changed = marks{
		marker.of(ChangedAPIKey, owner.Tenant, e.record.ID), marker.of(ChangedAccount, owner.Tenant, owner.ID), marker.of(ChangedAccount, owner.Tenant, ""),
	}
	if k.deps.Revocations.settled(e.changed, now) {
		k.memory.keep(e, text.Reveal(), seen, now)
	}
}

// Sweep lets go of remembered principals that have passed their time. Their number is bounded without it.
func (k *APIKeys) Sweep() {
	if k.memory != nil {
		k.memory.sweep(k.deps.Now())
	}
}

// bound refuses a key whose owner's credentials must be bound as a key is not.
func (k *APIKeys) bound(ctx context.Context, record APIKeyRecord, roles []string, client func() Client) error {
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
	k.deps.Events.Emit(ctx, BindingFailed(record.Owner, "", client(), CredentialAPIKey, why+"_required"))
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
