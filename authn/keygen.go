package authn

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"io"

	"github.com/authmodule/authmodule/setting"
)

// generatedRSA is the size of new RSA keys in bits: 128 bits of strength (NIST SP 800-57).
const generatedRSA = 3072

// GenerateKey makes a new key for one of [Algorithms]. Secrets are read from
// random and are as long as the algorithm's hash; key pairs come from crypto/rand
// always. An RSA key takes up to a few seconds.
func GenerateKey(algorithm string, random io.Reader) (*Key, error) {
	spec, err := algorithmNamed(algorithm)
	if err != nil {
		return nil, err
	}
	if spec.secret > 0 {
		secret := make([]byte, spec.secret)
		if _, err := io.ReadFull(random, secret); err != nil {
			return nil, fmt.Errorf("%w: make a secret: %w", ErrKey, err)
		}
		return NewSecretKey(algorithm, setting.Secret(secret))
	}
	signer, err := newSigner(spec)
	if err != nil {
		return nil, fmt.Errorf("%w: make a key: %w", ErrKey, err)
	}
	return NewPrivateKey(algorithm, signer)
}

func newSigner(spec algorithm) (crypto.Signer, error) {
	switch {
	case spec.curve != nil:
		return ecdsa.GenerateKey(spec.curve, rand.Reader)
	case spec.rsa():
		return rsa.GenerateKey(rand.Reader, generatedRSA)
	default:
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	}
}

// material is what [keyOf] makes the key from again: a secret's bytes, or PKCS #8.
func (k *Key) material() ([]byte, error) {
	if !k.CanSign() {
		return nil, fmt.Errorf("%w: a public key has no private half", ErrKey)
	}
	if secret, ok := k.private().([]byte); ok {
		return secret, nil
	}
	der, err := x509.MarshalPKCS8PrivateKey(k.private())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	return der, nil
}

// keyOf makes a key from its material. Like every other key it is refused when it is weak or of another algorithm.
func keyOf(algorithm string, material []byte) (*Key, error) {
	if SymmetricAlgorithm(algorithm) {
		if len(material) < ShortestSecretFor(algorithm) {
			return nil, fmt.Errorf("%w: the secret is short", ErrKey)
		}
		return NewSecretKey(algorithm, setting.Secret(material))
	}
	parsed, err := x509.ParsePKCS8PrivateKey(material)
	if err != nil {
		return nil, fmt.Errorf("%w: not a private key", ErrKey) // the parser's error could quote it
	}
	signer, ok := parsed.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("%w: a key of type %T does not sign", ErrKey, parsed)
	}
	return NewPrivateKey(algorithm, signer)
}
