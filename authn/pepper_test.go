package authn_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/alexedwards/argon2id"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/internal/passwordhash"
	"github.com/authmodule/authmodule/setting"
)

const (
	firstPepper  setting.Secret = "the first pepper, of 32 bytes and some more"
	secondPepper setting.Secret = "the second pepper, of 32 bytes and some more"
)

func peppered(current setting.Secret, previous ...setting.Secret) authn.PasswordConfig {
	cfg := cheap
	cfg.Pepper, cfg.PreviousPeppers = current, previous
	return cfg
}

func requireMatch(t testing.TB, h *authn.Hasher, hash string, expected bool) {
	t.Helper()
	match, err := h.Check(t.Context(), ownPassword, hash)
	require.NoError(t, err)
	require.Equal(t, expected, match)
	match, err = h.Check(t.Context(), ownPassword+"x", hash)
	require.NoError(t, err)
	require.False(t, match)
}

// NIST-05: peppers change without a day on which nobody can log in. Hashes that are not of the current one are stale.
func TestNIST05PepperRotates(t *testing.T) {
	t.Parallel()
	none, first := newTestHasher(t, cheap), newTestHasher(t, peppered(firstPepper))
	second, back := newTestHasher(t, peppered(secondPepper, firstPepper)), newTestHasher(t, peppered("", secondPepper, firstPepper))
	hashes := map[string]string{}
	for name, h := range map[string]*authn.Hasher{"none": none, "first": first, "second": second} {
		hash, err := h.Hash(t.Context(), ownPassword)
		require.NoError(t, err)
		hashes[name] = hash
	}
	for _, tc := range []struct {
		h           *authn.Hasher
		made        string
		known, same bool
	}{
		{none, "none", true, true},
		{none, "first", false, false},
		{first, "none", true, false},
		{first, "first", true, true},
		{first, "second", false, false},
		{second, "none", true, false},
		{second, "first", true, false},
		{second, "second", true, true},
		{back, "none", true, true},
		{back, "first", true, false},
		{back, "second", true, false},
	} {
		assert.Equal(t, tc.known && !tc.same, tc.h.Stale(hashes[tc.made]))
		if !tc.known {
			_, err := tc.h.Check(t.Context(), ownPassword, hashes[tc.made])
			require.ErrorIs(t, err, passwordhash.ErrUnusable)
			require.Error(t, tc.h.Usable(hashes[tc.made]))
			continue
		}
		require.NoError(t, tc.h.Usable(hashes[tc.made]))
		requireMatch(t, tc.h, hashes[tc.made], true)
	}
	_, err := authn.NewHasher(peppered(firstPepper, ""))
	require.Error(t, err)
}

// NIST-05: who has the database alone cannot verify a guess, whatever they leave out of or put into a stored hash.
func TestNIST05DatabaseAloneVerifiesNothing(t *testing.T) {
	t.Parallel()
	hash, err := newTestHasher(t, peppered(firstPepper)).Hash(t.Context(), ownPassword)
	require.NoError(t, err)
	parts := strings.Split(hash, "$")
	params, id, found := strings.Cut(parts[3], ",keyid=")
	require.True(t, found)
	parts[3] = params
	plain := strings.Join(parts, "$")
	raw, err := base64.RawStdEncoding.DecodeString(id)
	require.NoError(t, err)
	for _, guess := range []string{ownPassword, ownPassword + string(raw), string(raw) + ownPassword, id + ownPassword, firstPepper.Reveal()} {
		match, err := argon2id.ComparePasswordAndHash(guess, plain)
		require.NoError(t, err)
		assert.False(t, match)
	}
	requireMatch(t, newTestHasher(t, cheap), plain, false)
	other := newTestHasher(t, peppered(secondPepper))
	requireMatch(t, other, plain, false)
	otherHash, err := other.Hash(t.Context(), "x")
	require.NoError(t, err)
	_, otherID, _ := strings.Cut(strings.Split(otherHash, "$")[3], ",keyid=")
	requireMatch(t, other, strings.Replace(hash, id, otherID, 1), false)
	assert.NotContains(t, hash, "pepper")
}

func TestHasherPrintsNoPepper(t *testing.T) {
	t.Parallel()
	cfg := peppered(firstPepper, secondPepper)
	h := newTestHasher(t, cfg)
	for _, secret := range []setting.Secret{firstPepper, secondPepper} {
		key, err := authn.DeriveSecret([]byte(secret.Reveal()), "password pepper")
		require.NoError(t, err)
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q", "%d"} {
			for _, value := range []any{h, *h, cfg, &cfg} {
				assertNoKeyBytes(t, fmt.Sprintf(verb, value), secret.Reveal())
				assertNoKeyBytes(t, fmt.Sprintf(verb, value), string(key))
			}
		}
	}
}

// The hashes without a pepper are what another library makes and understands.
func TestHashesAgreeWithAPeer(t *testing.T) {
	t.Parallel()
	h := newTestHasher(t, cheap)
	theirs, err := argon2id.CreateHash(ownPassword, &argon2id.Params{Memory: 64, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32})
	require.NoError(t, err)
	requireMatch(t, h, theirs, true)
	assert.False(t, h.Stale(theirs))
	ours, err := h.Hash(t.Context(), ownPassword)
	require.NoError(t, err)
	match, err := argon2id.ComparePasswordAndHash(ownPassword, ours)
	require.NoError(t, err)
	assert.True(t, match)
}
