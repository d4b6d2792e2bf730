package commonpasswords_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/internal/commonpasswords"
)

// V6.2.4: at least 3,000 passwords of each length that a policy asks by default.
func TestV624ListIsLongEnough(t *testing.T) {
	t.Parallel()
	list, err := commonpasswords.Load()
	require.NoError(t, err)
	all := list.All()
	long := 0
	for _, password := range all {
		require.GreaterOrEqual(t, len(password), commonpasswords.ShortLength)
		require.Equal(t, strings.ToLower(password), password)
		require.True(t, list.Has(password) && list.Has(strings.ToUpper(password)), password)
		if len(password) >= commonpasswords.LongLength {
			long++
		}
	}
	assert.GreaterOrEqual(t, len(all), 3000)
	assert.GreaterOrEqual(t, long, 3000)
	assert.True(t, slices.IsSorted(all))
	for _, expected := range []string{"password", "12345678", "Qwertyuiop", "1qaz2wsx3edc4rfv"} {
		assert.True(t, list.Has(expected), expected)
	}
	for _, other := range []string{"", "password ", " password", "correct horse battery staple", "passwor", "\n", "password\n12345678"} {
		assert.False(t, list.Has(other), other)
	}
}

func TestPickTakesTheMostFrequent(t *testing.T) {
	t.Parallel()
	have := []string{"short", "Password", "password", "pässword", "tab\tinside", strings.Repeat("x", 15)}
	for i := range 10_000 {
		have = append(have, fmt.Sprintf("long password %05d", i))
	}
	picked := commonpasswords.Pick(have)
	assert.Len(t, picked, commonpasswords.Long+1, "what is long is counted for both lengths")
	for _, expected := range []string{"password", "xxxxxxxxxxxxxxx", "long password 00000", "long password 03998"} {
		assert.Contains(t, picked, expected)
	}
	for _, other := range []string{"short", "Password", "pässword", "long password 03999"} {
		assert.NotContains(t, picked, other)
	}
	assert.False(t, commonpasswords.List{}.Has("password"))
}
