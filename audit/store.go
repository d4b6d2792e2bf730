package audit

import (
	"context"
	"time"
)

// Entry is an event in the chain.
type Entry struct {
	// Seq counts from 1, without a gap.
	Seq int64
	Waiting
	// KeyID names the key that Hash was made with.
	KeyID string
	// Prev is the hash of the entry before; of the first it is empty.
	Prev []byte
	// Hash covers the payload, Seq, KeyID and Prev.
	Hash []byte
}

// Head is the end of the chain, and its beginning: what was dropped from it by [JournalStore.PruneEntries].
type Head struct {
	// Seq and Hash are those of the last entry; 0 and nil before the first.
	Seq  int64
	Hash []byte
	// DroppedSeq and DroppedHash are those of the last entry that was dropped; 0 and nil when none was.
	DroppedSeq  int64
	DroppedHash []byte
	// KeyID names the key that MAC was made with. MAC covers the other fields.
	KeyID string
	MAC   []byte
}

// Query chooses entries. Empty fields choose all.
type Query struct {
	// Tenant is the tenant's events; nil is for those of all tenants.
	Tenant *string
	// After is the Seq before the first.
	After int64
	// Limit is how many at most; below 1 there are none.
	Limit   int
	Subject string
	Type    Type
	// From and To bound the events' times; To is the first moment that does not count.
	From, To time.Time
}

// JournalStore keeps the audit journal: events that wait, and the chain that they are moved to. Every method is one
// atomic step. Times are kept to the microsecond and bytes as they are. An error means that the store could not answer; what
// became of the call is unknown then, and it may be made again. Implementations are safe for concurrent use.
type JournalStore interface {
	// PutEvents adds events to those that wait. One whose ID is known is not stored again, and no error.
	PutEvents(ctx context.Context, events ...Waiting) error
	// ChainEvents moves up to limit of the events that wait into the chain, those that were put first first: it calls link with
	// the chain's head, and stores the entries and the head that link returns in the same step. One whose ID is in the chain already is
	// dropped. link is not called when nothing waits; its error changes nothing and is returned as it is. Of concurrent
	// calls on any nodes the second sees the head that the first left. It returns how many events wait no more.
	ChainEvents(ctx context.Context, limit int, link func(head Head, waiting []Waiting) ([]Entry, Head, error)) (int, error)
	// WaitingEvents returns how many events wait.
	WaitingEvents(ctx context.Context) (int, error)
	// Entries returns what the query chooses, by ascending Seq.
	Entries(ctx context.Context, q Query) ([]Entry, error)
	// Head returns the head; its zero value when there is none.
	Head(ctx context.Context) (Head, error)
	// PruneEntries drops the chain's first entries, up to limit of them and only such as have a time before the given one, up to
	// the first that has not. It calls move with the head and with them, by ascending Seq, and stores the head that move returns in
	// the same step. move is not called when there is nothing to drop; its error changes nothing and is returned as it is.
	PruneEntries(ctx context.Context, before time.Time, limit int, move func(head Head, dropped []Entry) (Head, error)) (int, error)
}
