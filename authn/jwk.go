package authn

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
)

// JWK is the public half of a key (RFC 7517). It has no field for a private member.
type JWK struct {
	KeyType   string `json:"kty"`
	Use       string `json:"use"`
	Algorithm string `json:"alg"`
	KeyID     string `json:"kid"`
	Curve     string `json:"crv,omitempty"`
	X         string `json:"x,omitempty"`
	Y         string `json:"y,omitempty"`
	N         string `json:"n,omitempty"`
	E         string `json:"e,omitempty"`
}

// JWKSet is the document at /.well-known/jwks.json. HMAC keys are never in it.
type JWKSet struct {
	Keys []JWK `json:"keys"`
}

func newJWK(algorithm string, public crypto.PublicKey) JWK {
	jwk := JWK{Use: "sig", Algorithm: algorithm}
	encode := base64.RawURLEncoding.EncodeToString
	switch key := public.(type) {
	case *rsa.PublicKey:
		jwk.KeyType, jwk.N, jwk.E = "RSA", encode(key.N.Bytes()), encode(big.NewInt(int64(key.E)).Bytes())
	case *ecdsa.PublicKey:
		point, _ := key.Bytes() // 0x04, x, y; the curve was checked
		coordinate := len(point) / 2
		jwk.KeyType, jwk.Curve = "EC", key.Curve.Params().Name
		jwk.X, jwk.Y = encode(point[1:1+coordinate]), encode(point[1+coordinate:])
	case ed25519.PublicKey:
		jwk.KeyType, jwk.Curve, jwk.X = "OKP", "Ed25519", encode(key)
	}
	jwk.KeyID = jwk.thumbprint()
	return jwk
}

// thumbprint follows RFC 7638: the required members in lexical order.
func (j JWK) thumbprint() string {
	required := map[string]string{"kty": j.KeyType}
	for name, value := range map[string]string{"crv": j.Curve, "x": j.X, "y": j.Y, "n": j.N, "e": j.E} {
		if value != "" {
			required[name] = value
		}
	}
	text, _ := json.Marshal(required) // sorts by name; strings always marshal
	sum := sha256.Sum256(text)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
