package storeguard

import (
	"context"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
)

type rules struct {
	g *Guard
	s authz.RuleStore
}

var _ authz.RuleStore = rules{}

// Rules guards the roles and policies that are defined at run time.
func (g *Guard) Rules(s authz.RuleStore) authz.RuleStore { return rules{g, s} }

// Rules implements [authz.RuleStore].
func (p rules) Rules(ctx context.Context, t authn.Tenant) (authz.Rules, error) {
	return read(ctx, p.g, "Rules", func(ctx context.Context) (authz.Rules, error) { return p.s.Rules(ctx, t) })
}

// ChangeRules implements [authz.RuleStore].
func (p rules) ChangeRules(ctx context.Context, t authn.Tenant, version int64, c authz.RuleChange) error {
	return do(ctx, p.g, "ChangeRules", func(ctx context.Context) error { return p.s.ChangeRules(ctx, t, version, c) })
}
