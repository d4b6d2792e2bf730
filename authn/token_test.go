package authn_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rsa"
	_ "crypto/sha256" // for crypto.SHA256
	_ "crypto/sha512" // for crypto.SHA384 and SHA512
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/store/memstore"
)

func TestTokenRoundTrip(t *testing.T) {
	t.Parallel()
	eachAlgorithm(t, func(t *testing.T, kit tokenKit) {
		token, issued, err := kit.manager.Issue(tokenSession(), []string{"viewer", "editor"})
		require.NoError(t, err)
		claims := kit.accepts(t, token)
		assert.Equal(t, issued, claims)
		assert.NotEmpty(t, claims.ID)
		claims.ID = ""
		assert.Equal(t, authn.Claims{
			Issuer: "authmodule", Audience: "authmodule", Subject: authn.Subject{Tenant: "acme", ID: "user-1"}, SessionID: "sid-1",
			IssuedAt: tokenEpoch, NotBefore: tokenEpoch, Expires: tokenEpoch.Add(30 * time.Minute), AuthTime: tokenEpoch,
			Methods: []string{"pwd"}, ACR: authn.ACR1, Roles: []string{"viewer", "editor"},
		}, claims)
	})
}

// What is issued is a JWS that the standard library verifies without golang-jwt (RFC 7518, section 3).
func TestTokenSignatureIsStandard(t *testing.T) {
	t.Parallel()
	eachAlgorithm(t, func(t *testing.T, kit tokenKit) {
		text := kit.issue(t).Reveal()
		cut := strings.LastIndexByte(text, '.')
		signature, err := base64.RawURLEncoding.DecodeString(text[cut+1:])
		require.NoError(t, err)
		assert.True(t, standardVerify(kit.tokenKey, []byte(text[:cut]), signature))
	})
}

func standardVerify(key tokenKey, signed, signature []byte) bool {
	hash := crypto.SHA256
	switch name := key.key.Algorithm(); {
	case strings.HasSuffix(name, "384"):
		hash = crypto.SHA384
	case strings.HasSuffix(name, "512"):
		hash = crypto.SHA512
	}
	digest := hash.New()
	digest.Write(signed)
	sum := digest.Sum(nil)
	switch public := key.public.(type) {
	case *rsa.PublicKey:
		if strings.HasPrefix(key.key.Algorithm(), "PS") {
			return rsa.VerifyPSS(public, hash, sum, signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}) == nil
		}
		return rsa.VerifyPKCS1v15(public, hash, sum, signature) == nil
	case *ecdsa.PublicKey:
		size := (public.Curve.Params().BitSize + 7) / 8
		r, s := new(big.Int).SetBytes(signature[:size]), new(big.Int).SetBytes(signature[size:])
		return len(signature) == 2*size && ecdsa.Verify(public, sum, r, s)
	case ed25519.PublicKey:
		return ed25519.Verify(public, signed, signature)
	default:
		mac := hmac.New(hash.New, []byte(tokenSecret))
		mac.Write(signed)
		return hmac.Equal(mac.Sum(nil), signature)
	}
}

// The wire form is what other readers rely on: these members and no others.
func TestTokenWireForm(t *testing.T) {
	t.Parallel()
	eachAlgorithm(t, func(t *testing.T, kit tokenKit) {
		parts := strings.Split(kit.issue(t).Reveal(), ".")
		header, payload := decodeSegment(t, parts[0]), decodeSegment(t, parts[1])
		assert.Equal(t, map[string]any{"alg": kit.key.Algorithm(), "kid": kit.key.ID(), "typ": "at+jwt"}, header)
		assert.Equal(t,
			[]string{"acr", "amr", "aud", "auth_time", "exp", "iat", "iss", "jti", "nbf", "roles", "sid", "sub", "tenant"},
			slices.Sorted(maps.Keys(payload)))
		assert.Equal(t, []any{"viewer"}, payload["roles"])
	})
}

func decodeSegment(t testing.TB, text string) map[string]any {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(text)
	require.NoError(t, err)
	var out map[string]any
	require.NoError(t, json.Unmarshal(raw, &out))
	return out
}

// Item 6 of the promises: the lifetime is the configured one, to the second.
func TestTokenLifetimeIsExactlyTheConfiguredOne(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name     string
		have     authn.TokenConfig
		expected time.Duration
	}{
		{"default", authn.TokenConfig{}, 30 * time.Minute},
		{"five minutes", authn.TokenConfig{AccessTokenExpireMinutes: 5}, 5 * time.Minute},
		{"expiration_hours", authn.TokenConfig{ExpirationHours: 24}, 24 * time.Hour},
		{"more than a day", authn.TokenConfig{ExpirationHours: 48}, 48 * time.Hour},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			kit := newTokenKit(t, "HS256", func(cfg *authn.TokenConfig, _ *authn.TokenDeps) { *cfg = tc.have })
			kit.clock.Set(tokenEpoch.Add(987654321 * time.Nanosecond))
			token, _, err := kit.manager.Issue(tokenSession(), nil)
			require.NoError(t, err)
			claims := kit.accepts(t, token)
			assert.Equal(t, tc.expected, claims.Expires.Sub(claims.IssuedAt))
			assert.Equal(t, tokenEpoch, claims.IssuedAt)
			assert.Equal(t, tc.expected, kit.manager.Lifetime())
		})
	}
}

func TestTokenNeverOutlivesItsSession(t *testing.T) {
	t.Parallel()
	kit := newTokenKit(t, "HS256")
	session := tokenSession()
	session.Ends = tokenEpoch.Add(10*time.Minute + 900*time.Millisecond)
	token, issued, err := kit.manager.Issue(session, nil)
	require.NoError(t, err)
	assert.Equal(t, tokenEpoch.Add(10*time.Minute), issued.Expires)
	kit.accepts(t, token)
	kit.clock.Set(session.Ends)
	kit.refuses(t, token, authn.ErrTokenExpired)
}

// JWT-14: IDs are unique and have 128 random bits.
func TestTokenIDs(t *testing.T) {
	t.Parallel()
	kit := newTokenKit(t, "HS256")
	seen := map[string]bool{}
	for range 1000 {
		_, claims, err := kit.manager.Issue(tokenSession(), nil)
		require.NoError(t, err)
		raw, err := base64.RawURLEncoding.DecodeString(claims.ID)
		require.NoError(t, err)
		require.Len(t, raw, 16)
		require.False(t, seen[claims.ID])
		seen[claims.ID] = true
	}
}

// What Verify would refuse is not issued.
func TestTokenIssueRefuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		have func(s *authn.Session) []string
	}{
		{"no session ID", func(s *authn.Session) []string { s.ID = ""; return nil }},
		{"no subject", func(s *authn.Session) []string { s.Subject.ID = ""; return nil }},
		{"long subject", func(s *authn.Session) []string { s.Subject.ID = strings.Repeat("u", 256); return nil }},
		{"subject that is not UTF-8", func(s *authn.Session) []string { s.Subject.ID = "\xff"; return nil }},
		{"session ID that is not UTF-8", func(s *authn.Session) []string { s.ID = "\xff"; return nil }},
		{"role that is not UTF-8", func(*authn.Session) []string { return []string{"viewer", "\xed\xa0\x80"} }},
		{"method that is not UTF-8", func(s *authn.Session) []string { s.Methods = []string{"\xff"}; return nil }},
		{"tenant of another form", func(s *authn.Session) []string { s.Subject.Tenant = "Acme!"; return nil }},
		{"no end", func(s *authn.Session) []string { s.Ends = time.Time{}; return nil }},
		{"no time of login", func(s *authn.Session) []string { s.AuthTime = time.Time{}; return nil }},
		{"roles that fit into no token", func(*authn.Session) []string { return make([]string, 16<<10) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			session := tokenSession()
			roles := tc.have(&session)
			token, claims, err := newTokenKit(t, "HS256").manager.Issue(session, roles)
			require.Error(t, err)
			assert.Zero(t, token)
			assert.Zero(t, claims)
		})
	}
}

func TestTokenWithManyRoles(t *testing.T) {
	t.Parallel()
	kit := newTokenKit(t, "HS256")
	roles := make([]string, 500)
	for i := range roles {
		roles[i] = fmt.Sprintf("role-%d", i)
	}
	token, _, err := kit.manager.Issue(tokenSession(), roles)
	require.NoError(t, err)
	assert.Equal(t, roles, kit.accepts(t, token).Roles)
}

func TestTokenIssueFailsWithoutRandomness(t *testing.T) {
	t.Parallel()
	kit := newTokenKit(t, "HS256", func(_ *authn.TokenConfig, deps *authn.TokenDeps) { deps.Rand = bytes.NewReader(make([]byte, 15)) })
	token, _, err := kit.manager.Issue(tokenSession(), nil)
	require.Error(t, err)
	assert.Empty(t, token)
}

func TestNewTokenManagerRefuses(t *testing.T) {
	t.Parallel()
	keys, err := tokenKeys()
	require.NoError(t, err)
	hs, store := keys["HS256"].key, viewOf(t, memstore.New(), nil)
	for _, tc := range []struct {
		name string
		cfg  authn.TokenConfig
		deps authn.TokenDeps
	}{
		{"no key", authn.TokenConfig{}, authn.TokenDeps{Revocations: store}},
		{"no revocations", authn.TokenConfig{}, authn.TokenDeps{Keys: ringOf(t, hs)}},
		{"negative lifetime", authn.TokenConfig{AccessTokenExpireMinutes: -5}, authn.TokenDeps{Keys: ringOf(t, hs), Revocations: store}},
		{"long issuer", authn.TokenConfig{Issuer: strings.Repeat("i", 256)}, authn.TokenDeps{Keys: ringOf(t, hs), Revocations: store}},
		{"audience that is no text", authn.TokenConfig{Audience: "\xff"}, authn.TokenDeps{Keys: ringOf(t, hs), Revocations: store}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			manager, err := authn.NewTokenManager(tc.cfg, tc.deps)
			require.Error(t, err)
			assert.Nil(t, manager)
		})
	}
}

// A store that cannot answer is no verdict about the token.
func TestTokenVerifyFailsWithTheStore(t *testing.T) {
	t.Parallel()
	broken := errors.New("store is down")
	kit := newTokenKit(t, "HS256", func(_ *authn.TokenConfig, deps *authn.TokenDeps) {
		deps.Revocations = viewOf(t, brokenRevocations{memstore.New(), broken}, deps.Now)
	})
	token := kit.issue(t)
	kit.refuses(t, token, broken)
	_, err := kit.manager.Verify(t.Context(), token)
	assert.NotErrorIs(t, err, authn.ErrTokenRevoked)
	require.ErrorIs(t, kit.manager.Revoke(t.Context(), token), broken)
	assert.Empty(t, *kit.events, "nothing was revoked, so nothing is told")
}

// The manager keeps no secret that printing it could show.
func TestTokenManagerPrintsNoSecret(t *testing.T) {
	t.Parallel()
	kit := newTokenKit(t, "HS256", func(cfg *authn.TokenConfig, _ *authn.TokenDeps) { cfg.SecretKey = tokenSecret })
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, value := range []any{kit.manager, *kit.manager, struct{ m *authn.TokenManager }{kit.manager}, []any{kit.manager}} {
			assertNoKeyBytes(t, fmt.Sprintf(verb, value), tokenSecret)
		}
	}
}

func BenchmarkTokenVerify(b *testing.B) {
	for _, algorithm := range tokenAlgorithms {
		b.Run(algorithm, func(b *testing.B) {
			kit := newTokenKit(b, algorithm)
			token := kit.issue(b)
			b.ReportAllocs()
			for b.Loop() {
				_, err := kit.manager.Verify(b.Context(), token)
				require.NoError(b, err)
			}
		})
	}
}

// Item 12: no key is parsed for each call.
func BenchmarkTokenIssue(b *testing.B) {
	for _, algorithm := range tokenAlgorithms {
		b.Run(algorithm, func(b *testing.B) {
			kit := newTokenKit(b, algorithm)
			b.ReportAllocs()
			for b.Loop() {
				kit.issue(b)
			}
		})
	}
}

func BenchmarkTokenVerifyForged(b *testing.B) {
	kit := newTokenKit(b, "HS256")
	signed, _, _ := cutLast(kit.issue(b).Reveal())
	token := setting.Secret(signed + "." + strings.Repeat("A", 43))
	kit.refuses(b, token, authn.ErrTokenSignature)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := kit.manager.Verify(b.Context(), token); err == nil {
			b.Fatal("accepted")
		}
	}
}
