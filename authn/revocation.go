package authn

import (
	"context"
	"time"
)

// RevocationKind says what an entry of the revocation log is about.
type RevocationKind string

// The kinds of entries. The first three end what they name; the others say
// that something changed, and that whoever remembers it must look again.
const (
	// RevokedToken ends one access token; ID is its jti.
	RevokedToken RevocationKind = "token"
	// RevokedSession ends the access tokens of one session; ID is its sid.
	RevokedSession RevocationKind = "session"
	// RevokedKey ends every token that a signing key made; ID is its kid, and there is no tenant.
	RevokedKey RevocationKind = "signing_key"
	// ChangedAccount: roles, state or credentials of the account with that ID changed, or some of its sessions ended.
	ChangedAccount RevocationKind = "account"
	// ChangedSession: the session with that ID is being ended.
	ChangedSession RevocationKind = "session_change"
	// ChangedAPIKey: the API key with that ID was rotated or revoked.
	ChangedAPIKey RevocationKind = "api_key"
	// ChangedRules: roles or policies of the tenant changed; there is no ID.
	ChangedRules RevocationKind = "rules"
	// EndedSessions ends every session of the account with that ID that was
	// opened before the entry; without an ID, every one of the tenant.
	EndedSessions RevocationKind = "sessions"
)

// Revocation is one entry of the revocation log.
type Revocation struct {
	// Position is the entry's place in the log. The store sets it.
	Position int64
	Kind     RevocationKind
	Tenant   Tenant
	ID       string
	// Until is when the entry may be forgotten: nothing that it ends lives longer.
	Until time.Time
}

// RevocationStore keeps the revocation log: what was revoked and changed, in
// one order that all nodes see. [Revocations] follows it.
//
// All times are kept to the microsecond. An error means that the store could
// not answer; callers refuse the request then. Implementations are safe for concurrent use.
type RevocationStore interface {
	// Revoke appends the entries in one step, at consecutive positions, and
	// returns the position of the last. Positions grow and are never used again; the first is the
	// store's choice, above 0. Where a log can be lost while sessions are kept, the one that takes its place must
	// begin above it: a session is ended by entries above the position at which it was opened.
	Revoke(ctx context.Context, entries ...Revocation) (int64, error)
	// Revocations returns entries after the position by ascending position, at
	// most limit of them, and head, the highest position given out before they
	// were read, forgotten entries included. Once an entry was returned, none appears before it.
	Revocations(ctx context.Context, after int64, limit int) (entries []Revocation, head int64, err error)
	// PruneRevocations forgets the entries whose Until is before the given time and returns how many.
	PruneRevocations(ctx context.Context, before time.Time) (int, error)
}

// RevocationWatcher is implemented by a [RevocationStore] that can tell of new
// entries, so that [Revocations] need not wait for its next look.
type RevocationWatcher interface {
	// WatchRevocations has changed called after entries were appended, by
	// whomever, until stop is called. It must not block, and it may be called too often.
	WatchRevocations(changed func()) (stop func())
}
