package authn

import (
	"context"
	"time"
)

// UserStore keeps accounts. Implement it to bring your own users; passwords
// are kept apart, in a [PasswordStore].
//
// An ID is never given to a second account, not even when the first is gone: roles, API keys and sessions go by it.
//
// All times are kept to the microsecond. An error that is none of the sentinels named
// below means that the store could not answer; callers refuse the request
// then. Implementations are safe for concurrent use.
type UserStore interface {
	// CreateUser stores u, whose Version is 1. It returns [ErrEmailTaken] when the tenant has
	// an account with that address already; of concurrent calls for one
	// address exactly one succeeds.
	CreateUser(ctx context.Context, u User) error
	// UserByID returns the account, or [ErrNotFound].
	UserByID(ctx context.Context, s Subject) (User, error)
	// UserByEmail returns the account with that canonical address, or [ErrNotFound].
	UserByEmail(ctx context.Context, t Tenant, email string) (User, error)
	// UpdateUser replaces the account if its stored Version is u.Version, and
	// stores u.Version+1. Otherwise it changes nothing and returns
	// [ErrConflict]; [ErrNotFound] when the account is absent and
	// [ErrEmailTaken] when another one has the address.
	UpdateUser(ctx context.Context, u User) error
	// Users lists the tenant's accounts that are not deleted by ascending ID, those after the ID
	// after, at most limit of them.
	Users(ctx context.Context, t Tenant, after string, limit int) ([]User, error)
}

// PasswordStore keeps password hashes, one per subject, as text of at most 512
// bytes: PHC strings, and before their owners' first logins what was imported (see [Hasher.Usable]).
type PasswordStore interface {
	// PasswordHash returns the hash, or [ErrNotFound] when the account has no password.
	PasswordHash(ctx context.Context, s Subject) (string, error)
	// SetPasswordHash stores or replaces the hash. The account need not exist yet.
	SetPasswordHash(ctx context.Context, s Subject, hash string) error
	// ReplacePasswordHash stores hash if the stored one is old, byte for byte, in one atomic step; of concurrent calls
	// with one old exactly one succeeds. Otherwise, and when there is no hash, it changes nothing and returns [ErrConflict].
	ReplacePasswordHash(ctx context.Context, s Subject, old, hash string) error
	// DeletePasswordHash removes the hash; removing an absent one is no error.
	DeletePasswordHash(ctx context.Context, s Subject) error
}

// OneTime is a record that can be consumed once: a set-up link, a reset
// token. Its secret is stored as a hash only.
type OneTime struct {
	Tenant  Tenant
	Purpose string
	ID      string
	// SecretHash is the SHA-256 of the secret.
	SecretHash []byte
	// Value belongs to the purpose; it holds no secret in clear.
	Value   string
	Expires time.Time
}

// OneTimeStore keeps records that are used once.
type OneTimeStore interface {
	// PutOneTime stores r, replacing one with the same tenant, purpose and ID.
	PutOneTime(ctx context.Context, r OneTime) error
	// ConsumeOneTime removes and returns the record, in one atomic step, if
	// its hash equals secretHash and it expires after now; of concurrent calls
	// exactly one succeeds. Otherwise it returns [ErrNotFound], and a wrong
	// secret leaves the record in place.
	ConsumeOneTime(ctx context.Context, t Tenant, purpose, id string, secretHash []byte, now time.Time) (OneTime, error)
	// PruneOneTime drops the records that expired before the given time and returns how many.
	PruneOneTime(ctx context.Context, before time.Time) (int, error)
}
