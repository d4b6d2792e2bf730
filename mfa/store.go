package mfa

import (
	"bytes"
	"context"
	"time"

	"github.com/authmodule/authmodule/authn"
)

// Record is one thing that an account can prove itself with, as it is stored: an authenticator app, the set of
// recovery codes, a trusted device, or one that is being enrolled.
type Record struct {
	Subject authn.Subject
	// ID is unique among the subject's records, and proves nothing.
	ID string
	// Kind says what it is, such as "totp". The store compares it and knows none.
	Kind string
	// Name is what its owner calls it.
	Name string
	// Data belongs to the kind. It is sealed or hashed: who reads the store cannot use it.
	Data []byte
	// Counter belongs to the kind: the last step that was used of an authenticator app.
	Counter int64
	// CreatedAt orders the records. LastUsedAt is zero before the first use.
	CreatedAt, LastUsedAt time.Time
	// Expires is when the record may be dropped; zero is never.
	Expires time.Time
	// Version is 1 for a new record and one more with each change.
	Version int64
}

// Clone returns a copy that shares no memory with r.
func (r Record) Clone() Record {
	r.Data = bytes.Clone(r.Data)
	return r
}

// live reports whether the record counts at now.
func (r Record) live(now time.Time) bool { return r.Expires.IsZero() || now.Before(r.Expires) }

// FactorStore keeps the factors of accounts, which are few for each. Every method is one atomic step. Times are
// kept to the microsecond. An error that is none of the named sentinels means that the store
// could not answer; callers refuse the login then. Implementations are safe for concurrent use.
type FactorStore interface {
	// CreateFactor stores r, whose Version is 1. Of more than limit records of the subject and kind, those created
	// longest ago are dropped in the same step, by CreatedAt and then by ID, but never r itself; a limit below 1
	// counts as 1. An ID that the subject has already is an error.
	CreateFactor(ctx context.Context, r Record, limit int) error
	// Factors returns the subject's records, expired ones too, by ascending CreatedAt and then by ID.
	Factors(ctx context.Context, s authn.Subject) ([]Record, error)
	// UpdateFactor replaces the subject's record of that ID, except for CreatedAt, if its stored Version is r.Version,
	// and stores r.Version+1. Otherwise it changes nothing and returns [authn.ErrConflict], or
	// [authn.ErrNotFound] when the record is absent. Of concurrent calls for one version exactly one succeeds.
	UpdateFactor(ctx context.Context, r Record) error
	// DeleteFactor removes the record, or returns [authn.ErrNotFound].
	DeleteFactor(ctx context.Context, s authn.Subject, id string) error
	// PruneFactors drops the records that expired before the given time, and returns how many.
	PruneFactors(ctx context.Context, before time.Time) (int, error)
}
