package authn

import (
	"errors"
	"fmt"
	"slices"

	"github.com/authmodule/authmodule/internal/strictjson"
)

// ErrJWKSet is found in every error about a key set as a whole.
var ErrJWKSet = errors.New("authn: unusable key set")

const (
	// LargestJWKSet is the length in bytes beyond which a key set is refused.
	LargestJWKSet = 1 << 20
	mostJWKs      = 100
)

// A key takes some twenty members; what a certificate chain adds is text.
var jwkSetLimits = strictjson.Limits{Bytes: LargestJWKSet, Depth: 8, Members: 64 * mostJWKs}

// ParseJWKSet reads the key set of another issuer (RFC 7517, section 5) for
// verifying with the algorithms, which are those that take a key pair. A set that is no strict JSON, is
// larger than [LargestJWKSet], has more than 100 keys or two of one kid is refused as a whole. A key that
// does not serve is left out, and skipped says why, without its value: one for encryption, of an unknown type or of an
// algorithm not among those, a secret, one with its private half, a weak one, one without a kid. A key without
// alg serves when exactly one of the algorithms takes it. A set may have no key that serves.
func ParseJWKSet(document []byte, algorithms ...string) (keys []*Key, skipped []error, err error) {
	set, err := strictjson.Parse(document, jwkSetLimits)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrJWKSet, err)
	}
	if name, folded := set.Folded([]string{"keys"}); folded {
		return nil, nil, fmt.Errorf("%w: a member looks like %q", ErrJWKSet, name)
	}
	members, err := set.Objects("keys")
	if err != nil {
		return nil, nil, fmt.Errorf("%w: keys: %w", ErrJWKSet, err)
	}
	if err := distinct(members); err != nil {
		return nil, nil, err
	}
	for i, member := range members {
		key, err := keyFromJWK(member, algorithms)
		if err != nil {
			skipped = append(skipped, fmt.Errorf("%w (key %d of the set)", err, i+1))
			continue
		}
		keys = append(keys, key)
	}
	return keys, skipped, nil
}

// distinct counts the kids of all keys, also of those that are not used.
func distinct(members []strictjson.Object) error {
	if len(members) > mostJWKs {
		return fmt.Errorf("%w: more than %d keys", ErrJWKSet, mostJWKs)
	}
	seen := map[string]bool{}
	for _, member := range members {
		kid, err := member.String("kid")
		if err != nil {
			continue
		}
		if seen[kid] {
			return fmt.Errorf("%w: two keys have one kid", ErrJWKSet)
		}
		seen[kid] = true
	}
	return nil
}

var (
	jwkNames = []string{"kty", "use", "key_ops", "alg", "kid", "crv", "x", "y", "n", "e", "d", "p", "q", "dp", "dq", "qi", "oth", "k"}
	// privateNames are the members of a secret or a private key (RFC 7518, section 6).
	privateNames = []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"}
)

func keyFromJWK(member strictjson.Object, algorithms []string) (*Key, error) {
	if name, folded := member.Folded(jwkNames); folded {
		return nil, fmt.Errorf("%w: a member looks like %q", ErrKey, name)
	}
	for _, name := range privateNames {
		if member.Has(name) {
			return nil, fmt.Errorf("%w: it has the private member %q, which the issuer gives to everybody", ErrKey, name)
		}
	}
	if err := forVerifying(member); err != nil {
		return nil, err
	}
	kid, err := member.String("kid")
	if err != nil {
		return nil, fmt.Errorf("%w: kid: %w", ErrKey, err)
	}
	public, err := publicFromJWK(member)
	if err != nil {
		return nil, err
	}
	algorithm, err := algorithmOfJWK(member, public, algorithms)
	if err != nil {
		return nil, err
	}
	key, err := NewPublicKey(algorithm, public)
	if err != nil {
		return nil, err
	}
	if !key.jwk.written(member) {
		return nil, fmt.Errorf("%w: its numbers are not in their one spelling (RFC 7518, section 6)", ErrKey)
	}
	return key.Named(kid)
}

// forVerifying refuses keys that are meant for something else (RFC 7517, sections 4.2 and 4.3).
func forVerifying(member strictjson.Object) error {
	if use, err := member.String("use"); member.Has("use") && (err != nil || use != "sig") {
		return fmt.Errorf("%w: its use is not sig", ErrKey)
	}
	if operations, err := member.Strings("key_ops"); member.Has("key_ops") && (err != nil || !slices.Equal(operations, []string{"verify"})) {
		return fmt.Errorf("%w: its key_ops are not verify alone", ErrKey)
	}
	return nil
}
