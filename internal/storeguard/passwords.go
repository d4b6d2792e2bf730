package storeguard

import (
	"context"

	"github.com/authmodule/authmodule/authn"
)

type passwords struct {
	g *Guard
	s authn.PasswordStore
}

var _ authn.PasswordStore = passwords{}

// Passwords guards password hashes.
func (g *Guard) Passwords(s authn.PasswordStore) authn.PasswordStore { return passwords{g, s} }

// PasswordHash implements [authn.PasswordStore].
func (p passwords) PasswordHash(ctx context.Context, s authn.Subject) (string, error) {
	return read(ctx, p.g, "PasswordHash", func(ctx context.Context) (string, error) { return p.s.PasswordHash(ctx, s) })
}

// SetPasswordHash implements [authn.PasswordStore].
func (p passwords) SetPasswordHash(ctx context.Context, s authn.Subject, hash string) error {
	return do(ctx, p.g, "SetPasswordHash", func(ctx context.Context) error { return p.s.SetPasswordHash(ctx, s, hash) })
}

// ReplacePasswordHash implements [authn.PasswordStore].
func (p passwords) ReplacePasswordHash(ctx context.Context, s authn.Subject, old, hash string) error {
	return do(ctx, p.g, "ReplacePasswordHash", func(ctx context.Context) error { return p.s.ReplacePasswordHash(ctx, s, old, hash) })
}

// DeletePasswordHash implements [authn.PasswordStore].
func (p passwords) DeletePasswordHash(ctx context.Context, s authn.Subject) error {
	return do(ctx, p.g, "DeletePasswordHash", func(ctx context.Context) error { return p.s.DeletePasswordHash(ctx, s) })
}
