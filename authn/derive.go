package authn

import (
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
)

const derivedSize = 32

// DeriveSecret derives a secret of 32 bytes from a master secret, one for
// each purpose (HKDF with SHA-256, RFC 5869).
func DeriveSecret(master []byte, purpose string) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, master, nil, "authmodule "+purpose, derivedSize)
	if err != nil {
		return nil, fmt.Errorf("authn: derive a secret: %w", err)
	}
	return key, nil
}
