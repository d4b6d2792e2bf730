package redisstore

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"

	"go.uber.org/fx"

	"github.com/authmodule/authmodule/internal/redispart"
	"github.com/authmodule/authmodule/internal/slot"
)

// Module lets auth.store.sessions be redis: sessions, revocations and one-time
// records are then kept where auth.store.redis says. Beside any other value it does nothing.
// The application does not start when Redis does not answer or is a replica; what [Store.Check] finds else is logged.
func Module() fx.Option {
	return slot.Module[redispart.Opener](redispart.ModuleName, func() redispart.Opener { return openConfigured }, 1)
}

func openConfigured(ctx context.Context, c redispart.Settings) (redispart.Stores, error) {
	o := Options{Addrs: c.Addrs, Username: c.Username, Password: c.Password, DB: c.DB, Prefix: c.Prefix, Now: c.Now, Log: c.Log}
	if c.TLS {
		o.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	s, err := Open(ctx, o)
	if err != nil {
		return nil, err
	}
	return configured{s}, nil
}

// configured is a store that is checked when the application starts.
type configured struct{ *Store }

// Start implements [redispart.Stores].
func (c configured) Start(ctx context.Context) error {
	err := c.Check(ctx)
	if err == nil {
		return nil
	}
	tolerable := false
	for _, weakness := range []error{ErrEvicts, ErrForgets} {
		if errors.Is(err, weakness) {
			tolerable = true
			c.opts.Log.Log(ctx, slog.LevelWarn, weakness.Error())
		}
	}
	if tolerable && !errors.Is(err, ErrReplica) {
		return nil
	}
	return err
}
