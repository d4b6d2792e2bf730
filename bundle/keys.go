package bundle

import (
	"context"
	"fmt"

	"go.uber.org/fx"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
)

// newKeyManager returns nil when keys are not managed. Its hooks come after
// those of the store, which migrates, and before those of all that signs.
func (s Settings) newKeyManager(lc fx.Lifecycle, p ports, view *authn.Revocations, bus *audit.Bus, l logger) (*authn.KeyManager, error) {
	if !s.Tokens.Managed.Enabled {
		return nil, nil
	}
	manager, err := authn.NewKeyManager(s.Tokens, authn.KeyManagerDeps{
		Store: p.signingKeys, Secret: s.SecretKey, Previous: s.PreviousSecretKeys,
		Revoker: view, Events: bus, Log: l.named(), Now: s.Now, Rand: s.Rand,
	})
	if err != nil {
		return nil, s.loud(err)
	}
	view.OnRevokedKey(manager.DropKey)
	lc.Append(fx.StartHook(func(ctx context.Context) error {
		if err := manager.Start(ctx); err != nil {
			return s.loud(fmt.Errorf("authmodule: managed signing keys (auth.jwt.managed, LEX_AUTH__SECRET_KEY): %w", err))
		}
		return nil
	}))
	background(lc, manager.Run)
	return manager, nil
}
