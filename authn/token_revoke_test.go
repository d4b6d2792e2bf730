package authn_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/asn1"
	"encoding/base64"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/store/memstore"
)

// brokenRevocations answers with an error.
type brokenRevocations struct {
	authn.RevocationStore
	err error
}

func (b brokenRevocations) Revoke(context.Context, ...authn.Revocation) (int64, error) {
	return 0, b.err
}

func (b brokenRevocations) Revocations(context.Context, int64, int) ([]authn.Revocation, int64, error) {
	return nil, 0, b.err
}

const base64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// spareBits returns the other spellings of base64url text that lenient decoders take for the same bytes (JWT-37).
func spareBits(text string) []string {
	var out []string
	decoded, _ := base64.RawURLEncoding.DecodeString(text)
	for _, c := range base64URL {
		other := text[:len(text)-1] + string(c)
		if again, err := base64.RawURLEncoding.DecodeString(other); other != text && err == nil && string(again) == string(decoded) {
			out = append(out, other)
		}
	}
	return out
}

// textualTwins are edits of a token's text, made without the key, that a
// lenient reader takes for the same token.
func textualTwins(token setting.Secret) []string {
	text := token.Reveal()
	parts := strings.Split(text, ".")
	twins := []string{
		text + "!", text + "!!", text + "=", text + "==", text + " ", text + "\n", text + "\r\n", text + "\x00", text + ".", text + ".e30",
		" " + text, "\n" + text, "\ufeff" + text, "Bearer " + text, `"` + text + `"`, "." + text, text + "A", text + "AAAA",
	}
	for i, part := range parts {
		edits := []string{
			part + "=", part + "==", part + "\n", "\n" + part, part[:len(part)/2] + "\n" + part[len(part)/2:],
			part[:1] + "\r" + part[1:], part + " ", part + "!", part + "%3D",
			strings.NewReplacer("-", "+", "_", "/").Replace(part),
		}
		for _, edit := range append(edits, spareBits(part)...) {
			other := []string{parts[0], parts[1], parts[2]}
			if other[i] = edit; edit != part {
				twins = append(twins, strings.Join(other, "."))
			}
		}
	}
	return twins
}

// Item 1: editing the text of a revoked token revived it.
func TestItem1TokenRevocationHoldsForEveryText(t *testing.T) {
	t.Parallel()
	eachAlgorithm(t, func(t *testing.T, kit tokenKit) {
		token := kit.issue(t)
		twins := textualTwins(token)
		for _, twin := range twins {
			_, err := kit.manager.Verify(t.Context(), setting.Secret(twin))
			require.Errorf(t, err, "a live token in another spelling: %q", twin)
		}
		kit.accepts(t, token)
		require.NoError(t, kit.manager.Revoke(t.Context(), token))
		kit.refuses(t, token, authn.ErrTokenRevoked)
		for _, twin := range twins {
			_, err := kit.manager.Verify(t.Context(), setting.Secret(twin))
			require.Errorf(t, err, "a revoked token in another spelling: %q", twin)
		}
	})
}

// JWT-14: revocation is by jti, whatever else the token says.
func TestTokenRevocationIsByID(t *testing.T) {
	t.Parallel()
	eachAlgorithm(t, func(t *testing.T, kit tokenKit) {
		sibling := kit.issue(t)
		revoked := kit.sign(t, kit.header(nil), kit.payload(nil))
		kit.accepts(t, revoked)
		require.NoError(t, kit.manager.Revoke(t.Context(), revoked))
		require.NoError(t, kit.manager.Revoke(t.Context(), revoked), "twice is fine")
		kit.refuses(t, revoked, authn.ErrTokenRevoked)

		same := kit.sign(t, kit.header(map[string]string{"typ": `"AT+JWT"`}), kit.payload(map[string]string{"roles": `[]`, "sid": `"other"`}))
		kit.refuses(t, same, authn.ErrTokenRevoked)
		kit.accepts(t, sibling)
		kit.accepts(t, kit.sign(t, kit.header(nil), kit.payload(map[string]string{"tenant": `"globex"`})))
	})
}

// JWT-39: of a valid ECDSA signature (r, s) anybody can make (r, n-s), which is
// valid too. That twin carries the same jti.
func TestTokenHighSTwinOfRevokedToken(t *testing.T) {
	t.Parallel()
	kit := newTokenKit(t, "ES256")
	token := kit.issue(t)
	cut := strings.LastIndexByte(token.Reveal(), '.')
	signature, err := base64.RawURLEncoding.DecodeString(token.Reveal()[cut+1:])
	require.NoError(t, err)
	s := new(big.Int).SetBytes(signature[32:])
	new(big.Int).Sub(elliptic.P256().Params().N, s).FillBytes(signature[32:])
	twin := setting.Secret(token.Reveal()[:cut+1] + base64.RawURLEncoding.EncodeToString(signature))
	require.NotEqual(t, token, twin)

	kit.accepts(t, twin)
	require.NoError(t, kit.manager.Revoke(t.Context(), token))
	kit.refuses(t, twin, authn.ErrTokenRevoked)
}

// JWT-39: r and s have 32 bytes each and lie between 0 and the group's order.
func TestTokenECDSASignatureForms(t *testing.T) {
	t.Parallel()
	kit := newTokenKit(t, "ES256")
	signed, last, _ := cutLast(kit.issue(t).Reveal())
	good, err := base64.RawURLEncoding.DecodeString(last)
	require.NoError(t, err)
	r, s := new(big.Int).SetBytes(good[:32]), new(big.Int).SetBytes(good[32:])
	der, err := asn1.Marshal(struct{ R, S *big.Int }{r, s})
	require.NoError(t, err)
	require.True(t, ecdsa.Verify(kit.public.(*ecdsa.PublicKey), hashOf(signed), r, s))
	order, zero := elliptic.P256().Params().N.FillBytes(make([]byte, 32)), make([]byte, 32)
	for name, signature := range map[string][]byte{
		"zeros": make([]byte, 64), "r is zero": append(zero, good[32:]...), "s is zero": append(append([]byte{}, good[:32]...), make([]byte, 32)...),
		"r is the order": append(append([]byte{}, order...), good[32:]...), "s is the order": append(append([]byte{}, good[:32]...), order...),
		"one byte short": good[:63], "one byte more": append(append([]byte{}, good...), 0), "zero in front": append([]byte{0}, good...),
		"DER": der, "swapped": append(append([]byte{}, good[32:]...), good[:32]...), "one byte": {1}, "96 bytes": make([]byte, 96),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kit.refuses(t, setting.Secret(signed+"."+base64.RawURLEncoding.EncodeToString(signature)), authn.ErrTokenSignature)
		})
	}
}

func TestTokenRevokeOfOtherTokens(t *testing.T) {
	t.Parallel()
	kit := newTokenKit(t, "HS256")
	other := newTokenKit(t, "HS256", func(cfg *authn.TokenConfig, _ *authn.TokenDeps) { cfg.Issuer = "elsewhere" })
	require.ErrorIs(t, kit.manager.Revoke(t.Context(), "garbage"), authn.ErrTokenMalformed)
	require.ErrorIs(t, kit.manager.Revoke(t.Context(), ""), authn.ErrTokenMalformed)
	require.ErrorIs(t, kit.manager.Revoke(t.Context(), other.issue(t)), authn.ErrTokenIssuer)
	forged := kit.sign(t, kit.header(map[string]string{"typ": `"JWT"`}), kit.payload(nil))
	require.ErrorIs(t, kit.manager.Revoke(t.Context(), forged), authn.ErrTokenType)
	assert.Empty(t, *kit.events)
}

func TestTokenRevokeTellsOnceAndStoresUntilExpiry(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	kit := newTokenKit(t, "HS256", func(_ *authn.TokenConfig, deps *authn.TokenDeps) { deps.Revocations = viewOf(t, store, deps.Now) })
	token, claims, err := kit.manager.Issue(tokenSession(), nil)
	require.NoError(t, err)
	kit.clock.Set(claims.Expires.Add(-time.Second))
	require.NoError(t, kit.manager.Revoke(t.Context(), token))
	log, _, err := store.Revocations(t.Context(), 0, 10)
	require.NoError(t, err)
	assert.Equal(t, []authn.Revocation{{Position: 1, Kind: authn.RevokedToken, Tenant: "acme", ID: claims.ID, Until: claims.Expires.Add(time.Minute)}}, log)
	assert.Equal(t, []audit.Event{{
		Type: audit.TokenRevoked, Time: kit.clock.Now(), Tenant: "acme", Subject: "user-1", SessionID: "sid-1",
	}}, *kit.events)
}

func TestTokenRevokeOfAnExpiredTokenStoresNothing(t *testing.T) {
	t.Parallel()
	kit := newTokenKit(t, "HS256", func(_ *authn.TokenConfig, deps *authn.TokenDeps) {
		deps.Revocations = viewOf(t, brokenRevocations{memstore.New(), assert.AnError}, deps.Now)
	})
	token := kit.issue(t)
	kit.clock.Set(tokenEpoch.Add(30 * time.Minute))
	require.NoError(t, kit.manager.Revoke(t.Context(), token), "the store would fail")
	assert.Empty(t, *kit.events)
}
