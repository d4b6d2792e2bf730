package authn

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"fmt"
	"math/big"
	"slices"

	"github.com/authmodule/authmodule/internal/strictjson"
)

// publicFromJWK reads the numbers of a key (RFC 7518, section 6; RFC 8037, section 2).
func publicFromJWK(member strictjson.Object) (crypto.PublicKey, error) {
	kty, err := member.String("kty")
	if err != nil {
		return nil, fmt.Errorf("%w: kty: %w", ErrKey, err)
	}
	switch kty {
	case "RSA":
		return rsaFromJWK(member)
	case "EC":
		return ecFromJWK(member)
	case "OKP":
		return edFromJWK(member)
	}
	return nil, fmt.Errorf("%w: its kty is not RSA, EC or OKP", ErrKey)
}

func rsaFromJWK(member strictjson.Object) (crypto.PublicKey, error) {
	const longestE = 4 // what every implementation of RSA takes
	n, err := numberOf(member, "n", largestRSA/8)
	if err != nil {
		return nil, err
	}
	e, err := numberOf(member, "e", longestE)
	if err != nil {
		return nil, err
	}
	exponent := new(big.Int).SetBytes(e)
	if exponent.BitLen() >= 8*longestE {
		return nil, fmt.Errorf("%w: e is out of range", ErrKey)
	}
	return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(exponent.Int64())}, nil
}

func ecFromJWK(member strictjson.Object) (crypto.PublicKey, error) {
	name, err := member.String("crv")
	if err != nil {
		return nil, fmt.Errorf("%w: crv: %w", ErrKey, err)
	}
	for _, curve := range []elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		if curve.Params().Name != name {
			continue
		}
		size := (curve.Params().BitSize + 7) / 8
		x, errX := numberOf(member, "x", size)
		y, errY := numberOf(member, "y", size)
		if errX != nil || errY != nil || len(x) != size || len(y) != size {
			return nil, fmt.Errorf("%w: x and y must have %d bytes", ErrKey, size)
		}
		public, err := ecdsa.ParseUncompressedPublicKey(curve, slices.Concat([]byte{4}, x, y))
		if err != nil {
			return nil, fmt.Errorf("%w: no point of the curve %s", ErrKey, name)
		}
		return public, nil
	}
	return nil, fmt.Errorf("%w: its crv is not P-256, P-384 or P-521", ErrKey)
}

func edFromJWK(member strictjson.Object) (crypto.PublicKey, error) {
	if crv, err := member.String("crv"); err != nil || crv != "Ed25519" {
		return nil, fmt.Errorf("%w: its crv is not Ed25519", ErrKey)
	}
	x, err := numberOf(member, "x", ed25519.PublicKeySize)
	if err != nil || len(x) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("%w: x must have %d bytes", ErrKey, ed25519.PublicKeySize)
	}
	return ed25519.PublicKey(x), nil
}

// numberOf decodes a member of at most so many bytes.
func numberOf(member strictjson.Object, name string, most int) ([]byte, error) {
	text, err := member.String(name)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrKey, name, err)
	}
	if strictBase64.DecodedLen(len(text)) > most {
		return nil, fmt.Errorf("%w: %s is longer than %d bytes", ErrKey, name, most)
	}
	number, err := decodeSegment(nil, []byte(text))
	if err != nil || len(number) == 0 {
		return nil, fmt.Errorf("%w: %s is not base64url", ErrKey, name)
	}
	return number, nil
}

// written reports whether the numbers stand in the member as this module writes them.
func (j JWK) written(member strictjson.Object) bool {
	for name, want := range map[string]string{"kty": j.KeyType, "crv": j.Curve, "x": j.X, "y": j.Y, "n": j.N, "e": j.E} {
		if have, err := member.String(name); want != "" && (err != nil || have != want) {
			return false
		}
	}
	return true
}

// algorithmOfJWK returns the one algorithm that the key is for.
func algorithmOfJWK(member strictjson.Object, public crypto.PublicKey, algorithms []string) (string, error) {
	if member.Has("alg") {
		name, err := member.String("alg")
		if err != nil || !slices.Contains(algorithms, name) {
			return "", fmt.Errorf("%w: its alg is not one of %v", ErrKey, algorithms)
		}
		return name, nil
	}
	var fitting []string
	for _, name := range algorithms {
		if spec, err := algorithmNamed(name); err == nil && spec.serves(public) == nil {
			fitting = append(fitting, name)
		}
	}
	if len(fitting) != 1 {
		return "", fmt.Errorf("%w: it has no alg, and %d of %v take it, not one", ErrKey, len(fitting), algorithms)
	}
	return fitting[0], nil
}
