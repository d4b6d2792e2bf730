package credential_test

import (
	"bytes"
	"crypto/rand"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/internal/credential"
	"github.com/authmodule/authmodule/setting"
)

func checked(t testing.TB, kind, tenant string) credential.Credential {
	t.Helper()
	id, err := credential.NewID(rand.Reader, tenant, "ada")
	require.NoError(t, err)
	secret, err := credential.NewSecret(rand.Reader)
	require.NoError(t, err)
	return credential.WithChecksum(credential.Credential{Kind: kind, ID: id, Secret: secret})
}

func TestCheckedRoundTrip(t *testing.T) {
	t.Parallel()
	for _, tenant := range []string{"", "acme", strings.Repeat("t", 63)} {
		have := checked(t, "ak", tenant)
		got, err := credential.ParseChecked("ak", have.Encode())
		require.NoError(t, err)
		assert.Equal(t, have, got)
		assert.Equal(t, tenant, got.Tenant())
		assert.GreaterOrEqual(t, len(got.Secret), credential.SecretSize)
	}
}

// A checksum over the whole text finds every slip of one character, and every exchange of two neighbours.
func TestCheckedFindsSlips(t *testing.T) {
	t.Parallel()
	const alphabet = "abcdefghijklmnopqrstuvwxyz234567_."
	text := checked(t, "ak", "acme").Encode().Reveal()
	for i := range text {
		for _, c := range alphabet {
			slip := text[:i] + string(c) + text[i+1:]
			if slip == text {
				continue
			}
			_, err := credential.ParseChecked("ak", setting.Secret(slip))
			require.ErrorIs(t, err, credential.ErrMalformed, slip)
		}
		if i > 0 && text[i-1] != text[i] {
			swapped := text[:i-1] + string(text[i]) + string(text[i-1]) + text[i+1:]
			_, err := credential.ParseChecked("ak", setting.Secret(swapped))
			require.ErrorIs(t, err, credential.ErrMalformed, swapped)
		}
	}
}

func TestCheckedRefuses(t *testing.T) {
	t.Parallel()
	good := checked(t, "ak", "")
	plain, longer, other := good, good, good
	plain.Secret = good.Secret[:credential.SecretSize]
	longer.Secret = append(bytes.Clone(good.Secret), 0)
	other.Kind = "cs"
	for name, have := range map[string]setting.Secret{
		"no checksum": plain.Encode(), "more behind it": longer.Encode(), "another kind": other.Encode(),
		"upper case": setting.Secret(strings.ToUpper(good.Encode().Reveal())), "space before": " " + good.Encode(),
		"line end": good.Encode() + "\n", "empty": "", "kind alone": "ak__", "two": good.Encode() + good.Encode(),
	} {
		got, err := credential.ParseChecked("ak", have)
		assert.ErrorIs(t, err, credential.ErrMalformed, name)
		assert.Zero(t, got, name)
	}
}

func TestWithChecksumLeavesTheSecretAlone(t *testing.T) {
	t.Parallel()
	backing := make([]byte, credential.SecretSize, 2*credential.SecretSize)
	credential.WithChecksum(credential.Credential{Kind: "ak", ID: "i", Secret: backing})
	assert.Equal(t, make([]byte, 2*credential.SecretSize), backing[:cap(backing)])
}

func TestValidKind(t *testing.T) {
	t.Parallel()
	for kind, expected := range map[string]bool{
		"ak": true, "0": true, "acme1": true, strings.Repeat("k", 16): true,
		"": false, strings.Repeat("k", 17): false, "a_k": false, "AK": false, "a-k": false, "ä": false, "a k": false, "a\x00": false,
	} {
		assert.Equal(t, expected, credential.ValidKind(kind), "%q", kind)
	}
}

// Whatever is accepted is what Encode writes, and nothing panics.
func FuzzParseChecked(f *testing.F) {
	for _, tenant := range []string{"", "acme"} {
		f.Add("ak", checked(f, "ak", tenant).Encode().Reveal())
	}
	fixed := credential.Credential{Kind: "ak", ID: strings.Repeat("a", 34), Secret: make([]byte, credential.SecretSize)}
	f.Add("ak", fixed.Encode().Reveal())
	f.Add("ak", credential.WithChecksum(fixed).Encode().Reveal())
	f.Add("", "__")
	f.Add("ak", "ak_._")
	f.Fuzz(func(t *testing.T, kind, text string) {
		c, err := credential.ParseChecked(kind, setting.Secret(text))
		if err != nil {
			require.Zero(t, c)
			return
		}
		require.Equal(t, text, c.Encode().Reveal())
		again := c
		again.Secret = c.Secret[:credential.SecretSize]
		require.Equal(t, c, credential.WithChecksum(again))
	})
}
