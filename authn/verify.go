package authn

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/authmodule/authmodule/internal/strictjson"
	"github.com/authmodule/authmodule/setting"
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

// Verify checks an access token: its form, algorithm, key, type, signature,
// claims and times, and that it was not revoked. The error tells the class
// (ErrToken…), or is the revocation store's. Whether the token's session and
// account still live is not looked at; see [Service.AuthenticateToken].
func (m *TokenManager) Verify(ctx context.Context, token setting.Secret) (Claims, error) {
	claims, err := m.parse(token)
	if err != nil {
		return Claims{}, err
	}
	now := m.now()
	if err := m.checkTimes(claims, now); err != nil {
		return Claims{}, err
	}
	revoked, err := m.revocations.TokenRevoked(ctx, claims.Subject.Tenant, claims.ID, now)
	if err != nil {
		return Claims{}, fmt.Errorf("authn: look for a revocation: %w", err)
	}
	if revoked {
		return Claims{}, ErrTokenRevoked
	}
	return claims, nil
}

// parse does everything that needs neither clock nor store. No claim is read before the signature holds.
func (m *TokenManager) parse(token setting.Secret) (Claims, error) {
	signed, parts, err := split(token.Reveal())
	if err != nil {
		return Claims{}, err
	}
	if err := m.checkHeader(parts[0]); err != nil {
		return Claims{}, err
	}
	signature, err := segment(parts[2])
	if err != nil || len(signature) == 0 || len(signature) > longestSignature {
		return Claims{}, fmt.Errorf("%w: signature segment", ErrTokenMalformed)
	}
	if err := m.key.method.Verify(signed, signature, m.key.public()); err != nil {
		return Claims{}, ErrTokenSignature
	}
	payload, err := segment(parts[1])
	if err != nil {
		return Claims{}, fmt.Errorf("%w: payload segment", ErrTokenMalformed)
	}
	claims, err := decodeClaims(payload)
	if err != nil {
		return Claims{}, err
	}
	return claims, m.checkNames(claims)
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

func (m *TokenManager) checkHeader(text string) error {
	raw, err := segment(text)
	if err != nil {
		return fmt.Errorf("%w: header segment", ErrTokenMalformed)
	}
	object, err := strictjson.Parse(raw, headerLimits)
	if err != nil {
		return fmt.Errorf("%w: header: %w", ErrTokenMalformed, err)
	}
	if name, folded := object.Folded(headerNames); folded {
		return fmt.Errorf("%w: header: a member looks like %q", ErrTokenMalformed, name)
	}
	if algorithm, err := object.String("alg"); err != nil || algorithm != m.key.Algorithm() {
		return ErrTokenAlgorithm
	}
	for _, name := range refused {
		if object.Has(name) {
			return fmt.Errorf("%w: header: %s is not accepted", ErrTokenMalformed, name)
		}
	}
	if kid, err := object.String("kid"); err != nil || len(kid) > longestKeyID || kid != m.key.ID() {
		return ErrTokenKey
	}
	if typ, err := object.String("typ"); err != nil || !isAccessTokenType(typ) {
		return ErrTokenType
	}
	return nil
}

// isAccessTokenType compares as media types do: without regard to ASCII case, the
// application/ prefix optional (RFC 7515, section 4.1.9).
func isAccessTokenType(typ string) bool {
	const prefix = "application/"
	if len(typ) > len(prefix) && strings.EqualFold(typ[:len(prefix)], prefix) {
		typ = typ[len(prefix):]
	}
	return len(typ) == len(AccessTokenType) && strings.EqualFold(typ, AccessTokenType)
}

func (m *TokenManager) checkNames(c Claims) error {
	if c.Issuer != m.cfg.Issuer {
		return ErrTokenIssuer
	}
	if c.Audience != m.cfg.Audience {
		return ErrTokenAudience
	}
	return nil
}

func (m *TokenManager) checkTimes(c Claims, now time.Time) error {
	lifetime := c.Expires.Sub(c.IssuedAt)
	if lifetime <= 0 || lifetime > max(longestDefaultAccessLife, m.cfg.AccessLifetime()) {
		return fmt.Errorf("%w: lifetime out of range", ErrTokenMalformed)
	}
	if !now.Before(c.Expires) {
		return ErrTokenExpired
	}
	if ahead := now.Add(futureLeeway); c.NotBefore.After(ahead) || c.IssuedAt.After(ahead) || c.AuthTime.After(ahead) {
		return ErrTokenNotYetValid
	}
	return nil
}
