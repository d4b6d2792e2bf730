package bundle

import (
	"context"

	"go.uber.org/fx"

	"github.com/authmodule/authmodule/authn"
)

func (s Settings) newRevocations(p ports, l logger) (*authn.Revocations, error) {
	view, err := authn.NewRevocations(s.Revocation, authn.RevocationDeps{
		Store: p.revocations, SessionLifetime: s.Sessions.Lifetime(), Log: l.named(), Now: s.Now,
	})
	return view, s.loud(err)
}

// followRevocations keeps the node's view up to date until the application stops.
func followRevocations(lc fx.Lifecycle, view *authn.Revocations) {
	background(lc, func(ctx context.Context) { _ = view.Run(ctx) }, view.Close)
}
