package passwordhash

import (
	"crypto/pbkdf2"
	"crypto/sha1" //nolint:gosec // what an imported hash was made with; it is replaced at the first login
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"hash"
	"strconv"
	"strings"
)

// mostIterations is for as many blocks as the key has.
const mostIterations = 5_000_000

// noSalt stands where a salt is text rather than base64.
const noSalt = "AAAAAAAAAAA="

type digest struct {
	make func() hash.Hash
	size int
}

func digestNamed(name string) (digest, error) {
	switch name {
	case "sha1":
		return digest{sha1.New, sha1.Size}, nil
	case "sha256":
		return digest{sha256.New, sha256.Size}, nil
	case "sha512":
		return digest{sha512.New, sha512.Size}, nil
	}
	return digest{}, unusable("has an unknown digest")
}

func (d digest) hash(iterations int, salt, key []byte) (Hash, error) {
	if iterations*((len(key)+d.size-1)/d.size) > mostIterations {
		return Hash{}, unusable("asks for a cost that is out of range")
	}
	return Hash{MemoryKiB: 1, compute: func(password string) bool {
		computed, err := pbkdf2.Key(d.make, password, salt, iterations, len(key))
		return err == nil && equal(key, computed) && wholeHMAC(password)
	}}, nil
}

// wholeHMAC reports whether no other password is taken for this one: HMAC fills
// a key up with NULs, so that "a" and "a\x00" are one key (RFC 2104, section 2).
func wholeHMAC(password string) bool { return !strings.HasSuffix(password, "\x00") }

// parsePBKDF2 reads the PHC form "$pbkdf2-sha256$i=600000,l=32$salt$key" and
// passlib's "$pbkdf2-sha256$29000$salt$key", where "." stands for "+". "$pbkdf2$" is passlib's with SHA-1.
func parsePBKDF2(text string, _ Limits) (Hash, error) {
	parts, err := fields(text, 5)
	if err != nil {
		return Hash{}, err
	}
	name, found := strings.CutPrefix(parts[1], "pbkdf2-")
	if !found {
		name = "sha1"
	}
	digest, err := digestNamed(name)
	if err != nil {
		return Hash{}, err
	}
	phc := strings.HasPrefix(parts[2], "i=")
	if !phc {
		parts[3], parts[4] = strings.ReplaceAll(parts[3], ".", "+"), strings.ReplaceAll(parts[4], ".", "+")
	}
	salt, key, err := decoded(base64.RawStdEncoding, parts[3], parts[4])
	if err != nil {
		return Hash{}, err
	}
	iterations, err := iterations(parts[2], phc, len(key))
	if err != nil {
		return Hash{}, err
	}
	return digest.hash(iterations, salt, key)
}

// iterations reads "600000", "i=600000" or "i=600000,l=32"; the length must be the key's.
func iterations(text string, phc bool, key int) (int, error) {
	if !phc {
		return number(text, mostIterations)
	}
	count, length, found := strings.Cut(strings.TrimPrefix(text, "i="), ",l=")
	if found && length != strconv.Itoa(key) {
		return 0, unusable("has a salt or a key of the wrong length")
	}
	return number(count, mostIterations)
}

// parseDjangoPBKDF2 reads "pbkdf2_sha256$600000$salt$key", whose salt is text.
func parseDjangoPBKDF2(text string, _ Limits) (Hash, error) {
	parts, err := fields(text, 4)
	if err != nil {
		return Hash{}, err
	}
	digest, err := digestNamed(strings.TrimPrefix(parts[0], "pbkdf2_"))
	if err != nil {
		return Hash{}, err
	}
	iterations, err := number(parts[1], mostIterations)
	if err != nil {
		return Hash{}, err
	}
	_, key, err := decoded(base64.StdEncoding, noSalt, parts[3])
	if err != nil {
		return Hash{}, err
	}
	salt := []byte(parts[2])
	if err := sized(salt, key); err != nil {
		return Hash{}, err
	}
	return digest.hash(iterations, salt, key)
}
