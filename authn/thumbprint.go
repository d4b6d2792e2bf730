package authn

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
)

// Thumbprint is the SHA-256 of a certificate in its DER form, which is what
// x5t#S256 names (RFC 8705, section 3.1). The zero value is no certificate.
type Thumbprint [sha256.Size]byte

// thumbprintText is the length of a thumbprint as text.
const thumbprintText = 43

// CertificateThumbprint returns the thumbprint of a certificate in DER form.
func CertificateThumbprint(der []byte) Thumbprint { return sha256.Sum256(der) }

// IsZero reports whether there is no certificate.
func (t Thumbprint) IsZero() bool { return t == Thumbprint{} }

// String returns the value of x5t#S256, base64url without padding; empty for no certificate.
func (t Thumbprint) String() string {
	if t.IsZero() {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(t[:])
}

// equal compares in constant time. No certificate equals none, not even itself.
func (t Thumbprint) equal(other Thumbprint) bool {
	return subtle.ConstantTimeCompare(t[:], other[:]) == 1 && !t.IsZero()
}

// parseThumbprint reads what String writes, and nothing else.
func parseThumbprint(text string) (Thumbprint, bool) {
	if len(text) != thumbprintText {
		return Thumbprint{}, false
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(raw) != sha256.Size {
		return Thumbprint{}, false
	}
	t := Thumbprint(raw)
	if t.String() != text { // spare bits, or line breaks that the decoder skips
		return Thumbprint{}, false
	}
	return t, true
}
