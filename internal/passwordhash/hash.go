package passwordhash

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"
)

// Longest is how many bytes a stored hash may have.
const Longest = 512

const (
	leastSalt = 8
	leastKey  = 16
	mostKey   = 128
)

// ErrUnusable: the hash is of an unknown form, broken or too costly. What wraps it says which, and never shows the hash.
var ErrUnusable = errors.New("stored password hash is not usable")

// Limits are what a stored hash may ask for at most.
type Limits struct {
	// MemoryKiB is the memory of one computation in KiB.
	MemoryKiB int
	// Work is the memory times the passes over it, in KiB.
	Work int
}

// Hash is a stored hash that may be computed.
type Hash struct {
	// Argon2 has the parameters if the hash is argon2id, the form that the module makes.
	Argon2 *Argon2
	// MemoryKiB is what computing it takes.
	MemoryKiB int
	compute   func(password string) bool
}

// Matches reports whether the password belongs to the hash. It takes the same time for every password of a length.
func (h Hash) Matches(password string) bool { return h.compute(password) }

// Parse reads a hash by its beginning.
func Parse(text string, limits Limits) (Hash, error) {
	if len(text) > Longest {
		return Hash{}, unusable("is too long")
	}
	for prefix, parse := range map[string]func(string, Limits) (Hash, error){
		"$argon2id$": parseArgon2, "$argon2i$": parseArgon2, "argon2$argon2": parseDjangoArgon2,
		"$2a$": parseBcrypt, "$2b$": parseBcrypt, "$2y$": parseBcrypt, "bcrypt$": parseDjangoBcrypt, "bcrypt_sha256$": parseDjangoBcrypt,
		"$scrypt$": parseScrypt, "scrypt$": parseDjangoScrypt,
		"$pbkdf2$": parsePBKDF2, "$pbkdf2-": parsePBKDF2, "pbkdf2_": parseDjangoPBKDF2,
	} {
		if strings.HasPrefix(text, prefix) {
			return parse(text, limits)
		}
	}
	return Hash{}, unusable("has an unknown form")
}

func unusable(why string) error { return fmt.Errorf("%w: it %s", ErrUnusable, why) }

// sized checks the lengths that every scheme has.
func sized(salt, key []byte) error {
	if len(salt) < leastSalt || len(key) < leastKey || len(key) > mostKey {
		return unusable("has a salt or a key of the wrong length")
	}
	return nil
}

func equal(a, b []byte) bool { return subtle.ConstantTimeCompare(a, b) == 1 }
