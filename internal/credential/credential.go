// Package credential is the one form of every opaque credential:
//
//	<kind>_<id>_<secret>
//
// The kind keeps a cookie from being used as a refresh token, the id finds the
// record (and names the tenant), and the secret authenticates. Only a hash of
// the secret is ever stored.
//
//	id, err := credential.NewID(rand.Reader, tenant, subject)
//	secret, err := credential.NewSecret(rand.Reader)
//	text := credential.Credential{Kind: "cs", ID: id, Secret: secret}.Encode()
//	c, err := credential.Parse("cs", text)
package credential

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"

	"github.com/authmodule/authmodule/setting"
)

// ErrMalformed is returned for text that is not a credential of the wanted kind.
var ErrMalformed = errors.New("credential: malformed")

const (
	// SecretSize is the length of a secret in bytes.
	SecretSize = 32
	idSize     = 16
	tagSize    = 5
	maxLength  = 256
)

// alphabet has no underscore and no upper case.
const alphabet = "abcdefghijklmnopqrstuvwxyz234567"

var encoding = base32.NewEncoding(alphabet).WithPadding(base32.NoPadding)

// Credential is one opaque credential, taken apart.
type Credential struct {
	Kind string
	// ID is public: the tenant if there is one, a tag shared by the subject's
	// records, and 128 random bits.
	ID string
	// Secret is SecretSize bytes, or more where the kind says so.
	Secret []byte `json:"-"`
}

// Format shows kind and ID, never the secret, for every verb.
func (c Credential) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "%s_%s_%s", c.Kind, c.ID, setting.Redacted)
}

// Encode returns the text that is handed out.
func (c Credential) Encode() setting.Secret {
	return setting.Secret(c.Kind + "_" + c.ID + "_" + encoding.EncodeToString(c.Secret))
}

// Tenant returns the tenant that the ID names.
func (c Credential) Tenant() string { return tenantOf(c.ID) }

func tenantOf(id string) string {
	tenant, _, found := strings.Cut(id, ".")
	if !found {
		return ""
	}
	return tenant
}

// Parse takes text apart. It accepts exactly what Encode writes, and no other
// spelling of it.
func Parse(kind string, text setting.Secret) (Credential, error) {
	id, encoded, ok := split(kind, text)
	if !ok {
		return Credential{}, ErrMalformed
	}
	secret := make([]byte, encoding.DecodedLen(len(encoded)))
	if len(secret) < SecretSize || !decode(secret, encoded) {
		return Credential{}, ErrMalformed
	}
	return Credential{Kind: kind, ID: id, Secret: secret}, nil
}

// split finds the ID and the encoded secret.
func split(kind string, text setting.Secret) (id, encoded string, ok bool) {
	raw := text.Reveal()
	if len(raw) > maxLength {
		return "", "", false
	}
	found, rest, _ := strings.Cut(raw, "_")
	id, encoded, ok = strings.Cut(rest, "_")
	return id, encoded, ok && found == kind && validID(id)
}

// Digest is a credential of which only the hash is wanted.
type Digest struct {
	ID string
	// Hash is what [Hash] returns of the secret.
	Hash [sha256.Size]byte
}

// ParseDigest is [Parse] for kinds whose secret has SecretSize bytes, and makes no garbage.
func ParseDigest(kind string, text setting.Secret) (Digest, error) {
	id, encoded, ok := split(kind, text)
	var secret [SecretSize]byte
	if !ok || !decode(secret[:], encoded) {
		return Digest{}, ErrMalformed
	}
	return Digest{ID: id, Hash: sha256.Sum256(secret[:])}, nil
}

// Tenant returns the tenant that the ID names.
func (d Digest) Tenant() string { return tenantOf(d.ID) }

// NewSecret returns SecretSize random bytes.
func NewSecret(random io.Reader) ([]byte, error) {
	secret := make([]byte, SecretSize)
	if _, err := io.ReadFull(random, secret); err != nil {
		return nil, err
	}
	return secret, nil
}

// NewDigits returns a code of so many decimal digits, each as likely as any other.
func NewDigits(random io.Reader, digits int) (setting.Secret, error) {
	end := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(digits)), nil)
	n, err := rand.Int(random, end)
	if err != nil {
		return "", err
	}
	return setting.Secret(fmt.Sprintf("%0*d", digits, n)), nil
}

// NewID returns a new public ID for a record of the subject, or [ErrMalformed]
// for a tenant that cannot stand in one. Records of one subject share its tag, so that a sharded
// store finds them in one place.
func NewID(random io.Reader, tenant, subject string) (string, error) {
	if tenant != "" && !ValidTenant(tenant) {
		return "", ErrMalformed
	}
	id := make([]byte, idSize)
	if _, err := io.ReadFull(random, id); err != nil {
		return "", err
	}
	text := Tag(tenant, subject) + encoding.EncodeToString(id)
	if tenant == "" {
		return text, nil
	}
	return tenant + "." + text, nil
}

// Tag is the tag that the IDs of a subject's records share.
func Tag(tenant, subject string) string {
	tag := sha256.Sum256([]byte(tenant + "\x00" + subject))
	return encoding.EncodeToString(tag[:tagSize])
}

// TagOf returns the tag that an ID of the tenant has, false for text that [NewID] does not make.
func TagOf(tenant, id string) (string, bool) {
	if !validID(id) {
		return "", false
	}
	if named, rest, found := strings.Cut(id, "."); found {
		return rest[:encoding.EncodedLen(tagSize)], named == tenant
	}
	return id[:encoding.EncodedLen(tagSize)], tenant == ""
}

// Hash is what a store keeps of a secret.
func Hash(secret []byte) []byte {
	sum := sha256.Sum256(secret)
	return sum[:]
}

func validID(id string) bool {
	tenant, rest, found := strings.Cut(id, ".")
	if !found {
		rest = id
	} else if !ValidTenant(tenant) {
		return false
	}
	tag := encoding.EncodedLen(tagSize)
	return len(rest) >= tag && canonical(rest[:tag], tagSize) && canonical(rest[tag:], idSize)
}

// canonical reports whether text is the one spelling of size bytes.
func canonical(text string, size int) bool {
	var raw [idSize]byte
	return decode(raw[:size], text)
}

// decode fills dst and reports whether text is its one spelling: of the right
// length, in the alphabet alone, and with no bits over.
func decode(dst []byte, text string) bool {
	if len(text) != encoding.EncodedLen(len(dst)) {
		return false
	}
	var wrong byte
	for len(dst) >= blockBytes {
		var held uint64
		for i := range blockDigits {
			value := digits[text[i]]
			wrong |= value
			held = held<<5 | uint64(value)
		}
		dst[0], dst[1], dst[2], dst[3], dst[4] = byte(held>>32), byte(held>>24), byte(held>>16), byte(held>>8), byte(held)
		dst, text = dst[blockBytes:], text[blockDigits:]
	}
	var held uint32 // of which the low bits are still to be written
	bits, at := 0, 0
	for i := range len(text) {
		value := digits[text[i]]
		wrong |= value
		held = held<<5 | uint32(value)
		if bits += 5; bits >= 8 {
			bits -= 8
			dst[at] = byte(held >> bits)
			at++
		}
	}
	return wrong < foreign && held&(1<<bits-1) == 0
}

const (
	// Eight characters are five bytes.
	blockDigits, blockBytes = 8, 5
	// foreign is the bit that no digit has.
	foreign = 0x80
)

// digits has the value of each character of the alphabet, and foreign for all others.
var digits = func() (table [256]byte) {
	for i := range table {
		table[i] = foreign
	}
	for value, c := range []byte(alphabet) {
		table[c] = byte(value)
	}
	return table
}()

const longestTenant = 63

// ValidTenant reports whether text is 1 to 63 of a-z, 0-9 and hyphen, the
// first no hyphen: what can stand in an ID.
func ValidTenant(text string) bool {
	if text == "" || len(text) > longestTenant || text[0] == '-' {
		return false
	}
	for i := range len(text) {
		if c := text[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}
