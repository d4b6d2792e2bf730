package authn

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"fmt"
	"slices"

	"github.com/golang-jwt/jwt/v5"
)

// algorithm is one signature algorithm (RFC 7518, section 3.1) with the keys that may serve it.
type algorithm struct {
	name   string
	method jwt.SigningMethod
	// secret is the least length of an HMAC key in bytes, and hash its hash; zero for the others.
	secret int
	hash   crypto.Hash
	// curve is that of an ECDSA key; nil for the others.
	curve elliptic.Curve
}

// algorithms are all that can be configured. "none" is not among them.
func algorithms() []algorithm {
	return []algorithm{
		{name: "HS256", method: jwt.SigningMethodHS256, secret: 32, hash: crypto.SHA256},
		{name: "HS384", method: jwt.SigningMethodHS384, secret: 48, hash: crypto.SHA384},
		{name: "HS512", method: jwt.SigningMethodHS512, secret: 64, hash: crypto.SHA512},
		{name: "RS256", method: jwt.SigningMethodRS256},
		{name: "RS384", method: jwt.SigningMethodRS384},
		{name: "RS512", method: jwt.SigningMethodRS512},
		{name: "PS256", method: strictPSS(jwt.SigningMethodPS256)},
		{name: "PS384", method: strictPSS(jwt.SigningMethodPS384)},
		{name: "PS512", method: strictPSS(jwt.SigningMethodPS512)},
		{name: "ES256", method: jwt.SigningMethodES256, curve: elliptic.P256()},
		{name: "ES384", method: jwt.SigningMethodES384, curve: elliptic.P384()},
		{name: "ES512", method: jwt.SigningMethodES512, curve: elliptic.P521()},
		{name: "EdDSA", method: jwt.SigningMethodEdDSA},
	}
}

// strictPSS makes and accepts salts of the hash's length only (RFC 7518, section 3.5).
func strictPSS(method *jwt.SigningMethodRSAPSS) jwt.SigningMethod {
	exact := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}
	return &jwt.SigningMethodRSAPSS{SigningMethodRSA: method.SigningMethodRSA, Options: exact, VerifyOptions: exact}
}

// Algorithms returns the names of the signature algorithms, for configuration.
func Algorithms() []string {
	var names []string
	for _, a := range algorithms() {
		names = append(names, a.name)
	}
	return names
}

// SymmetricAlgorithm reports whether the algorithm is an HMAC, whose one
// secret both signs and verifies.
func SymmetricAlgorithm(name string) bool {
	a, err := algorithmNamed(name)
	return err == nil && a.secret > 0
}

func algorithmNamed(name string) (algorithm, error) {
	all := algorithms()
	i := slices.IndexFunc(all, func(a algorithm) bool { return a.name == name })
	if i < 0 {
		return algorithm{}, fmt.Errorf("%w: algorithm %q is not one of %v", ErrKey, name, Algorithms())
	}
	return all[i], nil
}

// serves says why a public key does not belong to the algorithm, or is too weak for it.
func (a algorithm) serves(public crypto.PublicKey) error {
	switch key := public.(type) {
	case *rsa.PublicKey:
		if a.rsa() {
			return strongRSA(key)
		}
	case *ecdsa.PublicKey:
		if a.curve != nil {
			return onCurve(key, a.curve)
		}
	case ed25519.PublicKey:
		if a.name == "EdDSA" && len(key) == ed25519.PublicKeySize {
			return nil
		}
	}
	return fmt.Errorf("%w: a key of type %T does not serve algorithm %q (RS and PS take RSA, ES256 an EC key on P-256, ES384 on P-384, ES512 on P-521, EdDSA an Ed25519 key)", ErrKey, public, a.name)
}

func (a algorithm) rsa() bool { return a.secret == 0 && a.curve == nil && a.name != "EdDSA" }

// onCurve also refuses points that are not on the curve.
func onCurve(key *ecdsa.PublicKey, curve elliptic.Curve) error {
	if key != nil && key.Curve == curve {
		if _, err := key.Bytes(); err == nil {
			return nil
		}
	}
	return fmt.Errorf("%w: the algorithm needs a key on the curve %s", ErrKey, curve.Params().Name)
}

func strongRSA(key *rsa.PublicKey) error {
	if key == nil || key.N == nil || key.N.BitLen() < smallestRSA || key.N.BitLen() > largestRSA || key.N.Bit(0) == 0 || key.E < smallestE || key.E%2 == 0 {
		return fmt.Errorf("%w: an RSA key needs an odd modulus of %d to %d bits and an odd exponent of at least %d", ErrKey, smallestRSA, largestRSA, smallestE)
	}
	if roca(key) {
		return fmt.Errorf("%w: the RSA key is of a generator whose keys can be factored (CVE-2017-15361)", ErrKey)
	}
	return nil
}
