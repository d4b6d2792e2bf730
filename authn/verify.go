package authn

import (
	"context"
	"fmt"
	"time"

	"github.com/authmodule/authmodule/setting"
)

// Verify checks an access token: its form, algorithm, key, type, signature,
// claims and times, and that it was not revoked. The error tells the class
// (ErrToken…), or is the revocation store's. Whether the token's session and
// account still live, and who presents it ([Claims].Confirmation), is not looked at; see [Service.AuthenticateToken].
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
	room := m.keys.room()
	defer m.keys.rooms.Put(room)
	jws, err := m.keys.verify(token.Reveal(), JWSPolicy{Type: AccessTokenType}, room)
	if err != nil {
		return Claims{}, err
	}
	claims, plain := plainClaims(string(jws.Payload))
	if !plain {
		if claims, err = decodeClaims(jws.Payload); err != nil {
			return Claims{}, err
		}
	}
	if err := m.checkNames(claims); err != nil {
		return Claims{}, err
	}
	return claims, nil
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
