package passwordhash

import (
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// MostLanes and MostPasses bound what argon2 may be asked for.
const (
	MostLanes  = 64
	MostPasses = 64

	saltBytes = 16
	keyBytes  = 32
	keyIDSize = 8
)

// Argon2 are the parameters of an argon2id hash (RFC 9106).
type Argon2 struct {
	MemoryKiB, Passes, Lanes int
	// KeyID names the pepper that the password was keyed with; empty is none.
	KeyID string
}

// SaltBytes is how many random bytes [Argon2.Make] takes.
const SaltBytes = saltBytes

// Make returns the PHC string of a password and a salt of [SaltBytes].
func (a Argon2) Make(password string, salt []byte) string {
	key := argon2.IDKey([]byte(password), salt, uint32(a.Passes), uint32(a.MemoryKiB), uint8(a.Lanes), keyBytes)
	keyID := ""
	if a.KeyID != "" {
		keyID = ",keyid=" + a.KeyID
	}
	coding := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d%s$%s$%s", argon2.Version, a.MemoryKiB, a.Passes, a.Lanes, keyID, coding.EncodeToString(salt), coding.EncodeToString(key))
}

// parseArgon2 reads "$argon2id$v=19$m=19456,t=2,p=1,keyid=AAAAAAAA$salt$key". Version 16 and associated data are not computed here.
func parseArgon2(text string, limits Limits) (Hash, error) {
	parts, err := fields(text, 6)
	if err != nil {
		return Hash{}, err
	}
	if parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return Hash{}, unusable("is of another version of argon2")
	}
	params, err := parseParams(parts[3])
	if err != nil {
		return Hash{}, err
	}
	if err := params.within(limits); err != nil {
		return Hash{}, err
	}
	salt, key, err := decoded(base64.RawStdEncoding, parts[4], parts[5])
	if err != nil {
		return Hash{}, err
	}
	return params.hash(parts[1], salt, key)
}

func parseParams(text string) (Argon2, error) {
	text, keyID, keyed := strings.Cut(text, ",keyid=")
	if keyed && !isKeyID(keyID) {
		return Argon2{}, unusable("names no pepper of this module")
	}
	all, err := numbers(text, 1<<30, "m", "t", "p")
	if err != nil {
		return Argon2{}, err
	}
	return Argon2{MemoryKiB: all[0], Passes: all[1], Lanes: all[2], KeyID: keyID}, nil
}

func isKeyID(text string) bool {
	_, err := base64.RawStdEncoding.DecodeString(text)
	return err == nil && len(text) == keyIDSize && !strings.ContainsAny(text, "\r\n")
}

func (a Argon2) within(limits Limits) error {
	if a.Lanes > MostLanes || a.Passes > MostPasses || a.MemoryKiB < 8*a.Lanes || a.MemoryKiB > limits.MemoryKiB || a.MemoryKiB*a.Passes > limits.Work {
		return unusable("asks for a cost that is out of range")
	}
	return nil
}

// hash has Argon2 set only for what the module would make itself.
func (a Argon2) hash(variant string, salt, key []byte) (Hash, error) {
	derive, made := argon2.IDKey, &a
	if variant == "argon2i" {
		if a.KeyID != "" {
			return Hash{}, unusable("names no pepper of this module")
		}
		derive, made = argon2.Key, nil
	}
	if len(salt) != saltBytes || len(key) != keyBytes {
		made = nil // the strength of another length is not ours
	}
	if made == nil && a.KeyID != "" {
		return Hash{}, unusable("names no pepper of this module")
	}
	return Hash{Argon2: made, MemoryKiB: a.MemoryKiB, compute: func(password string) bool {
		return equal(key, derive([]byte(password), salt, uint32(a.Passes), uint32(a.MemoryKiB), uint8(a.Lanes), uint32(len(key))))
	}}, nil
}

// parseDjangoArgon2 reads the PHC string that Django writes behind "argon2".
func parseDjangoArgon2(text string, limits Limits) (Hash, error) {
	hash, err := Parse(strings.TrimPrefix(text, "argon2"), limits)
	hash.Argon2 = nil
	return hash, err
}
