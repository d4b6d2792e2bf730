package bundle

import (
	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
)

// newAPIKeys returns nil when API keys are switched off.
func (s Settings) newAPIKeys(p ports, roles *authz.Service, view *authn.Revocations, throttle *authn.Throttle, bus *audit.Bus, l logger) (*authn.APIKeys, error) {
	if !s.APIKeys.Enabled.Enabled() {
		return nil, nil
	}
	keys, err := authn.NewAPIKeys(s.APIKeys, authn.APIKeyDeps{
		Store: p.apiKeys, Users: p.users, Roles: roles, Scopes: roles, Binding: s.Binding,
		Revocations: view, Remembered: int(s.Tokens.Remembered), Throttle: throttle, Events: bus, Log: l.named(), Now: s.Now, Rand: s.Rand,
	})
	return keys, s.loud(err)
}
