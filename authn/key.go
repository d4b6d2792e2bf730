package authn

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/golang-jwt/jwt/v5"

	"github.com/authmodule/authmodule/setting"
)

// ErrKey is found in every error about a signing key.
var ErrKey = errors.New("authn: unusable key")

const (
	// ShortestSecret is the length in bytes below which an HS256 secret is weak (RFC 7518, section 3.2).
	ShortestSecret = 32
	smallestRSA    = 2048
	largestRSA     = 8 * longestSignature
	smallestE      = 65537
	largestKeyFile = 64 << 10
)

// Key signs and verifies with one algorithm, and with no other. It never prints its value.
type Key struct {
	id     string
	method jwt.SigningMethod
	// private and public stand behind functions, which fmt cannot look into.
	private, public func() any
	jwk             JWK
}

func hidden(value any) func() any { return func() any { return value } }

// ID is the key's kid.
func (k *Key) ID() string { return k.id }

// Algorithm is the key's alg.
func (k *Key) Algorithm() string { return k.method.Alg() }

// String names the key without its value.
func (k *Key) String() string { return k.Algorithm() + " key " + k.id }

// NewSecretKey returns an HS256 key whose bytes are the secret's, as written.
// It refuses an empty secret; that a short one is refused outside development
// is the configuration's check.
func NewSecretKey(secret setting.Secret) (*Key, error) {
	if secret == "" {
		return nil, fmt.Errorf("%w: the secret is empty", ErrKey)
	}
	raw := []byte(secret.Reveal())
	mac := hmac.New(sha256.New, raw)
	mac.Write([]byte("authmodule key id"))
	const idBytes = 9
	return &Key{
		id:      base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:idBytes]),
		method:  jwt.SigningMethodHS256,
		private: hidden(raw),
		public:  hidden(raw),
	}, nil
}

// NewPrivateKey returns a key for RS256, ES256 or EdDSA. It takes the standard
// library's *rsa.PrivateKey, *ecdsa.PrivateKey and ed25519.PrivateKey; signers
// that keep the key elsewhere are refused. Its kid is the JWK thumbprint
// (RFC 7638). Weak keys, and keys that do not belong to the algorithm, are refused.
func NewPrivateKey(algorithm string, signer crypto.Signer) (*Key, error) {
	method, err := methodFor(algorithm, signer)
	if err != nil {
		return nil, err
	}
	key := &Key{method: method, private: hidden(signer), public: hidden(signer.Public()), jwk: newJWK(algorithm, signer.Public())}
	key.id = key.jwk.KeyID
	return key, nil
}

func methodFor(algorithm string, signer crypto.Signer) (jwt.SigningMethod, error) {
	switch key := signer.(type) {
	case *rsa.PrivateKey:
		if algorithm == "RS256" {
			return jwt.SigningMethodRS256, strongRSA(key)
		}
	case *ecdsa.PrivateKey:
		if algorithm == "ES256" {
			return jwt.SigningMethodES256, onP256(key)
		}
	case ed25519.PrivateKey:
		if algorithm == "EdDSA" && len(key) == ed25519.PrivateKeySize {
			return jwt.SigningMethodEdDSA, nil
		}
	}
	return nil, fmt.Errorf("%w: a key of type %T does not serve algorithm %q (RS256 takes RSA, ES256 an EC key on P-256, EdDSA an Ed25519 key)", ErrKey, signer, algorithm)
}

// onP256 also refuses points that are not on the curve.
func onP256(key *ecdsa.PrivateKey) error {
	if key != nil && key.Curve == elliptic.P256() {
		if _, err := key.PublicKey.Bytes(); err == nil {
			return nil
		}
	}
	return fmt.Errorf("%w: ES256 needs a key on the curve P-256", ErrKey)
}

func strongRSA(key *rsa.PrivateKey) error {
	if key == nil || key.N == nil || key.N.BitLen() < smallestRSA || key.N.BitLen() > largestRSA || key.E < smallestE || key.E%2 == 0 {
		return fmt.Errorf("%w: an RSA key needs %d to %d bits and an odd exponent of at least %d", ErrKey, smallestRSA, largestRSA, smallestE)
	}
	return nil
}

// LoadPrivateKey reads a PEM file: PKCS #8, or PKCS #1 for RSA, or SEC 1 for EC.
func LoadPrivateKey(algorithm, file string) (*Key, error) {
	text, err := readKeyFile(file)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	key, err := ParsePrivateKey(algorithm, text)
	if err != nil {
		return nil, fmt.Errorf("%w (in %s)", err, file)
	}
	return key, nil
}

// readKeyFile reads no more than it may, also where a file does not tell its size.
func readKeyFile(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	text, err := io.ReadAll(io.LimitReader(file, largestKeyFile+1))
	if err == nil && len(text) > largestKeyFile {
		err = fmt.Errorf("%s is longer than %d bytes", name, largestKeyFile)
	}
	return text, err
}

// ParsePrivateKey reads a key as [LoadPrivateKey] does. Parameter blocks before the key are skipped.
func ParsePrivateKey(algorithm string, text []byte) (*Key, error) {
	for {
		block, rest := pem.Decode(text)
		if block == nil {
			return nil, fmt.Errorf("%w: no PEM block with a private key", ErrKey)
		}
		if signer := parseBlock(block); signer != nil {
			return NewPrivateKey(algorithm, signer)
		}
		text = rest
	}
}

func parseBlock(block *pem.Block) crypto.Signer {
	switch block.Type {
	case "PRIVATE KEY":
		key, _ := x509.ParsePKCS8PrivateKey(block.Bytes)
		signer, _ := key.(crypto.Signer)
		return signer
	case "RSA PRIVATE KEY":
		if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
			return key
		}
	case "EC PRIVATE KEY":
		if key, err := x509.ParseECPrivateKey(block.Bytes); err == nil {
			return key
		}
	}
	return nil
}

// Derive returns a secret of 32 bytes for another purpose than signing. It is
// stable as long as the key is.
func (k *Key) Derive(purpose string) ([]byte, error) {
	raw, isSecret := k.private().([]byte)
	if !isSecret {
		der, err := x509.MarshalPKCS8PrivateKey(k.private())
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrKey, err)
		}
		raw = der
	}
	return DeriveSecret(raw, purpose)
}
