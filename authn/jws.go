package authn

import (
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/authmodule/authmodule/internal/strictjson"
)

type header struct {
	Algorithm string `json:"alg"`
	KeyID     string `json:"kid"`
	Type      string `json:"typ"`
}

const (
	longestToken     = 16 << 10
	longestKeyID     = 128
	segments         = 3
	longestSignature = 1 << 10
)

var (
	headerLimits = strictjson.Limits{Bytes: 2 << 10, Depth: 4, Members: 32}
	headerNames  = []string{"alg", "kid", "typ", "crit", "b64", "zip", "enc", "jku", "jwk", "x5u", "x5c", "x5t", "cty"}
	// refused are header members that would change how a token is read or where its key comes from (RFC 8725, section 3.10).
	refused = []string{"crit", "b64", "zip", "enc", "jku", "jwk", "x5u", "x5c"}
)

// JWS is a signed message whose signature holds (RFC 7515).
type JWS struct {
	KeyID, Algorithm, Type string
	Payload                []byte
}

// JWSPolicy says what a JWS must be beyond well signed.
type JWSPolicy struct {
	// Type is the typ that the header must have, compared as media types are. Empty accepts any, and none.
	Type string
	// WithoutKeyID accepts a header without kid, where the ring has one key only.
	WithoutKeyID bool
}

// VerifyJWS checks a message in compact serialisation and returns it. It looks
// in this order at size and form, the header, the algorithm, the key, the type and the
// signature; the payload is not looked into. The error tells the class (ErrToken…).
func (r *KeyRing) VerifyJWS(message string, policy JWSPolicy) (JWS, error) {
	signed, parts, err := split(message)
	if err != nil {
		return JWS{}, err
	}
	keys := r.current.Load()
	jws, key, err := keys.readHeader(parts[0], policy)
	if err != nil {
		return JWS{}, err
	}
	signature, err := segment(parts[2])
	if err != nil || len(signature) == 0 || len(signature) > longestSignature {
		return JWS{}, fmt.Errorf("%w: signature segment", ErrTokenMalformed)
	}
	if err := key.method.Verify(signed, signature, key.public()); err != nil {
		return JWS{}, ErrTokenSignature
	}
	if jws.Payload, err = segment(parts[1]); err != nil {
		return JWS{}, fmt.Errorf("%w: payload segment", ErrTokenMalformed)
	}
	return jws, nil
}

func split(token string) (signed string, parts []string, err error) {
	if len(token) > longestToken {
		return "", nil, fmt.Errorf("%w: longer than %d bytes", ErrTokenMalformed, longestToken)
	}
	if strings.Count(token, ".") != segments-1 {
		return "", nil, fmt.Errorf("%w: not three segments", ErrTokenMalformed)
	}
	return token[:strings.LastIndexByte(token, '.')], strings.Split(token, "."), nil
}

// segment decodes base64url in its one canonical spelling: no padding, no line
// breaks (which the standard decoder skips), no spare bits.
func segment(text string) ([]byte, error) {
	if strings.ContainsAny(text, "\r\n") {
		return nil, ErrTokenMalformed
	}
	return base64.RawURLEncoding.Strict().DecodeString(text)
}

// readHeader finds the key. No key is looked up for an algorithm that no key of the ring has.
func (s *keySet) readHeader(text string, policy JWSPolicy) (JWS, *Key, error) {
	object, err := decodeHeader(text)
	if err != nil {
		return JWS{}, nil, err
	}
	var jws JWS
	if jws.Algorithm, err = object.String("alg"); err != nil || !s.algorithms[jws.Algorithm] {
		return JWS{}, nil, ErrTokenAlgorithm
	}
	for _, name := range refused {
		if object.Has(name) {
			return JWS{}, nil, fmt.Errorf("%w: header: %s is not accepted", ErrTokenMalformed, name)
		}
	}
	key := s.find(object, policy)
	if key == nil {
		return JWS{}, nil, ErrTokenKey
	}
	jws.KeyID = key.ID()
	if key.Algorithm() != jws.Algorithm {
		return JWS{}, nil, ErrTokenAlgorithm
	}
	if jws.Type, err = headerType(object, policy); err != nil {
		return JWS{}, nil, err
	}
	return jws, key, nil
}

func decodeHeader(text string) (strictjson.Object, error) {
	raw, err := segment(text)
	if err != nil {
		return nil, fmt.Errorf("%w: header segment", ErrTokenMalformed)
	}
	object, err := strictjson.Parse(raw, headerLimits)
	if err != nil {
		return nil, fmt.Errorf("%w: header: %w", ErrTokenMalformed, err)
	}
	if name, folded := object.Folded(headerNames); folded {
		return nil, fmt.Errorf("%w: header: a member looks like %q", ErrTokenMalformed, name)
	}
	return object, nil
}

func (s *keySet) find(object strictjson.Object, policy JWSPolicy) *Key {
	if !object.Has("kid") && policy.WithoutKeyID && len(s.order) == 1 {
		return s.order[0]
	}
	kid, err := object.String("kid")
	if err != nil || len(kid) > longestKeyID {
		return nil
	}
	return s.byID[kid]
}

func headerType(object strictjson.Object, policy JWSPolicy) (string, error) {
	typ, err := object.String("typ")
	if policy.Type == "" && !object.Has("typ") {
		return "", nil
	}
	if err != nil || (policy.Type != "" && !sameMediaType(typ, policy.Type)) {
		return "", ErrTokenType
	}
	return typ, nil
}

// sameMediaType compares as media types do: without regard to ASCII case, the
// application/ prefix optional (RFC 7515, section 4.1.9).
func sameMediaType(typ, want string) bool {
	const prefix = "application/"
	if len(typ) > len(prefix) && strings.EqualFold(typ[:len(prefix)], prefix) {
		typ = typ[len(prefix):]
	}
	return len(typ) == len(want) && strings.EqualFold(typ, want)
}
