package strength_test

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authn/strength"
	"github.com/authmodule/authmodule/setting"
)

func TestOf(t *testing.T) {
	t.Parallel()
	for have, expected := range map[setting.Secret]int{
		"p4$$w0rd": 0, // three signs in the place of letters
		setting.Secret(strings.Repeat("4@8({[<3690!|17$5+%2", 3)): 4, // so many that they are not tried: it took seconds
		"": 0, "password": 0, "Password1!": 0, "qwertyuiop": 0, "aaaaaaaaaaaaaaaaaaaa": 0, "correct horse battery staple": 4, "lkjhGUIBKNM879hgvjbk,": 4,
	} {
		assert.Equal(t, expected, strength.Of(have).Score, have.Reveal())
	}
	strong := strength.Of("augustaadalovelace")
	known := strength.Of("augustaadalovelace", "augustaadalovelace")
	assert.Less(t, known.Bits, strong.Bits, "words of the account count")
	assert.Zero(t, known.Score)
}

// The time of an estimate is bounded by what is looked at.
func TestOfLooksAtTheBeginning(t *testing.T) {
	t.Parallel()
	for _, letter := range []string{"x7!Q", "ж😀é密", "e\u0301"} {
		long := strings.Repeat(letter, 10_000)
		beginning := string([]rune(strings.Repeat(letter, strength.Longest))[:strength.Longest])
		if letter == "e\u0301" {
			beginning = strings.Repeat("é", strength.Longest)
		}
		assert.Equal(t, strength.Of(setting.Secret(beginning)), strength.Of(setting.Secret(long)))
	}
	words := append(make([]string, strength.MostWords), "augustaadalovelace")
	assert.Equal(t, strength.Of("augustaadalovelace"), strength.Of("augustaadalovelace", words...), "the twenty-first word is not looked at")
}

func TestAtLeast(t *testing.T) {
	t.Parallel()
	policy, err := authn.NewPasswordPolicy(authn.PasswordConfig{}, strength.AtLeast(3))
	require.NoError(t, err)
	require.NoError(t, policy.Check(t.Context(), authn.NewPassword{Password: "correct horse battery staple"}))
	var field *authn.FieldError
	for _, have := range []setting.Secret{"passwordpassword1!", "ada.lovelace@example.comm"} {
		err = policy.Check(t.Context(), authn.NewPassword{Password: have, Email: "ada.lovelace@example.com"})
		require.ErrorAs(t, err, &field, have.Reveal())
		assert.Equal(t, "weak", field.Code)
	}
}

// Whatever is typed, there is an estimate.
func FuzzOf(f *testing.F) {
	for _, seed := range []string{"", "password", "\xff", "01.01.1970", "p4ssw0rd", "qwertyuiop", strings.Repeat("é", 100), "\x00", "aaaa", "abcdefgh", "19701231"} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, password, word string) {
		estimate := strength.Of(setting.Secret(password), word)
		require.GreaterOrEqual(t, estimate.Score, 0)
		require.LessOrEqual(t, estimate.Score, 4)
		require.False(t, math.IsNaN(estimate.Bits))
	})
}
