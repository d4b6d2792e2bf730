package authn_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/alexedwards/argon2id"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/setting"
)

// cheap is a cost for tests that are not about it.
var cheap = authn.PasswordConfig{MemoryKiB: 64, Iterations: 1, Parallelism: 1, Workers: 2, Queue: 64}

func newTestHasher(t testing.TB, cfg authn.PasswordConfig) *authn.Hasher {
	t.Helper()
	h, err := authn.NewHasher(cfg)
	require.NoError(t, err)
	return h
}

// Item 38: the hash showed another cost than the configured one. The decoy costs the same.
func TestItem38HashHasTheConfiguredCost(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		have     authn.PasswordConfig
		expected string
	}{
		{authn.PasswordConfig{}, "m=19456,t=2,p=1"},
		{authn.PasswordConfig{MemoryKiB: 19456, Iterations: 1, Parallelism: 1}, "m=19456,t=1,p=1"},
		{authn.PasswordConfig{MemoryKiB: 64, Iterations: 3}, "m=64,t=3,p=1"},
		{authn.PasswordConfig{MemoryKiB: 1024, Iterations: 1, Parallelism: 4}, "m=1024,t=1,p=4"},
		{authn.PasswordConfig{MemoryKiB: 512, Iterations: 1, Parallelism: 64}, "m=512,t=1,p=64"},
	} {
		t.Run(tc.expected, func(t *testing.T) {
			t.Parallel()
			h := newTestHasher(t, tc.have)
			hash, err := h.Hash(t.Context(), "correct horse battery staple")
			require.NoError(t, err)
			for _, text := range []string{hash, h.DecoyHash()} {
				parts := strings.Split(text, "$")
				require.Len(t, parts, 6)
				assert.Equal(t, []string{"", "argon2id", "v=19", tc.expected}, parts[:4])
				params, salt, key, err := argon2id.DecodeHash(text)
				require.NoError(t, err)
				assert.Len(t, salt, 16, "NIST-05: the salt has at least 32 bits")
				assert.Len(t, key, 32)
				assert.NotZero(t, params)
			}
		})
	}
}

// A number is refused, never narrowed: 2^32+8 KiB would become 8.
func TestNewHasherRefuses(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]authn.PasswordConfig{
		"memory beyond 32 bits":     {MemoryKiB: 1<<32 + 64},
		"memory above 1 GiB":        {MemoryKiB: 1<<20 + 1},
		"negative memory":           {MemoryKiB: -1},
		"memory below 8 for a lane": {MemoryKiB: 15, Parallelism: 2},
		"iterations beyond 32 bits": {Iterations: 1<<32 + 1},
		"too many iterations":       {Iterations: 65},
		"negative iterations":       {Iterations: -1},
		"65 lanes":                  {Parallelism: 65},
		"257 lanes":                 {Parallelism: 257},
		"negative lanes":            {Parallelism: -192},
		"negative workers":          {Workers: -1},
		"workers beyond all":        {Workers: math.MaxInt},
		"negative queue":            {Queue: -65},
		"queue beyond all":          {Queue: math.MaxInt},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, err := authn.NewHasher(cfg)
			require.Error(t, err)
			assert.Nil(t, h)
		})
	}
}

func TestHasherCheck(t *testing.T) {
	t.Parallel()
	h := newTestHasher(t, cheap)
	hash, err := h.Hash(t.Context(), "correct horse battery staple")
	require.NoError(t, err)
	again, err := h.Hash(t.Context(), "correct horse battery staple")
	require.NoError(t, err)
	assert.NotEqual(t, hash, again, "each has its own salt")
	for password, expected := range map[setting.Secret]bool{
		"correct horse battery staple": true, "correct horse battery stapl": false, "": false, "decoy": false,
	} {
		match, err := h.Check(t.Context(), password, hash)
		require.NoError(t, err)
		assert.Equal(t, expected, match, password.Reveal())
	}
	other := newTestHasher(t, authn.PasswordConfig{MemoryKiB: 128, Iterations: 2})
	match, err := other.Check(t.Context(), "correct horse battery staple", hash)
	require.NoError(t, err)
	assert.True(t, match, "the cost stored with the hash counts")
	require.NoError(t, h.Decoy(t.Context(), "decoy"), "nobody learns whether the decoy's password was given")
}

// A stored hash is not trusted with the machine: what asks for too much, or for
// nothing, is refused before it is computed. The pool is full here, so a hash that
// would be computed were [authn.ErrOverloaded].
func TestHasherRefusesStoredHashes(t *testing.T) {
	t.Parallel()
	cfg := cheap
	cfg.Workers, cfg.Queue = 1, 1
	h := newTestHasher(t, cfg)
	good, err := h.Hash(t.Context(), "password")
	require.NoError(t, err)
	defer h.HoldWorker()()
	defer fillQueue(t, h, 1)()
	_, err = h.Check(t.Context(), "password", good)
	require.ErrorIs(t, err, authn.ErrOverloaded)

	const salt, key = "c2FsdHNhbHRzYWx0c2FsdA", "a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2U"
	hash := func(params string) string { return "$argon2id$v=19$" + params + "$" + salt + "$" + key }
	for name, stored := range map[string]string{
		"4 TiB of memory":         hash("m=4294967295,t=1,p=1"),
		"more than 32 bits":       hash("m=4294967360,t=1,p=1"),
		"more than 256 MiB":       hash("m=262145,t=1,p=1"),
		"more than 4 GiB of work": hash("m=262144,t=17,p=1"),
		"no memory":               hash("m=0,t=1,p=1"),
		"memory for no lane":      hash("m=7,t=1,p=1"),
		"negative memory":         hash("m=-64,t=1,p=1"),
		"no iterations":           hash("m=64,t=0,p=1"),
		"endless iterations":      hash("m=64,t=4294967295,p=1"),
		"65 iterations":           hash("m=64,t=65,p=1"),
		"no lanes":                hash("m=64,t=1,p=0"),
		"65 lanes":                hash("m=1024,t=1,p=65"),
		"256 lanes":               hash("m=4096,t=1,p=256"),
		"other order":             hash("t=1,m=64,p=1"),
		"no parameters":           hash(""),
		"other version":           strings.Replace(good, "v=19", "v=16", 1),
		"argon2d":                 strings.Replace(good, "argon2id", "argon2d", 1),
		"MD5 crypt":               "$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/",
		"hexadecimal":             strings.Repeat("0123456789abcdef", 4),
		"the password":            "password",
		"nothing":                 "",
		"dollars":                 "$$$$$",
		"short key":               "$argon2id$v=19$m=64,t=1,p=1$" + salt + "$a2V5",
		"no key":                  "$argon2id$v=19$m=64,t=1,p=1$" + salt + "$",
		"long key":                "$argon2id$v=19$m=64,t=1,p=1$" + salt + "$" + strings.Repeat("a2V5", 43),
		"very long key":           "$argon2id$v=19$m=64,t=1,p=1$" + salt + "$" + strings.Repeat("a2V5", 1<<20),
		"short salt":              "$argon2id$v=19$m=64,t=1,p=1$c2FsdA$" + key,
		"no salt":                 "$argon2id$v=19$m=64,t=1,p=1$$" + key,
		"padding":                 good + "=",
		"a line break behind":     good + "\n" + good,
		"a seventh part":          good + "$x",
		"not base64":              "$argon2id$v=19$m=64,t=1,p=1$" + salt + "$!!!!!!!!!!!!!!!!!!!!!!!!",
		"spare bits in the key":   good[:len(good)-1] + "9",
	} {
		t.Run(name, func(t *testing.T) {
			match, err := h.Check(t.Context(), "password", stored)
			require.Error(t, err)
			require.NotErrorIs(t, err, authn.ErrOverloaded)
			assert.False(t, match)
		})
	}
}

// V6.2.8: a password counts as it was received. Cut, trimmed, case-folded or mapped to compatible letters it is another one.
func TestV628PasswordsAreTakenExactly(t *testing.T) {
	t.Parallel()
	h := newTestHasher(t, cheap)
	long := strings.Repeat("0123456789", 20)
	variants := []string{
		"correct horse battery", "correct horse battery ", " correct horse battery", "Correct horse battery", "CORRECT HORSE BATTERY", "correct  horse battery",
		"correct horse battery\x00", "correct horse battery\x00x", "\x00correct horse battery", "correct horse battery\n", "correct horse battery\t", "correct",
		"caf\u00e9 caf\u00e9 caf\u00e9", "ｃorrect horse battery", "\ufeffcorrect horse battery", "correct\u00a0horse battery",
		long[:64], long[:71], long[:72], long[:73], long[:127], long[:128], long[:129], long[:199], long, strings.Repeat("x", 4095), strings.Repeat("x", 4096),
	}
	for i, password := range variants {
		hash, err := h.Hash(t.Context(), setting.Secret(password))
		require.NoError(t, err)
		for j, attempt := range variants {
			match, err := h.Check(t.Context(), setting.Secret(attempt), hash)
			require.NoError(t, err)
			assert.Equal(t, i == j, match, "%.40q for %.40q", attempt, password)
		}
	}
}

// NIST-02: letters that Unicode can spell in two ways are the same letters. Nothing else is unified.
func TestNIST02ComposedAndDecomposedLettersAreTheSame(t *testing.T) {
	t.Parallel()
	h := newTestHasher(t, cheap)
	for _, tc := range []struct {
		name, chosen, typed string
		expected            bool
	}{
		{"composed and decomposed", "caf\u00e9", "cafe\u0301", true},
		{"order of marks", "a\u0323\u0307", "a\u0307\u0323", true},
		{"Hangul", "\ud55c", "\u1112\u1161\u11ab", true},
		{"the sign of a unit", "\u212b", "\u00c5", true},
		{"ligature", "\ufb01", "fi", false},
		{"fullwidth", "\uff41", "a", false},
		{"superscript", "x\u00b2", "x2", false},
		{"no-break space", "a\u00a0b", "a b", false},
		{"accent left out", "caf\u00e9", "cafe", false},
		{"not UTF-8", "\xff", "\ufffd", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			for _, pair := range [][2]string{{tc.chosen, tc.typed}, {tc.typed, tc.chosen}} {
				hash, err := h.Hash(t.Context(), setting.Secret(pair[0]))
				require.NoError(t, err)
				match, err := h.Check(t.Context(), setting.Secret(pair[1]), hash)
				require.NoError(t, err)
				assert.Equal(t, tc.expected, match)
			}
		})
	}
}

func TestHasherPrintsNothingOfUse(t *testing.T) {
	t.Parallel()
	h := newTestHasher(t, cheap)
	hash, err := h.Hash(context.Background(), "correct horse battery staple")
	require.NoError(t, err)
	assert.NotContains(t, hash, "horse")
	assert.NotContains(t, fmt.Sprintf("%+v", h), "horse")
}
