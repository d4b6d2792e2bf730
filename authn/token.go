package authn

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"time"
	"unicode/utf8"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/setting"
)

// AccessTokenType is the typ header of an access token (RFC 9068, section 2.1).
const AccessTokenType = "at+jwt"

// futureLeeway is how far iat and nbf may lie ahead of this node's clock. Expiry has no leeway.
const futureLeeway = 30 * time.Second

// pruneLeeway keeps a revocation longer than its token, for nodes whose clock is behind.
const pruneLeeway = time.Minute

// TokenManager signs and verifies access tokens, and revokes single ones. It
// knows nothing of sessions and accounts: [Service.AuthenticateToken] asks
// those too, and is what decides about a request. It is safe for concurrent use.
type TokenManager struct {
	cfg         TokenConfig
	keys        *KeyRing
	revocations *Revocations
	events      *audit.Bus
	now         func() time.Time
	rand        io.Reader
}

// TokenDeps are what a [TokenManager] works with. Keys and Revocations are required.
type TokenDeps struct {
	Keys        *KeyRing
	Revocations *Revocations
	// Events may be nil.
	Events *audit.Bus
	// Now defaults to time.Now, Rand to crypto/rand.
	Now  func() time.Time
	Rand io.Reader
}

// NewTokenManager returns a TokenManager that issues and accepts tokens of
// one ring's keys, one issuer and one audience.
func NewTokenManager(cfg TokenConfig, deps TokenDeps) (*TokenManager, error) {
	cfg = cfg.WithDefaults()
	if deps.Keys == nil || deps.Revocations == nil {
		return nil, errors.New("authn: a token manager needs a key ring and a revocation view")
	}
	if err := checkTokenConfig(cfg); err != nil {
		return nil, err
	}
	cfg.SecretKey, cfg.Keys = "", nil // the ring has them; here they could only be printed
	m := &TokenManager{cfg: cfg, keys: deps.Keys, revocations: deps.Revocations, events: deps.Events, now: deps.Now, rand: deps.Rand}
	if m.now == nil {
		m.now = time.Now
	}
	if m.rand == nil {
		m.rand = rand.Reader
	}
	return m, nil
}

// checkTokenConfig refuses what would make tokens that no reader, this module's included, accepts.
func checkTokenConfig(cfg TokenConfig) error {
	for name, text := range map[string]string{"issuer": cfg.Issuer, "audience": cfg.Audience} {
		if len(text) > longestText || !utf8.ValidString(text) {
			return fmt.Errorf("authn: the %s must be valid UTF-8 of at most %d bytes", name, longestText)
		}
	}
	if cfg.AccessLifetime() <= 0 {
		return errors.New("authn: the lifetime of access tokens must be positive")
	}
	return nil
}

// Issue signs an access token for a session. It expires after the configured
// lifetime, or when the session ends if that is sooner; with less than a second
// to go it returns [ErrSessionEnded]. What [TokenManager.Verify]
// would refuse is an error: a session that lacks an ID, a subject or a time, and more roles than fit into a token.
func (m *TokenManager) Issue(s Session, roles []string) (setting.Secret, Claims, error) {
	id := make([]byte, 16)
	if _, err := io.ReadFull(m.rand, id); err != nil {
		return "", Claims{}, fmt.Errorf("authn: issue a token: %w", err)
	}
	now := m.now().UTC().Truncate(time.Second)
	claims := Claims{
		Issuer: m.cfg.Issuer, Audience: m.cfg.Audience, Subject: s.Subject, SessionID: s.ID,
		ID:       base64.RawURLEncoding.EncodeToString(id),
		IssuedAt: now, NotBefore: now, Expires: now.Add(m.cfg.AccessLifetime()),
		AuthTime: s.AuthTime.UTC().Truncate(time.Second), Methods: nonNil(s.Methods), Roles: nonNil(roles),
		MFATime: s.MFATime.UTC().Truncate(time.Second), ACR: s.ACR(), Actor: s.Actor, Confirmation: s.Confirmation,
	}
	if ends := s.Ends.UTC().Truncate(time.Second); claims.Expires.After(ends) {
		claims.Expires = ends
	}
	if !claims.Expires.After(now) {
		return "", Claims{}, ErrSessionEnded
	}
	token, err := m.sign(claims)
	if err != nil {
		return "", Claims{}, err
	}
	return token, claims, nil
}

func (m *TokenManager) sign(claims Claims) (setting.Secret, error) {
	payload, err := claims.encode()
	if err == nil {
		_, err = decodeClaims(payload)
	}
	if err != nil {
		return "", fmt.Errorf("authn: issue a token: %w", err)
	}
	key, err := m.keys.Signing()
	if err != nil {
		return "", err
	}
	signed := key.headerSegment() + "." + base64.RawURLEncoding.EncodeToString(payload)
	signature, err := key.method.Sign(signed, key.private())
	if err != nil {
		return "", fmt.Errorf("authn: issue a token: %w", err)
	}
	return setting.Secret(signed + "." + base64.RawURLEncoding.EncodeToString(signature)), nil
}

// Lifetime is how long a new access token is valid, if its session lasts as long.
func (m *TokenManager) Lifetime() time.Duration { return m.cfg.AccessLifetime() }

// Revoke makes one access token unusable from now on. The token may be
// expired, in which case nothing is stored, but it must be one of this manager's.
func (m *TokenManager) Revoke(ctx context.Context, token setting.Secret) error {
	v, err := m.parse(token)
	if err != nil {
		return err
	}
	return m.revoke(ctx, v.claims)
}

func (m *TokenManager) revoke(ctx context.Context, claims Claims) error {
	if !m.now().Before(claims.Expires) {
		return nil
	}
	act := m.events.Act(audit.Event{
		Type: audit.TokenRevoked, Tenant: string(claims.Subject.Tenant), Subject: claims.Subject.ID, SessionID: claims.SessionID,
		Actor: EnderOf(ctx, claims.Subject, claims.Actor),
	})
	if err := m.revocations.RevokeToken(act.In(ctx), claims.Subject.Tenant, claims.ID, claims.Expires.Add(pruneLeeway)); err != nil {
		return err
	}
	act.Tell(ctx)
	return nil
}

// PublicKeys returns the key set that others verify this manager's tokens
// with. It is empty for a ring of secrets.
func (m *TokenManager) PublicKeys() JWKSet { return m.keys.Public() }

func nonNil(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
