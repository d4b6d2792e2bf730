package passwordhash

import (
	"encoding/base64"
	"math/bits"

	"golang.org/x/crypto/scrypt"
)

const (
	mostScryptLog = 24
	mostScryptR   = 64
	mostScryptP   = 64
)

type scryptCost struct{ n, r, p int }

// memoryKiB is what one computation takes, rounded up (RFC 7914, section 2).
func (c scryptCost) memoryKiB() int { return (c.n*c.r*128 + c.r*c.p*128 + 1023) / 1024 }

func (c scryptCost) hash(salt, key []byte, limits Limits) (Hash, error) {
	if c.memoryKiB() > limits.MemoryKiB || c.n*c.r/8*c.p > limits.Work {
		return Hash{}, unusable("asks for a cost that is out of range")
	}
	return Hash{MemoryKiB: c.memoryKiB(), compute: func(password string) bool {
		computed, err := scrypt.Key([]byte(password), salt, c.n, c.r, c.p, len(key))
		return err == nil && equal(key, computed) && wholeHMAC(password)
	}}, nil
}

// parseScrypt reads passlib's "$scrypt$ln=16,r=8,p=1$salt$key".
func parseScrypt(text string, limits Limits) (Hash, error) {
	parts, err := fields(text, 5)
	if err != nil {
		return Hash{}, err
	}
	all, err := numbers(parts[2], mostScryptR, "ln", "r", "p")
	if err != nil {
		return Hash{}, err
	}
	if all[0] > mostScryptLog {
		return Hash{}, unusable("asks for a cost that is out of range")
	}
	salt, key, err := decoded(base64.RawStdEncoding, parts[3], parts[4])
	if err != nil {
		return Hash{}, err
	}
	return scryptCost{n: 1 << all[0], r: all[1], p: all[2]}.hash(salt, key, limits)
}

// parseDjangoScrypt reads "scrypt$16384$salt$8$5$key", whose salt is text.
func parseDjangoScrypt(text string, limits Limits) (Hash, error) {
	parts, err := fields(text, 6)
	if err != nil {
		return Hash{}, err
	}
	n, errN := number(parts[1], 1<<mostScryptLog)
	r, errR := number(parts[3], mostScryptR)
	p, errP := number(parts[4], mostScryptP)
	if errN != nil || errR != nil || errP != nil || n < 2 || bits.OnesCount(uint(n)) != 1 {
		return Hash{}, unusable("asks for a cost that is out of range")
	}
	_, key, err := decoded(base64.StdEncoding, noSalt, parts[5])
	if err != nil {
		return Hash{}, err
	}
	salt := []byte(parts[2])
	if err := sized(salt, key); err != nil {
		return Hash{}, err
	}
	return scryptCost{n: n, r: r, p: p}.hash(salt, key, limits)
}
