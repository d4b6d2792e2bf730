package bundle

import (
	"time"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/session"
)

// longestTokenLife is the longest that any node accepts an access token for, unless it is configured for longer.
const longestTokenLife = 24 * time.Hour

func (s Settings) newSessions(p ports, k keys, view *authn.Revocations, bus *audit.Bus) (*session.Manager, error) {
	return session.New(s.Sessions, session.Deps{
		Store: p.sessions, RefreshKey: k.refresh, RefreshIdle: s.Tokens.RefreshTokenExpireDays.Duration(), Revocations: view,
		TokenLifetime: max(s.Tokens.AccessLifetime(), longestTokenLife), Events: bus, Now: s.Now, Rand: s.Rand,
	})
}
