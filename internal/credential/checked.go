package credential

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/authmodule/authmodule/setting"
)

const (
	checksumSize = 4
	longestKind  = 16
)

// ValidKind reports whether text is 1 to 16 of a-z and 0-9: what a configured
// kind may be.
func ValidKind(text string) bool {
	if text == "" || len(text) > longestKind {
		return false
	}
	for i := range len(text) {
		if c := text[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// WithChecksum returns c with a checksum behind its secret, which must have
// SecretSize bytes. It lets everybody tell a mistyped credential, and a scanner
// a real one, without a look into the store; it proves nothing.
func WithChecksum(c Credential) Credential {
	c.Secret = binary.BigEndian.AppendUint32(c.Secret[:SecretSize:SecretSize], checksum(c))
	return c
}

// ParseChecked is [Parse] for what [WithChecksum] made. It refuses text whose
// checksum is wrong.
func ParseChecked(kind string, text setting.Secret) (Credential, error) {
	c, err := Parse(kind, text)
	if err != nil {
		return Credential{}, err
	}
	if len(c.Secret) != SecretSize+checksumSize || binary.BigEndian.Uint32(c.Secret[SecretSize:]) != checksum(c) {
		return Credential{}, ErrMalformed
	}
	return c, nil
}

// checksum covers kind, ID and secret.
func checksum(c Credential) uint32 {
	sum := crc32.ChecksumIEEE([]byte(c.Kind + "_" + c.ID + "_"))
	return crc32.Update(sum, crc32.IEEETable, c.Secret[:SecretSize])
}
