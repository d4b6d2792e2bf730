package bundle

import (
	"net/http"

	"go.uber.org/fx"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/internal/slot"
)

// newIssuers returns nil when no other issuer is configured.
func (s Settings) newIssuers(lc fx.Lifecycle, roles *authz.Service, clients slot.Members[*http.Client], l logger) (*authn.Issuers, error) {
	if len(s.Issuers) == 0 {
		return nil, nil
	}
	client, err := slot.Or(clients.List, func() (*http.Client, error) { return nil, nil })
	if err != nil {
		return nil, err
	}
	issuers, err := authn.NewIssuers(s.Issuers, authn.IssuerDeps{
		Roles: roles, Own: s.Tokens.Issuer, Client: client, Log: l.named(), Now: s.Now,
	})
	if err != nil {
		return nil, s.loud(err)
	}
	lc.Append(fx.StopHook(issuers.Close))
	return issuers, nil
}
