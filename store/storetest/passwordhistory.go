package storetest

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
)

// PasswordHistoryStore tests a driver of [authn.PasswordHistoryStore]. The function open returns an empty store each time it is called.
func PasswordHistoryStore(t *testing.T, open func(t *testing.T) authn.PasswordHistoryStore) {
	t.Helper()
	runCases(t, open, append([]testCase[authn.PasswordHistoryStore]{
		{"push, list and delete", historyLife},
		{"no more than are kept", historyKeep},
		{"a hash is kept once", historyTwice},
		{"tenants are apart (V8.4.1)", historyTenants},
		{"odd and long values", historyOddValues},
		{"a cancelled context changes nothing", historyCancelled},
	}, raceCases("pushing keeps to the number", historyRace)...))
}

func requireHistory(t *testing.T, ctx context.Context, s authn.PasswordHistoryStore, sub authn.Subject, expected ...string) {
	t.Helper()
	got, err := s.PasswordHistory(ctx, sub)
	require.NoError(t, err)
	require.Equal(t, full(expected), full(got))
}

func push(t *testing.T, ctx context.Context, s authn.PasswordHistoryStore, sub authn.Subject, hash string, keep int) {
	t.Helper()
	require.NoError(t, s.PushPasswordHash(ctx, sub, hash, keep))
}

func historyLife(t *testing.T, ctx context.Context, s authn.PasswordHistoryStore) {
	sub, other := subject("", "u1"), subject("", "u2")
	requireHistory(t, ctx, s, sub)
	require.NoError(t, s.DeletePasswordHistory(ctx, sub), "there is none")
	for _, hash := range []string{"b", "c", phc, "a"} {
		push(t, ctx, s, sub, hash, 9)
	}
	push(t, ctx, s, other, phc, 9)
	requireHistory(t, ctx, s, sub, "a", phc, "c", "b")
	require.NoError(t, s.DeletePasswordHistory(ctx, sub))
	requireHistory(t, ctx, s, sub)
	requireHistory(t, ctx, s, other, phc)
}

func historyKeep(t *testing.T, ctx context.Context, s authn.PasswordHistoryStore) {
	sub := subject("", "u1")
	for i := range 6 {
		push(t, ctx, s, sub, fmt.Sprint(i), 3)
	}
	requireHistory(t, ctx, s, sub, "5", "4", "3")
	push(t, ctx, s, sub, "6", 2)
	requireHistory(t, ctx, s, sub, "6", "5")
	for i, keep := range []int{0, -1, 1} {
		push(t, ctx, s, sub, fmt.Sprint("one ", i), keep)
		requireHistory(t, ctx, s, sub, fmt.Sprint("one ", i))
	}
}

func historyTwice(t *testing.T, ctx context.Context, s authn.PasswordHistoryStore) {
	sub := subject("", "u1")
	for _, hash := range []string{"a", "b", "b", "c", "a"} {
		push(t, ctx, s, sub, hash, 3)
	}
	requireHistory(t, ctx, s, sub, "a", "c", "b")
}

func historyTenants(t *testing.T, ctx context.Context, s authn.PasswordHistoryStore) {
	a, b := subject("a", "u1"), subject("b", "u1")
	push(t, ctx, s, a, "a", 1)
	push(t, ctx, s, b, "b", 1)
	requireHistory(t, ctx, s, a, "a")
	require.NoError(t, s.DeletePasswordHistory(ctx, a))
	requireHistory(t, ctx, s, b, "b")
}

func historyOddValues(t *testing.T, ctx context.Context, s authn.PasswordHistoryStore) {
	odd := oddTexts()
	for _, v := range odd {
		push(t, ctx, s, subject("", v), "id "+v, 1)
		push(t, ctx, s, subject(v, "u"), "tenant "+v, 1)
	}
	for _, v := range odd {
		requireHistory(t, ctx, s, subject("", v), "id "+v)
		requireHistory(t, ctx, s, subject(v, "u"), "tenant "+v)
	}
}

func historyCancelled(t *testing.T, ctx context.Context, s authn.PasswordHistoryStore) {
	sub := subject("", "u1")
	push(t, ctx, s, sub, phc, 1)
	snapshot := func() any {
		list, err := s.PasswordHistory(ctx, sub)
		require.NoError(t, err)
		return list
	}
	requireRefusesCancelled(t, snapshot, []call{
		{"PushPasswordHash", func(ctx context.Context) error { return s.PushPasswordHash(ctx, sub, "other", 1) }},
		{"PasswordHistory", func(ctx context.Context) error { return errOf(s.PasswordHistory(ctx, sub)) }},
		{"DeletePasswordHistory", func(ctx context.Context) error { return s.DeletePasswordHistory(ctx, sub) }},
	})
}

func historyRace(t *testing.T, ctx context.Context, s authn.PasswordHistoryStore, n int) {
	sub := subject("", "u1")
	for _, err := range race(n, func(i int) error { return s.PushPasswordHash(ctx, sub, fmt.Sprint(i%50), 5) }) {
		require.NoError(t, err)
	}
	list, err := s.PasswordHistory(ctx, sub)
	require.NoError(t, err)
	assert.LessOrEqual(t, len(list), 5)
	assert.NotEmpty(t, list)
}
