package redispart

import (
	"context"
	"log/slog"
	"time"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/setting"
)

// ModuleName is the name of the option that brings an [Opener].
const ModuleName = "redisstore.Module"

// Settings are the configuration, already validated.
type Settings struct {
	Addrs    []string
	Username string
	Password setting.Secret
	TLS      bool
	Prefix   string
	DB       int
	Now      func() time.Time
	Log      *slog.Logger
}

// Stores are the ports that Redis serves.
type Stores interface {
	session.Store
	authn.RevocationStore
	authn.RevocationWatcher
	authn.OneTimeStore
	authn.CounterStore
	// Start warns of what weakens the store, and returns an error when it cannot serve.
	Start(ctx context.Context) error
	Close() error
}

// Opener connects.
type Opener func(ctx context.Context, s Settings) (Stores, error)
