package authn

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
)

// KeyRing holds the key that signs and those that verify. Replacing them is
// one step: no reader sees half of a change. It is safe for concurrent use.
type KeyRing struct {
	current atomic.Pointer[keySet]
	// rooms are reused by verifications.
	rooms sync.Pool
	// refresh looks for a key that the ring does not have, and reports whether the ring has it now. Nil looks for none.
	refresh func(kid string) bool
}

type keySet struct {
	signing *Key
	byID    map[string]*Key
	// order is that of publication, the signing key first.
	order      []*Key
	algorithms map[string]bool
	// written has the keys by the header segment of the access tokens that they sign.
	written map[string]*Key
}

// NewKeyRing returns a ring whose signing key also verifies. A nil signing key
// makes a ring that only verifies.
func NewKeyRing(signing *Key, verifying ...*Key) (*KeyRing, error) {
	r := &KeyRing{}
	if err := r.Replace(signing, verifying...); err != nil {
		return nil, err
	}
	return r, nil
}

// Replace changes all keys at once, or none when it returns an error: two keys
// of one kid, secrets beside key pairs, a signing key without its private half, no key at all.
func (r *KeyRing) Replace(signing *Key, verifying ...*Key) error {
	set, err := newKeySet(signing, verifying)
	if err != nil {
		return err
	}
	if len(set.order) == 0 {
		return fmt.Errorf("%w: a ring needs a key", ErrKey)
	}
	r.current.Store(set)
	return nil
}

// newKeySet may return an empty set, which signs nothing and verifies nothing.
func newKeySet(signing *Key, verifying []*Key) (*keySet, error) {
	set := &keySet{signing: signing, byID: map[string]*Key{}, algorithms: map[string]bool{}, written: map[string]*Key{}}
	if signing != nil {
		if !signing.CanSign() {
			return nil, fmt.Errorf("%w: key %s cannot sign, it is a public one", ErrKey, signing.ID())
		}
		verifying = append([]*Key{signing}, verifying...)
	}
	for _, key := range verifying {
		if err := set.add(key); err != nil {
			return nil, err
		}
	}
	return set, nil
}

func (s *keySet) add(key *Key) error {
	if key == nil {
		return fmt.Errorf("%w: the key is nil", ErrKey)
	}
	if _, twice := s.byID[key.ID()]; twice {
		return fmt.Errorf("%w: two keys have the kid %s", ErrKey, key.ID())
	}
	if len(s.order) > 0 && s.order[0].symmetric() != key.symmetric() {
		return fmt.Errorf("%w: one ring holds secrets or key pairs, not both (%s and %s)", ErrKey, s.order[0], key)
	}
	s.byID[key.ID()] = key
	s.order = append(s.order, key)
	s.algorithms[key.Algorithm()] = true
	s.written[key.headerSegment()] = key
	return nil
}

var errNoSigningKey = errors.New("authn: the ring has no key to sign with")

// Signing returns the key that signs.
func (r *KeyRing) Signing() (*Key, error) {
	if signing := r.current.Load().signing; signing != nil {
		return signing, nil
	}
	return nil, errNoSigningKey
}

// Public returns the key set that others verify with, the signing key first.
// It is empty for a ring of secrets.
func (r *KeyRing) Public() JWKSet {
	set := JWKSet{Keys: []JWK{}}
	for _, key := range r.current.Load().order {
		if !key.symmetric() {
			set.Keys = append(set.Keys, key.jwk)
		}
	}
	return set
}

// has reports whether the key that signed a remembered token is still in the ring.
func (r *KeyRing) has(e *remembered) bool {
	set := r.current.Load()
	if e.keys.Load() == set {
		return true
	}
	if set.byID[e.key.ID()] != e.key {
		return false
	}
	e.keys.Store(set)
	return true
}
