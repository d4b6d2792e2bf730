package storeguard

import (
	"context"

	"github.com/authmodule/authmodule/authn"
)

type signingKeys struct {
	g *Guard
	s authn.KeyStore
}

var _ authn.KeyStore = signingKeys{}

// SigningKeys guards managed signing keys.
func (g *Guard) SigningKeys(s authn.KeyStore) authn.KeyStore { return signingKeys{g, s} }

// SigningKeys implements [authn.KeyStore].
func (p signingKeys) SigningKeys(ctx context.Context) (authn.StoredKeys, error) {
	return read(ctx, p.g, "SigningKeys", p.s.SigningKeys)
}

// ReplaceSigningKeys implements [authn.KeyStore].
func (p signingKeys) ReplaceSigningKeys(ctx context.Context, version int64, next []authn.KeyRecord) error {
	return do(ctx, p.g, "ReplaceSigningKeys", func(ctx context.Context) error { return p.s.ReplaceSigningKeys(ctx, version, next) })
}
