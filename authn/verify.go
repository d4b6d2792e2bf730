package authn

import (
	"context"
	"fmt"
	"time"

	"github.com/authmodule/authmodule/setting"
)

// Verify checks an access token: its form, algorithm, key, type, signature,
// claims and times, and that neither it nor its key was revoked. The error tells the class
// (ErrToken…), or says that the revocation log could not be read. Whether the token's session and
// account still live, and who presents it ([Claims].Confirmation), is not looked at; see [Service.AuthenticateToken].
func (m *TokenManager) Verify(ctx context.Context, token setting.Secret) (Claims, error) {
	v, err := m.verify(ctx, token, m.now())
	return v.claims, err
}

// verified is an access token that holds.
type verified struct {
	claims Claims
	key    *Key
	// seen is the view before it was asked.
	seen glance
	// dead are the marks of the token, its key and its session; the session's was not looked at.
	dead marks
}

func (m *TokenManager) verify(ctx context.Context, token setting.Secret, now time.Time) (verified, error) {
	v, err := m.parse(token)
	if err != nil {
		return verified{}, err
	}
	if err := m.checkTimes(v.claims, now); err != nil {
		return verified{}, err
	}
	// No store is asked for a token that does not hold.
	if err := m.revocations.fresh(ctx, now); err != nil {
		return verified{}, err
	}
	v.seen = m.revocations.glance()
	tenant, marker := v.claims.Subject.Tenant, m.revocations.mark
	v.dead = marks{
		marker.of(RevokedToken, tenant, v.claims.ID), marker.of(RevokedKey, "", v.key.ID()), marker.of(RevokedSession, tenant, v.claims.SessionID),
	}
	switch {
	case m.revocations.table.isDead(v.dead[0]):
		return verified{}, ErrTokenRevoked
	case m.revocations.table.isDead(v.dead[1]):
		return verified{}, ErrTokenKey
	}
	return v, nil
}

// sessionRevoked reports whether the token's session was ended, as far as the view knows.
func (m *TokenManager) sessionRevoked(v verified) bool { return m.revocations.table.isDead(v.dead[2]) }

// knows reports whether the ring has the key, and it was not revoked.
func (m *TokenManager) knows(kid string) bool {
	_, found := m.keys.current.Load().byID[kid]
	return found && !m.revocations.table.isDead(m.revocations.mark.of(RevokedKey, "", kid))
}

// parse does everything that needs neither clock nor store. No claim is read before the signature holds.
func (m *TokenManager) parse(token setting.Secret) (verified, error) {
	room := m.keys.room()
	defer m.keys.rooms.Put(room)
	jws, key, err := m.keys.verify(token.Reveal(), JWSPolicy{Type: AccessTokenType}, room)
	if err != nil {
		return verified{}, err
	}
	claims, plain := plainClaims(string(jws.Payload))
	if !plain {
		if claims, err = decodeClaims(jws.Payload); err != nil {
			return verified{}, err
		}
	}
	if err := m.checkNames(claims); err != nil {
		return verified{}, err
	}
	return verified{claims: claims, key: key}, nil
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
	return tokenTimes{c.IssuedAt, c.NotBefore, c.Expires, c.AuthTime, c.MFATime}.check(now, max(longestDefaultAccessLife, m.cfg.AccessLifetime()))
}

// tokenTimes are those of any access token. A time that is absent is zero, which is ahead of nobody.
type tokenTimes struct{ issued, notBefore, expires, auth, second time.Time }

func (t tokenTimes) check(now time.Time, longest time.Duration) error {
	if lifetime := t.expires.Sub(t.issued); lifetime <= 0 || lifetime > longest {
		return fmt.Errorf("%w: lifetime out of range", ErrTokenMalformed)
	}
	if !now.Before(t.expires) {
		return ErrTokenExpired
	}
	if ahead := now.Add(futureLeeway); t.notBefore.After(ahead) || t.issued.After(ahead) || t.auth.After(ahead) || t.second.After(ahead) {
		return ErrTokenNotYetValid
	}
	return nil
}
