package bundle

import (
	"slices"
	"strings"

	"go.uber.org/fx"

	"github.com/authmodule/authmodule/account"
	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/health"
	"github.com/authmodule/authmodule/internal/slot"
	"github.com/authmodule/authmodule/mfa"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/transport"
)

type gateIn struct {
	fx.In
	Users          *authn.Service
	Tokens         *authn.TokenManager
	Sessions       *session.Manager
	Roles          *authz.Service
	APIKeys        *authn.APIKeys
	MFA            *mfa.Service
	Throttle       *authn.Throttle
	Accounts       *account.Service
	SigningKeys    *authn.KeyManager
	Issuers        *authn.Issuers
	Setup          *authn.AdminSetup
	Health         *health.Service
	Journal        *audit.Journal
	Authenticators slot.Members[transport.Authenticator]
	Logger         logger
}

func (s Settings) newGate(in gateIn) (*transport.Gate, error) {
	extra := slot.Values(in.Authenticators.List)
	slices.SortFunc(extra, func(a, b transport.Authenticator) int { return strings.Compare(a.Name(), b.Name()) })
	gate, err := transport.New(s.HTTP, transport.Deps{
		Users: in.Users, Tokens: in.Tokens, Sessions: in.Sessions, Authz: in.Roles, APIKeys: in.APIKeys, MFA: in.MFA, Throttle: in.Throttle, Account: in.Accounts, SigningKeys: in.SigningKeys, Issuers: in.Issuers, Setup: in.Setup, Health: in.Health, Journal: in.Journal,
		Extra: extra, ExplainDenials: s.Explain, Log: in.Logger.named(), Now: s.Now, Rand: s.Rand,
	})
	return gate, s.loud(err)
}
