package authn

import (
	"context"
	"time"
)

// CounterKind says what a counter counts the failures of.
type CounterKind string

// The kinds of counters. Those of accounts are named for the [Factor] and keyed by the account's ID.
const (
	// CounterName is for a name that no account has, keyed by a hash of it.
	CounterName CounterKind = "name"
	// CounterAddress is for one network of clients.
	CounterAddress CounterKind = "address"
	// CounterPair is for one account, or name, from one network.
	CounterPair CounterKind = "pair"
	// CounterDevice is for one account from one device that it has signed in on before. Its consecutive failures end when nothing was counted for long.
	CounterDevice CounterKind = "device"
)

// CounterKey names a counter.
type CounterKey struct {
	Tenant Tenant
	Kind   CounterKind
	ID     string
}

// Counter is what is remembered of failures. An attempt under way counts as one, until it succeeds.
type Counter struct {
	// Failures is how many there are in the window that began at WindowStart, and Pending how many of them are attempts under way.
	Failures    int64
	Pending     int64
	WindowStart time.Time
	// Consecutive is how many there are since the last success, however long that took: no lock that ends,
	// and no time that passes, takes any of them away (NIST SP 800-63B-4, section 3.2.2).
	Consecutive int64
	// LockedUntil is when the last lock ends or has ended, and Locks how many came in a row.
	LockedUntil time.Time
	Locks       int64
	// Last is when the last failure was counted.
	Last time.Time
	// Expires is when nothing is lost by dropping the counter; zero is never.
	Expires time.Time
	// Version is 0 for a counter that is not there, and one more with each change.
	Version int64
}

// CounterStore keeps counters. What they mean is computed by the caller: a store compares and swaps.
//
// All times are kept to the microsecond. An error other than [ErrConflict] means that the store could not
// answer, and the attempt is refused. Implementations are safe for concurrent use.
type CounterStore interface {
	// Counter returns the counter, expired or not; one that is not there is the zero value, and no error.
	Counter(ctx context.Context, k CounterKey) (Counter, error)
	// PutCounter stores c, with version+1 in place of c.Version, if the stored counter has the given version; 0 is one
	// that is not there. Otherwise it changes nothing and returns [ErrConflict]; of concurrent calls for one
	// version exactly one succeeds.
	PutCounter(ctx context.Context, k CounterKey, c Counter, version int64) error
	// DeleteCounter removes the counter; removing an absent one is no error.
	DeleteCounter(ctx context.Context, k CounterKey) error
	// PruneCounters drops the counters that expired before the given time, and returns how many. Those
	// without an end stay.
	PruneCounters(ctx context.Context, before time.Time) (int, error)
}
