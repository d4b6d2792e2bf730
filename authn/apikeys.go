package authn

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/internal/credential"
	"github.com/authmodule/authmodule/setting"
)

// ScopeChecker knows what scopes mean. The authorization service implements it.
type ScopeChecker interface {
	// CheckScopes returns nil if every scope is well formed and within what p may
	// do, and a [FieldError] if not. Any other error means that it could not answer.
	CheckScopes(ctx context.Context, p Principal, scopes []string) error
}

// APIKeys makes, lists, rotates and revokes the API keys of accounts, and says
// who a request with one is from. It is safe for concurrent use.
//
//	key, text, err := keys.Create(ctx, principal, authn.APIKeyRequest{Name: "ci", Scopes: []string{"articles.read"}})
//	caller, err := keys.Authenticate(ctx, text, client)
//
// The text is <prefix>_<id>_<secret with checksum> and is not kept: only its
// SHA-256 is.
type APIKeys struct {
	cfg     APIKeyConfig
	deps    APIKeyDeps
	binding *bindingPolicy
	// using has the keys whose last use is being written.
	using sync.Map
	// memory has the principals of keys; nil remembers none.
	memory *memory
}

// APIKeyDeps are what [APIKeys] work with. Fields without a remark are required.
type APIKeyDeps struct {
	Store  APIKeyStore
	Users  UserStore
	Roles  RoleSource
	Scopes ScopeChecker
	// Revocations tells what is remembered of keys and accounts and must be looked at again. Nil remembers nothing.
	Revocations *Revocations
	// Remembered is how many principals are remembered. Defaults to [DefaultRemembered].
	Remembered int
	// Binding is that of the [Service]; see [APIKeys.Authenticate].
	Binding BindingConfig
	// Throttle refuses clients that send many keys that are not good; nil refuses none.
	Throttle *Throttle
	// Events may be nil.
	Events *audit.Bus
	Log    *slog.Logger
	// Now defaults to time.Now, Rand to crypto/rand.
	Now  func() time.Time
	Rand io.Reader
}

// NewAPIKeys returns the service. It does no I/O and does not look at cfg.Enabled.
func NewAPIKeys(cfg APIKeyConfig, deps APIKeyDeps) (*APIKeys, error) {
	if deps.Store == nil || deps.Users == nil || deps.Roles == nil || deps.Scopes == nil || deps.Log == nil {
		return nil, errors.New("authn: API keys need every field of APIKeyDeps that has no default")
	}
	cfg = cfg.WithDefaults()
	if !credential.ValidKind(cfg.Prefix) {
		return nil, errors.New("authn: the prefix of API keys is not 1 to 16 of a-z and 0-9")
	}
	if cfg.DefaultDays < 0 || cfg.MaxDays < cfg.DefaultDays || cfg.MaxPerUser < 0 {
		return nil, errors.New("authn: the default lifetime of API keys is longer than the longest, or a number is negative")
	}
	binding, err := newBindingPolicy(deps.Binding, deps.Roles)
	if err != nil {
		return nil, err
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	if deps.Rand == nil {
		deps.Rand = rand.Reader
	}
	k := &APIKeys{cfg: cfg, deps: deps, binding: binding}
	if deps.Revocations != nil {
		k.memory = newMemory(cmp.Or(deps.Remembered, DefaultRemembered))
	}
	return k, nil
}

// Header is the request header that may carry a key besides Authorization; empty is none.
func (k *APIKeys) Header() string { return k.cfg.Header }

// Create makes a key that acts for owner and returns its text, which is not
// shown again. Scopes must be within what the owner may do now; what it may do
// later is looked at with each use. The errors are [FieldError],
// [ErrLoginRequired], [ErrAPIKeyLimit], [ErrSessionEnded] when the account is
// gone or disabled, and those of stores.
func (k *APIKeys) Create(ctx context.Context, owner Principal, r APIKeyRequest) (APIKey, setting.Secret, error) {
	if err := mayManageKeys(owner); err != nil {
		return APIKey{}, "", err
	}
	key, err := r.checked(k.cfg, k.now())
	if err != nil {
		return APIKey{}, "", err
	}
	if key.Owner, err = k.grantor(ctx, owner, key.Scopes); err != nil {
		return APIKey{}, "", err
	}
	if key.ID, err = credential.NewID(k.deps.Rand, string(key.Owner.Tenant), key.Owner.ID); err != nil {
		return APIKey{}, "", wrapped("make an API key's ID", err)
	}
	fresh, err := k.secret(key.ID)
	if err != nil {
		return APIKey{}, "", err
	}
	record := APIKeyRecord{APIKey: key, SecretHash: credential.Hash(fresh.Secret), Generation: 1}
	act := k.act(audit.APIKeyCreated, owner, key.Owner, key.ID)
	if err = k.deps.Store.CreateAPIKey(act.In(ctx), record, int(k.cfg.MaxPerUser)); err != nil {
		return APIKey{}, "", wrapped("store an API key", k.withdraw(ctx, owner, key, err))
	}
	act.Tell(ctx)
	return key, fresh.Encode(), nil
}

// grantor returns the account of an owner who may hand out the scopes by its roles of this moment.
func (k *APIKeys) grantor(ctx context.Context, owner Principal, scopes []string) (Subject, error) {
	_, has, err := accountOf(ctx, k.deps.Users, k.deps.Roles, owner.Subject)
	if errors.Is(err, errGone) {
		return Subject{}, ErrSessionEnded
	}
	if err != nil {
		return Subject{}, err
	}
	owner.Roles = has.roles
	return owner.Subject, k.deps.Scopes.CheckScopes(ctx, owner, scopes)
}

// List returns the owner's keys, the newest first, with those that expired in the last 30 days.
func (k *APIKeys) List(ctx context.Context, owner Subject) ([]APIKey, error) {
	records, err := k.deps.Store.APIKeys(ctx, owner)
	if err != nil {
		return nil, wrapped("list API keys", err)
	}
	keys := make([]APIKey, 0, len(records))
	for _, record := range records {
		keys = append(keys, record.APIKey)
	}
	return keys, nil
}

// Rotate replaces the secret of a key of owner and returns the new text. The
// old one works for the time overlap longer, which is at most 24 hours; one
// from before it is dead at once. The end of the key does not move. Errors
// are [ErrNotFound], also for a key that has expired; [ErrConflict] when another
// rotation came first; [ErrLoginRequired]; [FieldError]; and those of stores.
func (k *APIKeys) Rotate(ctx context.Context, owner Principal, id string, overlap time.Duration) (APIKey, setting.Secret, error) {
	if err := mayManageKeys(owner); err != nil {
		return APIKey{}, "", err
	}
	if overlap < 0 || overlap > longestAPIKeyOverlap {
		problem := fmt.Sprintf("must be from 0 to %d", int(longestAPIKeyOverlap.Minutes()))
		return APIKey{}, "", &FieldError{Field: "overlap_minutes", Code: "out_of_range", Problem: problem}
	}
	record, err := k.deps.Store.APIKey(ctx, owner.Subject.Tenant, id)
	if err != nil {
		return APIKey{}, "", wrapped("read an API key", err)
	}
	now := k.now()
	if record.Owner != owner.Subject || !record.Live(now) {
		return APIKey{}, "", ErrNotFound
	}
	fresh, err := k.secret(id)
	if err != nil {
		return APIKey{}, "", err
	}
	act := k.act(audit.APIKeyRotated, owner, record.Owner, id)
	err = k.deps.Revocations.ChangeAPIKey(ctx, record.Owner.Tenant, id, func(ctx context.Context) error {
		return k.rotate(act.In(ctx), APIKeyRotation{
			Owner: record.Owner, ID: id, Generation: record.Generation, SecretHash: record.SecretHash,
			NextHash: credential.Hash(fresh.Secret), PreviousUntil: now.Add(overlap), At: now,
		})
	})
	if err != nil {
		return APIKey{}, "", wrapped("rotate an API key", err)
	}
	record.RotatedAt = now
	act.Tell(ctx)
	return record.APIKey, fresh.Encode(), nil
}

// Revoke ends a key of owner for good; it is refused from the moment the call
// returns. It returns [ErrNotFound] when owner has no such key, and
// [ErrLoginRequired] when actor is one. It does not ask whether actor may do this to another account.
func (k *APIKeys) Revoke(ctx context.Context, actor Principal, owner Subject, id string) error {
	if actor.Limited() {
		return ErrLoginRequired
	}
	record, err := k.deps.Store.APIKey(ctx, owner.Tenant, id)
	if err == nil && record.Owner != owner {
		err = ErrNotFound
	}
	if err != nil {
		return wrapped("revoke an API key", err)
	}
	act := k.act(audit.APIKeyRevoked, actor, owner, id)
	err = k.deps.Revocations.ChangeAPIKey(ctx, owner.Tenant, id, func(ctx context.Context) error {
		return k.deps.Store.DeleteAPIKey(act.In(ctx), owner, id)
	})
	if err != nil {
		return wrapped("revoke an API key", err)
	}
	act.Tell(ctx)
	return nil
}

// Prune drops the keys that expired more than 30 days ago and returns how many.
func (k *APIKeys) Prune(ctx context.Context) (int, error) {
	n, err := k.deps.Store.PruneAPIKeys(ctx, k.deps.Now().Add(-expiredAPIKeysAreListed))
	return n, wrapped("drop expired API keys", err)
}

// now is the time as stores keep it.
func (k *APIKeys) now() time.Time { return k.deps.Now().UTC().Truncate(time.Microsecond) }

// secret makes the next secret of a key.
func (k *APIKeys) secret(id string) (credential.Credential, error) {
	random, err := credential.NewSecret(k.deps.Rand)
	if err != nil {
		return credential.Credential{}, wrapped("make an API key", err)
	}
	return credential.WithChecksum(credential.Credential{Kind: k.cfg.Prefix, ID: id, Secret: random}), nil
}

func (k *APIKeys) act(what audit.Type, actor Principal, owner Subject, id string) *audit.Act {
	e := audit.Event{
		Type: what, Time: k.deps.Now(), Tenant: string(owner.Tenant), Subject: owner.ID,
		SessionID: actor.SessionID, Detail: map[string]string{"key": id},
	}
	if actor.Subject != owner || actor.Actor != "" {
		e.Actor = ActorID(actor)
	}
	return k.deps.Events.Act(e)
}

// mayManageKeys lets logged-in users make and rotate keys of their own: a key must not beget another, and who acts as somebody
// else must not leave one behind.
func mayManageKeys(p Principal) error {
	if p.Kind != KindUser || !p.Authenticated() || p.Limited() || p.Actor != "" {
		return ErrLoginRequired
	}
	return nil
}
