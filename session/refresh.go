package session

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"

	"github.com/authmodule/authmodule/internal/credential"
)

// A refresh token's secret part is its generation and 32 secret bytes. The
// first secret is random; each next one is derived from its parent with a
// server key. So the store keeps one hash, and an old token still proves
// itself: deriving forward from it arrives at the stored hash.
const (
	generationSize = 4
	// furthest bounds how many generations back a reuse is proved, and so what a forged token can cost. A token refreshed every 15 minutes reaches as many in three weeks.
	furthest = 2048
)

type refreshSecret struct {
	generation int64
	secret     []byte
}

func (s refreshSecret) bytes() []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(s.generation)), s.secret...)
}

func parseRefreshSecret(raw []byte) (refreshSecret, bool) {
	if len(raw) != generationSize+credential.SecretSize {
		return refreshSecret{}, false
	}
	generation := int64(binary.BigEndian.Uint32(raw))
	return refreshSecret{generation: generation, secret: raw[generationSize:]}, generation > 0
}

// next derives the child's secret.
func (s refreshSecret) next(key []byte, id string) refreshSecret {
	child := s.generation + 1
	mac := hmac.New(sha256.New, key)
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(child)))
	mac.Write(s.secret)
	mac.Write([]byte(id))
	return refreshSecret{generation: child, secret: mac.Sum(nil)}
}

// ancestor reports whether s, of an older generation, is where the record's current secret came from.
func (s refreshSecret) ancestor(key []byte, r Record) bool {
	if s.generation >= r.Generation || r.Generation-s.generation > furthest {
		return false
	}
	for s.generation < r.Generation {
		s = s.next(key, r.ID)
	}
	return s.matches(r)
}

// parent reports whether s is the secret before the record's current one. It
// needs no key, and so holds across a change of the key.
func (s refreshSecret) parent(r Record) bool {
	return s.generation == r.Generation-1 && subtle.ConstantTimeCompare(credential.Hash(s.secret), r.PreviousHash) == 1
}

func (s refreshSecret) matches(r Record) bool {
	return s.generation == r.Generation && sameHash(s.secret, r)
}

func sameHash(secret []byte, r Record) bool {
	return subtle.ConstantTimeCompare(credential.Hash(secret), r.SecretHash) == 1
}
