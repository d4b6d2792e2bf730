package tokentest_test

import (
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/internal/tokentest"
)

func TestSignedTokensVerify(t *testing.T) {
	t.Parallel()
	signers, err := tokentest.Signers()
	require.NoError(t, err)
	require.Len(t, signers, 10)
	for algorithm, signer := range signers {
		header := tokentest.Object([][2]string{{"alg", tokentest.Quote(algorithm)}}, nil)
		token, err := tokentest.Sign(algorithm, signer, tokentest.Unsigned(header, `{"sub":"x"}`))
		require.NoError(t, err)
		_, err = jwt.Parse(token, func(*jwt.Token) (any, error) { return signer.Public(), nil })
		require.NoError(t, err, algorithm)
	}
	_, err = tokentest.Sign("none of these", nil, "")
	require.ErrorContains(t, err, "none of these")
	_, err = tokentest.Sign("ES256", signers["EdDSA"], "")
	require.Error(t, err)
}

func TestObject(t *testing.T) {
	t.Parallel()
	members := [][2]string{{"a", "1"}, {"b", `"x"`}}
	for _, tc := range []struct {
		edits    map[string]string
		expected string
	}{
		{nil, `{"a":1,"b":"x"}`},
		{map[string]string{"a": "", "b": "null"}, `{"b":null}`},
		{map[string]string{"d": "[]", "c": "\xff"}, "{\"a\":1,\"b\":\"x\",\"c\":\xff,\"d\":[]}"},
		{map[string]string{`\u0061`: "2"}, `{"a":1,"b":"x","\u0061":2}`},
	} {
		assert.Equal(t, tc.expected, tokentest.Object(members, tc.edits))
	}
	assert.Equal(t, [][2]string{{"a", "1"}, {"b", `"x"`}}, members)
}
