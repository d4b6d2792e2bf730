package authn

import (
	"context"
	"time"
)

// APIKeyRotation replaces a key's secret by the next one.
type APIKeyRotation struct {
	Owner Subject
	ID    string
	// Generation and SecretHash must be the stored ones.
	Generation int64
	SecretHash []byte
	// NextHash is stored with Generation+1, and SecretHash becomes PreviousHash
	// until PreviousUntil.
	NextHash      []byte
	PreviousUntil time.Time
	// At becomes RotatedAt.
	At time.Time
}

// APIKeyStore keeps API keys. Every method is one atomic step, and "live" is
// what [APIKey.Live] says for the time that the call names. An error that is
// none of the named sentinels means that the store could not answer; callers
// refuse the request then. Times are kept to the microsecond.
// Implementations are safe for concurrent use.
type APIKeyStore interface {
	// CreateAPIKey stores r. It changes nothing and returns [ErrAPIKeyLimit] when
	// the owner has limit or more keys that are live at r.CreatedAt; limit 0 is
	// none. Of concurrent calls no more than limit keys are ever live.
	CreateAPIKey(ctx context.Context, r APIKeyRecord, limit int) error
	// APIKey returns the record, live or not, or [ErrNotFound]. It costs the same however many keys there are.
	APIKey(ctx context.Context, t Tenant, id string) (APIKeyRecord, error)
	// APIKeys returns the owner's records, live or not, the newest first.
	APIKeys(ctx context.Context, owner Subject) ([]APIKeyRecord, error)
	// RotateAPIKey stores the next secret if the owner's key is live at r.At and its
	// generation and hash are the named ones; otherwise it changes nothing and
	// returns [ErrConflict]. Of concurrent calls exactly one succeeds.
	RotateAPIKey(ctx context.Context, r APIKeyRotation) error
	// TouchAPIKey records a use at the given time, unless one was recorded less
	// than every before it. An absent key is no error, and comes not to life.
	TouchAPIKey(ctx context.Context, t Tenant, id string, at time.Time, every time.Duration) error
	// DeleteAPIKey removes the owner's key, or returns [ErrNotFound].
	DeleteAPIKey(ctx context.Context, owner Subject, id string) error
	// PruneAPIKeys drops the keys that expired before the given time and returns how many.
	PruneAPIKeys(ctx context.Context, before time.Time) (int, error)
}
