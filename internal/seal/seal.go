package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Why a sealed value does not open. Test with errors.Is.
var (
	// ErrUnknownKey: it was sealed with a key that the box does not have.
	ErrUnknownKey = errors.New("seal: sealed with an unknown key")
	// ErrDamaged: it was changed, cut, or belongs to another purpose or context.
	ErrDamaged = errors.New("seal: damaged, or sealed for another place")
)

const (
	// KeySize is the length of a box's keys in bytes.
	KeySize = 32
	// Largest is the length in bytes up to which a value is sealed.
	Largest = 64 << 10

	format     = 1
	keyIDSize  = 8
	nonceSize  = 12
	tagSize    = 16
	headerSize = 1 + keyIDSize
	// Overhead is how many bytes longer a sealed value is.
	Overhead = headerSize + nonceSize + tagSize
)

type keyID [keyIDSize]byte

// Box seals with its first key and opens with all. It prints no key, and is
// safe for concurrent use.
type Box struct {
	purpose string
	current keyID
	// aead stands behind a function, which fmt cannot look into.
	aead func(keyID) cipher.AEAD
}

// New returns a box for one purpose. Each key has [KeySize] bytes and serves
// this purpose alone; keys after the first open what they sealed in their day.
func New(purpose string, current []byte, previous ...[]byte) (*Box, error) {
	known := map[keyID]cipher.AEAD{}
	for _, key := range append([][]byte{current}, previous...) {
		if len(key) != KeySize {
			return nil, fmt.Errorf("seal: a key has %d bytes", KeySize)
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, fmt.Errorf("seal: %w", err)
		}
		aead, err := cipher.NewGCM(block)
		if err != nil {
			return nil, fmt.Errorf("seal: %w", err)
		}
		known[idOf(key)] = aead
	}
	return &Box{purpose: purpose, current: idOf(current), aead: func(id keyID) cipher.AEAD { return known[id] }}, nil
}

// idOf names a key without telling anything of it.
func idOf(key []byte) (id keyID) {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("authmodule seal key id"))
	copy(id[:], mac.Sum(nil))
	return id
}

// Seal returns the value sealed for one context, such as the ID of its record:
//
//	format (1 byte), key ID (8), nonce (12), ciphertext, tag (16)
//
// It reads the nonce from random.
func (b *Box) Seal(random io.Reader, value []byte, context ...string) ([]byte, error) {
	if len(value) > Largest {
		return nil, fmt.Errorf("seal: a value has at most %d bytes", Largest)
	}
	out := make([]byte, headerSize+nonceSize, len(value)+Overhead)
	out[0] = format
	copy(out[1:], b.current[:])
	nonce := out[headerSize:]
	if _, err := io.ReadFull(random, nonce); err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return b.aead(b.current).Seal(out, nonce, value, b.bound(out[:headerSize], context)), nil
}

// Open returns the value, and whether it was sealed with the box's first key;
// a value that was not can be sealed again. The errors are [ErrUnknownKey] and [ErrDamaged].
func (b *Box) Open(sealed []byte, context ...string) (value []byte, current bool, err error) {
	if len(sealed) < Overhead || len(sealed) > Largest+Overhead || sealed[0] != format {
		return nil, false, ErrDamaged
	}
	id := keyID(sealed[1:headerSize])
	aead := b.aead(id)
	if aead == nil {
		return nil, false, ErrUnknownKey
	}
	nonce, text := sealed[headerSize:headerSize+nonceSize], sealed[headerSize+nonceSize:]
	value, err = aead.Open(nil, nonce, text, b.bound(sealed[:headerSize], context))
	if err != nil {
		return nil, false, ErrDamaged
	}
	return value, id == b.current, nil
}

// bound is the additional data: header, purpose and context, each with its
// length before it, so that no two lists run together alike.
func (b *Box) bound(header []byte, context []string) []byte {
	data := append([]byte{}, header...)
	for _, part := range append([]string{b.purpose}, context...) {
		data = binary.BigEndian.AppendUint64(data, uint64(len(part)))
		data = append(data, part...)
	}
	return data
}
