package authn

import (
	"bytes"
	"crypto/subtle"
	"errors"
	"net/netip"
	"time"
)

// Conditions that [APIKeys] and its store report. Test with errors.Is.
var (
	// ErrAPIKeyInvalid: malformed, unknown, wrong, expired or revoked, used from
	// another network than allowed, or of a disabled account; which one is not told.
	ErrAPIKeyInvalid = errors.New("authn: API key is not valid")
	// ErrAPIKeyLimit: the account has as many API keys as it may have.
	ErrAPIKeyLimit = errors.New("authn: API key limit reached")
	// ErrLoginRequired: the credential of the caller is an API key or is limited
	// by scopes, and cannot manage API keys.
	ErrLoginRequired = errors.New("authn: this needs a login, not an API key")
)

// APIKey describes a key of an account, without its secret.
type APIKey struct {
	// ID is public and survives rotation; it never authenticates.
	ID string
	// Owner is the account that the key acts for.
	Owner Subject
	// Name is the owner's word for it.
	Name string
	// Scopes are patterns of the form resource.action, ascending. The key may do
	// what one of them and a role of its owner both allow. Without any it proves
	// who calls, and allows nothing.
	Scopes []string
	// AllowedIPs are the networks that it may be used from. Without any it may be used from everywhere.
	AllowedIPs []netip.Prefix
	CreatedAt  time.Time
	// RotatedAt is zero before the first rotation, LastUsedAt before the first use.
	// LastUsedAt is up to two minutes behind.
	RotatedAt, LastUsedAt time.Time
	// Expires is zero for a key that never does. Neither use nor rotation moves it.
	Expires time.Time
}

// Live reports whether the key has not expired at now.
func (k APIKey) Live(now time.Time) bool { return k.Expires.IsZero() || now.Before(k.Expires) }

// clone shares no memory with k.
func (k APIKey) clone() APIKey {
	k.Scopes = append([]string{}, k.Scopes...)
	k.AllowedIPs = append([]netip.Prefix{}, k.AllowedIPs...)
	return k
}

// APIKeyRecord is a key as it is stored. It holds no secret, only hashes.
type APIKeyRecord struct {
	APIKey
	// SecretHash is the SHA-256 of the secret of this generation.
	SecretHash []byte
	// PreviousHash is that of the generation before, empty in the first. It
	// counts until PreviousUntil.
	PreviousHash  []byte
	PreviousUntil time.Time
	// Generation counts the secrets: 1 when created, one more with each rotation.
	Generation int64
}

// Clone returns a copy that shares no memory with r.
func (r APIKeyRecord) Clone() APIKeyRecord {
	r.APIKey = r.APIKey.clone()
	r.SecretHash, r.PreviousHash = bytes.Clone(r.SecretHash), bytes.Clone(r.PreviousHash)
	return r
}

// generationOf is that of the secret with the hash, which is one of the record's.
func (r APIKeyRecord) generationOf(hash []byte) int64 {
	if subtle.ConstantTimeCompare(hash, r.SecretHash) == 1 {
		return r.Generation
	}
	return r.Generation - 1
}

// holds reports whether the secret of that generation is still good at now.
func (r APIKeyRecord) holds(generation int64, now time.Time) bool {
	return r.Live(now) && (generation == r.Generation || generation == r.Generation-1 && now.Before(r.PreviousUntil))
}

// until returns when the secret with that hash ends, and whether it is one of
// the record's at now. The zero time is never.
func (r APIKeyRecord) until(hash []byte, now time.Time) (time.Time, bool) {
	current := subtle.ConstantTimeCompare(hash, r.SecretHash)
	previous := subtle.ConstantTimeCompare(hash, r.PreviousHash)
	switch {
	case !r.Live(now):
		return time.Time{}, false
	case current == 1:
		return r.Expires, true
	case previous == 1 && now.Before(r.PreviousUntil):
		if !r.Expires.IsZero() && r.Expires.Before(r.PreviousUntil) {
			return r.Expires, true
		}
		return r.PreviousUntil, true
	}
	return time.Time{}, false
}

// allows reports whether the key may be used from the address. An unknown
// address is in no network.
func (k APIKey) allows(ip netip.Addr) bool {
	if len(k.AllowedIPs) == 0 {
		return true
	}
	ip = ip.Unmap().WithZone("")
	for _, network := range k.AllowedIPs {
		if network.Contains(ip) {
			return true
		}
	}
	return false
}
