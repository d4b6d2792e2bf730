package bundle

import (
	"context"
	"errors"
	"time"

	"go.uber.org/fx"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/internal/slot"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/store/memstore"
)

// longestTokenLife is the longest that any node accepts an access token for, unless it is configured for longer.
const longestTokenLife = 24 * time.Hour

// keepInMemory is for how long records outlive their sessions in memory: with the janitor's next sweep they are gone within a minute.
const keepInMemory = sweepEvery - 5*time.Second

type sessionsIn struct {
	fx.In
	Notifier slot.Members[session.DeviceNotifier]
	Locator  slot.Members[session.Locator]
	Logger   logger
}

func (s Settings) newSessions(p ports, k keys, view *authn.Revocations, bus *audit.Bus, in sessionsIn) (*session.Manager, error) {
	notifier, errNotifier := slot.Or(in.Notifier.List, func() (session.DeviceNotifier, error) { return nil, nil })
	locator, errLocator := slot.Or(in.Locator.List, func() (session.Locator, error) { return nil, nil })
	if err := errors.Join(errNotifier, errLocator); err != nil {
		return nil, s.loud(err)
	}
	var keep time.Duration
	if _, local := p.sessions.(*memstore.Store); local { // there is no other clock
		keep = keepInMemory
	}
	return session.New(s.Sessions, session.Deps{
		Store: p.sessions, KeepEnded: keep, Devices: p.devices, Notifier: notifier, Locator: locator, Log: in.Logger.named(), RefreshKey: k.refresh, RefreshIdle: s.Tokens.RefreshTokenExpireDays.Duration(), Revocations: view,
		TokenLifetime: max(s.Tokens.AccessLifetime(), longestTokenLife), Events: bus, Now: s.Now, Rand: s.Rand,
	})
}

// keepSessions stores the uses of sessions in the background, and at the stop what is left of them.
func keepSessions(lc fx.Lifecycle, sessions *session.Manager, l logger) {
	lc.Append(fx.StartHook(sessions.SaveUp))
	background(lc, sessions.Run, func() {
		ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
		defer cancel()
		if err := sessions.Flush(ctx); err != nil {
			l.named().Warn("the last uses of some sessions could not be stored: they may end a little early", "error", err)
		}
	})
}

// flushTimeout bounds what the stop of the application waits for.
const flushTimeout = 5 * time.Second
