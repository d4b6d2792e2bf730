package authn_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/store/memstore"
)

// newKeys returns the service over a store with that many keys, and one of them.
func newKeys(b *testing.B, n int) (*authn.APIKeys, setting.Secret) {
	b.Helper()
	store, now := memstore.New(), time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	roles, err := authz.New(authz.Config{}, authz.Deps{Rules: store, Assignments: store})
	require.NoError(b, err)
	keys, err := authn.NewAPIKeys(authn.APIKeyConfig{}, authn.APIKeyDeps{
		Store: store, Users: store, Roles: roles, Scopes: roles, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return now },
	})
	require.NoError(b, err)
	var one setting.Secret
	for i := range n {
		owner := authn.Subject{ID: fmt.Sprint("user", i)}
		require.NoError(b, store.CreateUser(b.Context(), authn.User{Subject: owner, Email: owner.ID + "@example.com", Version: 1}))
		_, text, err := keys.Create(b.Context(), authn.Principal{Kind: authn.KindUser, Subject: owner}, authn.APIKeyRequest{Name: "ci"})
		require.NoError(b, err)
		if i == n/2 {
			one = text
		}
	}
	_, err = keys.Authenticate(b.Context(), one, authn.Client{})
	require.NoError(b, err)
	return keys, one
}

// Item 41 of the original: each key in the system was hashed in turn, so one more key cost 221 ms more. P16, KEY-06: the cost is flat.
func BenchmarkAPIKey(b *testing.B) {
	for _, n := range []int{10, 100_000} {
		b.Run(fmt.Sprintf("%d keys", n), func(b *testing.B) {
			keys, text := newKeys(b, n)
			slip := text[:len(text)-2] + "aa"
			b.Run("good", func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := keys.Authenticate(context.Background(), text, authn.Client{}); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.Run("bogus", func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := keys.Authenticate(context.Background(), slip, authn.Client{}); err == nil {
						b.Fatal("accepted")
					}
				}
			})
		})
	}
	b.Run("one SHA-256", func(b *testing.B) {
		secret := make([]byte, 36)
		for b.Loop() {
			secret[0] = sha256.Sum256(secret)[0]
		}
	})
}
