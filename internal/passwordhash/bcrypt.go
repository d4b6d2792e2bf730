package passwordhash

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

const (
	mostBcryptCost  = 15
	bcryptLength    = 60
	bcryptMemoryKiB = 8
	// longestBcrypt is how many bytes of a password bcrypt looks at.
	longestBcrypt = 72
)

// parseBcrypt reads "$2b$12$" with 22 letters of salt and 31 of key. The
// broken variant 2x is not among the prefixes.
func parseBcrypt(text string, _ Limits) (Hash, error) {
	if err := checkBcrypt(text); err != nil {
		return Hash{}, err
	}
	return Hash{MemoryKiB: bcryptMemoryKiB, compute: func(password string) bool {
		return compareBcrypt(text, password) && wholeBcrypt(password)
	}}, nil
}

func checkBcrypt(text string) error {
	if len(text) != bcryptLength || text[6] != '$' {
		return unusable("is no complete bcrypt hash")
	}
	if text[4] < '0' || text[4] > '9' || text[5] < '0' || text[5] > '9' {
		return unusable("is no complete bcrypt hash")
	}
	if cost := int(text[4]-'0')*10 + int(text[5]-'0'); cost < bcrypt.MinCost || cost > mostBcryptCost {
		return unusable("asks for a cost that is out of range")
	}
	const letters = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	if strings.Trim(text[7:], letters) != "" {
		return unusable("is no complete bcrypt hash")
	}
	return nil
}

// wholeBcrypt reports whether bcrypt looks at all of a password. It ignores
// what follows the 72nd byte, and repeats the password with a NUL behind it, so
// that "a" and "a\x00a" have one hash. Both would be another password's proof.
func wholeBcrypt(password string) bool {
	return len(password) <= longestBcrypt && !strings.Contains(password, "\x00")
}

func compareBcrypt(hash, password string) bool {
	if len(password) > longestBcrypt {
		password = password[:longestBcrypt] // computed all the same, so that time tells nothing
	}
	return bcrypt.CompareHashAndPassword([]byte(hash), []byte(password)) == nil
}

// parseDjangoBcrypt reads "bcrypt$$2b$…" and "bcrypt_sha256$$2b$…", which hashes the password's SHA-256 in hexadecimal.
func parseDjangoBcrypt(text string, _ Limits) (Hash, error) {
	scheme, hash, _ := strings.Cut(text, "$")
	if !strings.HasPrefix(hash, "$2a$") && !strings.HasPrefix(hash, "$2b$") && !strings.HasPrefix(hash, "$2y$") {
		return Hash{}, unusable("is no complete bcrypt hash")
	}
	plain, err := parseBcrypt(hash, Limits{})
	if err != nil || scheme == "bcrypt" {
		return plain, err
	}
	return Hash{MemoryKiB: bcryptMemoryKiB, compute: func(password string) bool {
		sum := sha256.Sum256([]byte(password))
		return plain.compute(hex.EncodeToString(sum[:]))
	}}, nil
}
