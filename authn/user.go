package authn

import "time"

// User is a stored account. It holds no credential.
type User struct {
	Subject Subject
	// Email is canonical (see [CanonicalEmail]) and unique in the tenant.
	Email     string
	CreatedAt time.Time
	// VerifiedAt is when the owner last showed that they read the mail of Email, zero if never.
	VerifiedAt time.Time
	// DisabledAt is zero for an active account.
	DisabledAt time.Time
	// DeletedAt is zero but for a deleted account. Of one, nothing is left but its ID, which no other account gets, and times;
	// Email is an address that nobody has.
	DeletedAt time.Time
	// LastLoginAt is when a login last succeeded, zero before the first.
	LastLoginAt time.Time
	// CredentialVersion is 1 for a new account and one more with each change of
	// its credentials. A login that was proved before such a change does not outlive it.
	CredentialVersion int64
	// Version counts the stored changes; see [UserStore.UpdateUser].
	Version int64
}

// Active reports whether the account may be used.
func (u User) Active() bool { return u.DisabledAt.IsZero() && u.DeletedAt.IsZero() }
