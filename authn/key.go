package authn

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/golang-jwt/jwt/v5"

	"github.com/authmodule/authmodule/setting"
)

// ErrKey is found in every error about a signing key.
var ErrKey = errors.New("authn: unusable key")

const (
	// ShortestSecret is the length in bytes below which any secret is weak. See [ShortestSecretFor].
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
	// macs are the states of an HMAC key, ready to use; nil for the others.
	macs *sync.Pool
}

// headerSegment is the header of the access tokens that the key signs, encoded.
func (k *Key) headerSegment() string {
	text, _ := json.Marshal(header{Algorithm: k.Algorithm(), KeyID: k.id, Type: AccessTokenType}) // strings always marshal
	return base64.RawURLEncoding.EncodeToString(text)
}

// verifies reports whether the signature is the key's. For a secret it works
// without allocating, in the room that sum has.
func (k *Key) verifies(signed, signature, sum []byte) bool {
	if k.macs == nil {
		return k.method.Verify(string(signed), signature, k.public()) == nil
	}
	mac := k.macs.Get().(hash.Hash)
	defer k.macs.Put(mac)
	mac.Reset()
	mac.Write(signed)
	return hmac.Equal(mac.Sum(sum), signature)
}

func hidden(value any) func() any { return func() any { return value } }

// ID is the key's kid.
func (k *Key) ID() string { return k.id }

// Algorithm is the key's alg.
func (k *Key) Algorithm() string { return k.method.Alg() }

// String names the key without its value.
func (k *Key) String() string { return k.Algorithm() + " key " + k.id }

// NewSecretKey returns a key for HS256, HS384 or HS512 whose bytes are the
// secret's, as written. It refuses an empty secret; that a short one is refused outside
// development is the configuration's check (see [ShortestSecretFor]).
func NewSecretKey(algorithm string, secret setting.Secret) (*Key, error) {
	spec, err := algorithmNamed(algorithm)
	if err != nil {
		return nil, err
	}
	if spec.secret == 0 {
		return nil, fmt.Errorf("%w: %s takes a private key, not a secret", ErrKey, algorithm)
	}
	if secret == "" {
		return nil, fmt.Errorf("%w: the secret is empty", ErrKey)
	}
	raw := []byte(secret.Reveal())
	mac := hmac.New(sha256.New, raw)
	mac.Write([]byte("authmodule key id"))
	const idBytes = 9
	return &Key{
		id:      base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:idBytes]),
		method:  spec.method,
		private: hidden(raw),
		public:  hidden(raw),
		macs:    &sync.Pool{New: func() any { return hmac.New(spec.hash.New, raw) }},
	}, nil
}

// ShortestSecretFor returns the length in bytes below which a secret is weak
// for the algorithm: that of its hash (RFC 7518, section 3.2). It is zero where no secret serves.
func ShortestSecretFor(algorithm string) int {
	spec, err := algorithmNamed(algorithm)
	if err != nil {
		return 0
	}
	return spec.secret
}

// NewPrivateKey returns a key for one of the algorithms that take a private
// key. It takes the standard library's *rsa.PrivateKey, *ecdsa.PrivateKey and
// ed25519.PrivateKey; signers that keep the key elsewhere are refused. Its kid
// is the JWK thumbprint (RFC 7638). Weak keys, and keys that do not belong to the algorithm, are refused.
func NewPrivateKey(algorithm string, signer crypto.Signer) (*Key, error) {
	switch private := signer.(type) {
	case *rsa.PrivateKey:
		if private == nil {
			return nil, fmt.Errorf("%w: the key is nil", ErrKey)
		}
	case *ecdsa.PrivateKey:
		if private == nil {
			return nil, fmt.Errorf("%w: the key is nil", ErrKey)
		}
	case ed25519.PrivateKey:
		if len(private) != ed25519.PrivateKeySize {
			return nil, fmt.Errorf("%w: an Ed25519 key has %d bytes", ErrKey, ed25519.PrivateKeySize)
		}
	default:
		return nil, fmt.Errorf("%w: a key of type %T does not serve algorithm %q", ErrKey, signer, algorithm)
	}
	key, err := NewPublicKey(algorithm, signer.Public())
	if err != nil {
		return nil, err
	}
	key.private = hidden(signer)
	return key, nil
}

// NewPublicKey returns a key that verifies and cannot sign.
func NewPublicKey(algorithm string, public crypto.PublicKey) (*Key, error) {
	spec, err := algorithmNamed(algorithm)
	if err != nil {
		return nil, err
	}
	if spec.secret > 0 {
		return nil, fmt.Errorf("%w: %s takes a secret, not a public key", ErrKey, algorithm)
	}
	if err := spec.serves(public); err != nil {
		return nil, err
	}
	jwk := newJWK(algorithm, public)
	return &Key{id: jwk.KeyID, method: spec.method, public: hidden(public), jwk: jwk}, nil
}

// Named returns the key under another kid: 1 to 128 printable ASCII characters without spaces.
func (k *Key) Named(kid string) (*Key, error) {
	if kid == "" || len(kid) > longestKeyID || strings.IndexFunc(kid, func(r rune) bool { return r <= ' ' || r > '~' }) >= 0 {
		return nil, fmt.Errorf("%w: a kid is 1 to %d printable characters without spaces", ErrKey, longestKeyID)
	}
	named := *k
	named.id = kid
	if named.jwk.KeyType != "" {
		named.jwk.KeyID = kid
	}
	return &named, nil
}

// CanSign reports whether the key has its private half.
func (k *Key) CanSign() bool { return k.private != nil }

func (k *Key) symmetric() bool { return k.jwk.KeyType == "" }

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
	raw, err := k.material()
	if err != nil {
		return nil, err
	}
	return DeriveSecret(raw, purpose)
}
