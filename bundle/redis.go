package bundle

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"go.uber.org/fx"

	"github.com/authmodule/authmodule/internal/redispart"
	"github.com/authmodule/authmodule/internal/slot"
)

// SessionsRedis is the value of [StoreSettings.Sessions] that keeps sessions, revocations, one-time records and counters of failed attempts in Redis.
const SessionsRedis = "redis"

// redisStores are opened when the first port needs them; nil where the configuration does not name Redis.
type redisStores func() (redispart.Stores, error)

type redisSlot struct {
	fx.In
	Openers   slot.Members[redispart.Opener]
	Lifecycle fx.Lifecycle
	Logger    logger
}

func (s Settings) redis(in redisSlot) redisStores {
	if s.Store.Sessions != SessionsRedis {
		return nil
	}
	return sync.OnceValues(func() (redispart.Stores, error) { return s.openRedis(in) })
}

var errNoRedis = errors.New("authmodule: auth.store.sessions is redis (LEX_AUTH__STORE__SESSIONS), and the application does not have it: " +
	"import github.com/authmodule/authmodule/store/redisstore and add redisstore.Module() beside authmodule.Configure")

func (s Settings) openRedis(in redisSlot) (redispart.Stores, error) {
	open, err := slot.Or(in.Openers.List, func() (redispart.Opener, error) { return nil, errNoRedis })
	if err != nil {
		return nil, err
	}
	settings := s.Store.Redis
	settings.Now, settings.Log = s.Now, in.Logger.named()
	stores, err := open(context.Background(), settings)
	if err != nil {
		return nil, fmt.Errorf("authmodule: open Redis (auth.store.redis.addr, LEX_AUTH__STORE__REDIS__ADDR): %w", err)
	}
	in.Lifecycle.Append(fx.Hook{
		OnStart: func(ctx context.Context) error {
			if err := stores.Start(ctx); err != nil {
				// fx stops only what has started.
				return s.loud(errors.Join(fmt.Errorf("authmodule: use Redis (auth.store.redis.addr, LEX_AUTH__STORE__REDIS__ADDR): %w", err), stores.Close()))
			}
			return nil
		},
		OnStop: func(context.Context) error { return stores.Close() },
	})
	return stores, nil
}

// portIn is [port] for what may be kept in Redis.
func portIn[T any](override slot.Members[T], redis redisStores, shared func() (driver, error)) (T, error) {
	if redis == nil {
		return port(override, shared)
	}
	return slot.Or(override.List, func() (T, error) {
		var none T
		opened, err := redis()
		if err != nil {
			return none, err
		}
		return any(opened).(T), nil
	})
}
