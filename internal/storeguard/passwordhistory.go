package storeguard

import (
	"context"

	"github.com/authmodule/authmodule/authn"
)

type passwordHistory struct {
	g *Guard
	s authn.PasswordHistoryStore
}

var _ authn.PasswordHistoryStore = passwordHistory{}

// PasswordHistory guards hashes of passwords that accounts had before.
func (g *Guard) PasswordHistory(s authn.PasswordHistoryStore) authn.PasswordHistoryStore {
	return passwordHistory{g, s}
}

// PushPasswordHash implements [authn.PasswordHistoryStore].
func (p passwordHistory) PushPasswordHash(ctx context.Context, s authn.Subject, hash string, keep int) error {
	return do(ctx, p.g, "PushPasswordHash", func(ctx context.Context) error { return p.s.PushPasswordHash(ctx, s, hash, keep) })
}

// PasswordHistory implements [authn.PasswordHistoryStore].
func (p passwordHistory) PasswordHistory(ctx context.Context, s authn.Subject) ([]string, error) {
	return read(ctx, p.g, "PasswordHistory", func(ctx context.Context) ([]string, error) { return p.s.PasswordHistory(ctx, s) })
}

// DeletePasswordHistory implements [authn.PasswordHistoryStore].
func (p passwordHistory) DeletePasswordHistory(ctx context.Context, s authn.Subject) error {
	return do(ctx, p.g, "DeletePasswordHistory", func(ctx context.Context) error { return p.s.DeletePasswordHistory(ctx, s) })
}
