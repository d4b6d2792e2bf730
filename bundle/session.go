package bundle

import (
	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/session"
)

func (s Settings) newSessions(p ports, k keys, bus *audit.Bus) (*session.Manager, error) {
	return session.New(s.Sessions, session.Deps{
		Store: p.sessions, RefreshKey: k.refresh, RefreshIdle: s.Tokens.RefreshTokenExpireDays.Duration(), Events: bus, Now: s.Now, Rand: s.Rand,
	})
}
