package storetest

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
)

// PasswordStore tests a driver of [authn.PasswordStore]. The function open
// returns an empty store each time it is called.
func PasswordStore(t *testing.T, open func(t *testing.T) authn.PasswordStore) {
	t.Helper()
	runCases(t, open, append([]testCase[authn.PasswordStore]{
		{"set, replace and delete", passwordLife},
		{"absent", passwordAbsent},
		{"tenants are apart (V8.4.1)", passwordTenants},
		{"odd and long values", passwordOddValues},
		{"replace", passwordReplace},
		{"cancelled context", passwordCancelled},
	}, raceCases("one of many replaces a hash", passwordReplaceRace)...))
}

const phc = "$argon2id$v=19$m=47104,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g"

func requireHash(t *testing.T, ctx context.Context, s authn.PasswordStore, sub authn.Subject, expected string) {
	t.Helper()
	got, err := s.PasswordHash(ctx, sub)
	require.NoError(t, err)
	require.Equal(t, expected, got)
}

func passwordLife(t *testing.T, ctx context.Context, s authn.PasswordStore) {
	sub, other := subject("", "u1"), subject("", "u2")
	require.NoError(t, s.SetPasswordHash(ctx, sub, phc))
	require.NoError(t, s.SetPasswordHash(ctx, other, phc+"other"))
	requireHash(t, ctx, s, sub, phc)
	require.NoError(t, s.SetPasswordHash(ctx, sub, phc+"2"))
	requireHash(t, ctx, s, sub, phc+"2")
	require.NoError(t, s.DeletePasswordHash(ctx, sub))
	_, err := s.PasswordHash(ctx, sub)
	assert.ErrorIs(t, err, authn.ErrNotFound)
	requireHash(t, ctx, s, other, phc+"other")
	require.NoError(t, s.SetPasswordHash(ctx, sub, phc))
	requireHash(t, ctx, s, sub, phc)
}

func passwordAbsent(t *testing.T, ctx context.Context, s authn.PasswordStore) {
	hash, err := s.PasswordHash(ctx, subject("", "u1"))
	assert.ErrorIs(t, err, authn.ErrNotFound)
	assert.Empty(t, hash)
	assert.NoError(t, s.DeletePasswordHash(ctx, subject("", "u1")))
}

func passwordTenants(t *testing.T, ctx context.Context, s authn.PasswordStore) {
	a, b := subject("a", "u1"), subject("b", "u1")
	require.NoError(t, s.SetPasswordHash(ctx, a, phc))
	_, err := s.PasswordHash(ctx, b)
	assert.ErrorIs(t, err, authn.ErrNotFound)
	require.NoError(t, s.DeletePasswordHash(ctx, b))
	require.NoError(t, s.SetPasswordHash(ctx, b, phc+"b"))
	requireHash(t, ctx, s, a, phc)
	requireHash(t, ctx, s, b, phc+"b")
}

func passwordOddValues(t *testing.T, ctx context.Context, s authn.PasswordStore) {
	odd := oddTexts()
	for _, v := range odd {
		require.NoError(t, s.SetPasswordHash(ctx, subject("", v), "id "+v))
		require.NoError(t, s.SetPasswordHash(ctx, subject(v, "u"), "tenant "+v))
	}
	for _, v := range odd {
		requireHash(t, ctx, s, subject("", v), "id "+v)
		requireHash(t, ctx, s, subject(v, "u"), "tenant "+v)
	}
}

func passwordCancelled(t *testing.T, ctx context.Context, s authn.PasswordStore) {
	sub := subject("", "u1")
	require.NoError(t, s.SetPasswordHash(ctx, sub, phc))
	snapshot := func() any {
		hash, err := s.PasswordHash(ctx, sub)
		require.NoError(t, err)
		return hash
	}
	requireRefusesCancelled(t, snapshot, []call{
		{"PasswordHash", func(ctx context.Context) error { return errOf(s.PasswordHash(ctx, sub)) }},
		{"SetPasswordHash", func(ctx context.Context) error { return s.SetPasswordHash(ctx, sub, "other") }},
		{"ReplacePasswordHash", func(ctx context.Context) error { return s.ReplacePasswordHash(ctx, sub, phc, "other") }},
		{"DeletePasswordHash", func(ctx context.Context) error { return s.DeletePasswordHash(ctx, sub) }},
	})
}

func passwordReplace(t *testing.T, ctx context.Context, s authn.PasswordStore) {
	sub, other := subject("a", "u1"), subject("b", "u1")
	assert.ErrorIs(t, s.ReplacePasswordHash(ctx, sub, phc, "new"), authn.ErrConflict, "there is none")
	assert.ErrorIs(t, s.ReplacePasswordHash(ctx, sub, "", "new"), authn.ErrConflict, "none is not an empty one")
	_, err := s.PasswordHash(ctx, sub)
	require.ErrorIs(t, err, authn.ErrNotFound)
	require.NoError(t, s.SetPasswordHash(ctx, sub, phc))
	require.NoError(t, s.SetPasswordHash(ctx, other, phc))
	for _, old := range []string{"", "other", phc + " ", phc[:len(phc)-1], "$ARGON2ID" + phc[len("$argon2id"):], "%"} {
		assert.ErrorIs(t, s.ReplacePasswordHash(ctx, sub, old, "new"), authn.ErrConflict, old)
	}
	requireHash(t, ctx, s, sub, phc)
	require.NoError(t, s.ReplacePasswordHash(ctx, sub, phc, "new"))
	requireHash(t, ctx, s, sub, "new")
	requireHash(t, ctx, s, other, phc)
	assert.ErrorIs(t, s.ReplacePasswordHash(ctx, sub, phc, "newer"), authn.ErrConflict, "the old one is gone")
}

func passwordReplaceRace(t *testing.T, ctx context.Context, s authn.PasswordStore, n int) {
	sub := subject("", "u1")
	require.NoError(t, s.SetPasswordHash(ctx, sub, phc))
	results := race(n, func(i int) error { return s.ReplacePasswordHash(ctx, sub, phc, fmt.Sprint("hash ", i)) })
	winner := -1
	for i, err := range results {
		if err == nil {
			require.Negative(t, winner, "one wins")
			winner = i
			continue
		}
		require.ErrorIs(t, err, authn.ErrConflict)
	}
	require.GreaterOrEqual(t, winner, 0, "none won")
	requireHash(t, ctx, s, sub, fmt.Sprint("hash ", winner))
}
