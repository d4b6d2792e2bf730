package authn

import (
	"bytes"
	"encoding/base64"
	"errors"
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
	longestSignature = 1 << 10
)

var strictBase64 = base64.RawURLEncoding.Strict()

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
	room := r.room()
	defer r.rooms.Put(room)
	jws, _, err := r.verify(message, policy, room)
	jws.Payload = bytes.Clone(jws.Payload)
	return jws, err
}

// room is the memory that one verification works in.
type room struct {
	message, payload []byte
	signature        [longestSignature]byte
	sum              [64]byte
}

func (r *KeyRing) room() *room {
	if used, ok := r.rooms.Get().(*room); ok {
		return used
	}
	return &room{}
}

// verify is VerifyJWS with a payload that lives in the room, and the key that signed.
func (r *KeyRing) verify(message string, policy JWSPolicy, room *room) (JWS, *Key, error) {
	first, last, err := dots(message)
	if err != nil {
		return JWS{}, nil, err
	}
	jws, key, err := r.readHeader(message[:first], policy)
	if err != nil {
		return JWS{}, nil, err
	}
	if strictBase64.DecodedLen(len(message)-last-1) > longestSignature {
		return JWS{}, nil, fmt.Errorf("%w: signature longer than %d bytes", ErrTokenMalformed, longestSignature)
	}
	room.message = append(room.message[:0], message...)
	signature, err := decodeSegment(room.signature[:0], room.message[last+1:])
	if err != nil || len(signature) == 0 {
		return JWS{}, nil, fmt.Errorf("%w: signature segment", ErrTokenMalformed)
	}
	if !key.verifies(room.message[:last], signature, room.sum[:0]) {
		return JWS{}, nil, ErrTokenSignature
	}
	if room.payload, err = decodeSegment(room.payload[:0], room.message[first+1:last]); err != nil {
		return JWS{}, nil, fmt.Errorf("%w: payload segment", ErrTokenMalformed)
	}
	jws.Payload = room.payload
	return jws, key, nil
}

// readHeader finds the key, and looks once more when the ring could be refreshed for it.
func (r *KeyRing) readHeader(text string, policy JWSPolicy) (JWS, *Key, error) {
	jws, key, err := r.current.Load().readHeader(text, policy)
	if err == nil || r.refresh == nil || !r.refreshedFor(err) {
		return jws, key, err
	}
	return r.current.Load().readHeader(text, policy)
}

// refreshedFor reports whether the ring was refreshed because of the error.
func (r *KeyRing) refreshedFor(err error) bool {
	var unknown *unknownKeyError
	return errors.As(err, &unknown) && r.refresh(unknown.kid)
}

// unknownKeyError is [ErrTokenKey] for a kid that could be another node's newest.
type unknownKeyError struct{ kid string }

func (e *unknownKeyError) Error() string { return ErrTokenKey.Error() }
func (e *unknownKeyError) Unwrap() error { return ErrTokenKey }

// dots returns where the two dots of a message are.
func dots(message string) (first, last int, err error) {
	if len(message) > longestToken {
		return 0, 0, fmt.Errorf("%w: longer than %d bytes", ErrTokenMalformed, longestToken)
	}
	first, last = strings.IndexByte(message, '.'), strings.LastIndexByte(message, '.')
	if first == last || strings.IndexByte(message[first+1:last], '.') >= 0 {
		return 0, 0, fmt.Errorf("%w: not three segments", ErrTokenMalformed)
	}
	return first, last, nil
}

// decodeSegment decodes base64url in its one canonical spelling: no padding,
// no line breaks (which the standard decoder skips), no spare bits. It appends to dst.
func decodeSegment(dst, text []byte) ([]byte, error) {
	if bytes.IndexByte(text, '\r') >= 0 || bytes.IndexByte(text, '\n') >= 0 {
		return nil, ErrTokenMalformed
	}
	return strictBase64.AppendDecode(dst, text)
}

// readHeader finds the key. No key is looked up for an algorithm that no key
// of the ring has. The headers that this module writes are known by their text.
func (s *keySet) readHeader(text string, policy JWSPolicy) (JWS, *Key, error) {
	if key := s.written[text]; key != nil && policy.Type == AccessTokenType {
		return JWS{KeyID: key.ID(), Algorithm: key.Algorithm(), Type: AccessTokenType}, key, nil
	}
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
	key, err := s.find(object, policy)
	if err != nil {
		return JWS{}, nil, err
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
	if strictBase64.DecodedLen(len(text)) > headerLimits.Bytes {
		return nil, fmt.Errorf("%w: header longer than %d bytes", ErrTokenMalformed, headerLimits.Bytes)
	}
	raw, err := decodeSegment(nil, []byte(text))
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

func (s *keySet) find(object strictjson.Object, policy JWSPolicy) (*Key, error) {
	if !object.Has("kid") && policy.WithoutKeyID && len(s.order) == 1 {
		return s.order[0], nil
	}
	kid, err := object.String("kid")
	if err != nil || kid == "" || len(kid) > longestKeyID {
		return nil, ErrTokenKey
	}
	if key := s.byID[kid]; key != nil {
		return key, nil
	}
	return nil, &unknownKeyError{kid}
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
