package authn

import (
	"bytes"
	"context"
	"time"
)

// ManagedKey is what may be known of a managed signing key: everything but the key.
type ManagedKey struct {
	// ID is the kid.
	ID string
	// Algorithm is one of [Algorithms].
	Algorithm string
	// State is KeyNext, KeySigning, KeyRetiring or KeyKilled.
	State KeyState
	// CreatedAt is when the key was made, and published.
	CreatedAt time.Time
	// SignsAt is when it began to sign; zero for a key that never did.
	SignsAt time.Time
	// RetiredAt is when it was replaced or killed; zero before.
	RetiredAt time.Time
	// Expires is when a retiring key verifies no more, and when the record of a
	// killed one is dropped; zero for the others.
	Expires time.Time
}

// Verifies reports whether the key verifies at now.
func (k ManagedKey) Verifies(now time.Time) bool {
	switch k.State {
	case KeyNext, KeySigning:
		return true
	case KeyRetiring:
		return now.Before(k.Expires)
	default:
		return false
	}
}

// KeyRecord is a managed signing key as it is stored. Its private half, or its
// secret, is sealed: the store cannot use it.
type KeyRecord struct {
	ManagedKey
	// Sealed is empty for a killed key.
	Sealed []byte
}

// Clone returns a copy that shares no memory with r.
func (r KeyRecord) Clone() KeyRecord {
	r.Sealed = bytes.Clone(r.Sealed)
	return r
}

// StoredKeys is the whole ring of managed keys at one moment.
type StoredKeys struct {
	// Version counts the changes; it is 0 before the first.
	Version int64
	// Keys are all records, in every state, by ascending ID.
	Keys []KeyRecord
}

// KeyStore keeps the ring of managed signing keys, which belongs to the whole
// application and to no tenant. A ring is small: about four keys. It changes as a whole, so that no
// reader ever sees it without a signing key or with two.
//
// Times are kept to the microsecond, and no record is dropped because of its
// times: the keys that are given are the keys that are kept. An error other than [ErrConflict] means that
// the store could not answer. Implementations are safe for concurrent use.
type KeyStore interface {
	// SigningKeys returns the ring as the last change left it; before the first it
	// is empty, with version 0, and that is no error.
	SigningKeys(ctx context.Context) (StoredKeys, error)
	// ReplaceSigningKeys makes next the keys of the ring, and raises its version
	// by one, if the stored version is the given one. Otherwise it changes nothing and returns
	// [ErrConflict]; of concurrent calls for one version exactly one succeeds. Two keys of one ID are
	// an error, and change nothing.
	ReplaceSigningKeys(ctx context.Context, version int64, next []KeyRecord) error
}
