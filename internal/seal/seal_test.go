package seal_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/internal/seal"
)

func key(fill byte) []byte { return bytes.Repeat([]byte{fill}, seal.KeySize) }

func box(t testing.TB, purpose string, keys ...byte) *seal.Box {
	t.Helper()
	var previous [][]byte
	for _, fill := range keys[1:] {
		previous = append(previous, key(fill))
	}
	b, err := seal.New(purpose, key(keys[0]), previous...)
	require.NoError(t, err)
	return b
}

func sealed(t testing.TB, b *seal.Box, value string, context ...string) []byte {
	t.Helper()
	out, err := b.Seal(rand.Reader, []byte(value), context...)
	require.NoError(t, err)
	return out
}

func TestSealRoundTrip(t *testing.T) {
	t.Parallel()
	b := box(t, "p", 1)
	for _, value := range []string{"", "x", "a private key", strings.Repeat("v", seal.Largest)} {
		have := sealed(t, b, value, "kid", "ES256")
		assert.Len(t, have, len(value)+seal.Overhead)
		if len(value) > 8 {
			assert.NotContains(t, string(have), value)
		}
		got, current, err := b.Open(have, "kid", "ES256")
		require.NoError(t, err)
		assert.True(t, current)
		assert.Equal(t, value, string(got))
	}
	assert.NotEqual(t, sealed(t, b, "x"), sealed(t, b, "x"), "the nonce is new each time")
}

// V11.3: nothing that was changed, cut, lengthened or moved opens.
func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	b := box(t, "p", 1)
	good := sealed(t, b, "value", "kid", "ES256")
	for i := range good {
		for _, mask := range []byte{1, 0x80, 0xff} {
			bad := bytes.Clone(good)
			bad[i] ^= mask
			got, _, err := b.Open(bad, "kid", "ES256")
			require.Error(t, err, "byte %d", i)
			require.Nil(t, got)
		}
		_, _, err := b.Open(good[:i], "kid", "ES256")
		require.ErrorIs(t, err, seal.ErrDamaged, "cut at %d", i)
	}
	for name, open := range map[string]func() error{
		"longer":            func() error { _, _, err := b.Open(append(bytes.Clone(good), 0), "kid", "ES256"); return err },
		"far too long":      func() error { _, _, err := b.Open(make([]byte, 1<<20), "kid", "ES256"); return err },
		"another kid":       func() error { _, _, err := b.Open(good, "kie", "ES256"); return err },
		"another algorithm": func() error { _, _, err := b.Open(good, "kid", "ES384"); return err },
		"swapped":           func() error { _, _, err := b.Open(good, "ES256", "kid"); return err },
		"shifted":           func() error { _, _, err := b.Open(good, "kidE", "S256"); return err },
		"less context":      func() error { _, _, err := b.Open(good, "kid"); return err },
		"more context":      func() error { _, _, err := b.Open(good, "kid", "ES256", ""); return err },
		"another purpose":   func() error { _, _, err := box(t, "q", 1).Open(good, "kid", "ES256"); return err },
	} {
		assert.ErrorIs(t, open(), seal.ErrDamaged, name)
	}
	_, _, err := box(t, "p", 2).Open(good, "kid", "ES256")
	assert.ErrorIs(t, err, seal.ErrUnknownKey)
}

func TestOlderKeysOpenAndTheFirstSeals(t *testing.T) {
	t.Parallel()
	old := sealed(t, box(t, "p", 1), "value", "c")
	both := box(t, "p", 2, 1)
	got, current, err := both.Open(old, "c")
	require.NoError(t, err)
	assert.Equal(t, "value", string(got))
	assert.False(t, current)
	_, current, err = box(t, "p", 2).Open(sealed(t, both, "value", "c"), "c")
	require.NoError(t, err)
	assert.True(t, current)
}

func TestNewAndSealRefuse(t *testing.T) {
	t.Parallel()
	for _, bad := range [][]byte{nil, {1}, make([]byte, 31), make([]byte, 33)} {
		_, err := seal.New("p", bad)
		assert.Error(t, err)
		_, err = seal.New("p", key(1), bad)
		assert.Error(t, err)
	}
	b := box(t, "p", 1)
	_, err := b.Seal(rand.Reader, make([]byte, seal.Largest+1))
	assert.Error(t, err)
	_, err = b.Seal(strings.NewReader("too short"), []byte("x"))
	assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

func TestBoxPrintsNoKey(t *testing.T) {
	t.Parallel()
	secret := []byte("cAnArY77cAnArY77cAnArY77cAnArY77")
	b, err := seal.New("p", secret)
	require.NoError(t, err)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		printed := fmt.Sprintf(verb, b) + fmt.Sprintf(verb, *b)
		for _, form := range []string{"cAnArY77", hex.EncodeToString(secret[:8]), base64.StdEncoding.EncodeToString(secret)[:8], "99 65 110 65"} {
			assert.NotContains(t, printed, form, verb)
		}
	}
}

// reopen opens a value of a box of one key by the format's description alone.
func reopen(raw, data []byte, purpose string, context ...string) ([]byte, error) {
	block, err := aes.NewCipher(raw)
	if err != nil {
		return nil, err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	bound := bytes.Clone(data[:9])
	for _, part := range append([]string{purpose}, context...) {
		bound = append(binary.BigEndian.AppendUint64(bound, uint64(len(part))), part...)
	}
	return gcm.Open(nil, data[9:21], data[21:], bound)
}

// Whatever opens is what a reader of the format's description opens too, and is the
// one spelling of its value; a change of any byte of a good value is refused. Nothing panics.
func FuzzOpen(f *testing.F) {
	b := box(f, "p", 1)
	f.Add([]byte{}, "kid", 0, byte(1))
	f.Add(sealed(f, b, "value", "kid"), "kid", 3, byte(1))
	f.Add(sealed(f, b, "", "kid"), "kid", 40, byte(0x80))
	f.Add(sealed(f, box(f, "p", 2), "value", "kid"), "kid", 9, byte(0xff))
	f.Add(sealed(f, b, "value", "other"), "kid", 21, byte(7))
	f.Fuzz(func(t *testing.T, data []byte, context string, at int, mask byte) {
		value, current, err := b.Open(data, context)
		if err == nil {
			again, err := reopen(key(1), data, "p", context)
			require.NoError(t, err)
			require.Equal(t, again, value)
			require.True(t, current)
			require.Equal(t, byte(1), data[0])
		} else {
			require.Nil(t, value)
		}
		if mask == 0 || at < 0 {
			return
		}
		good := sealed(t, b, "value", context)
		good[at%len(good)] ^= mask
		_, _, err = b.Open(good, context)
		require.Error(t, err)
	})
}
