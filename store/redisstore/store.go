package redisstore

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/redis/rueidis"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/session"
)

// Store keeps sessions, the revocation log, one-time records and counters of failures in Redis. It is safe for concurrent use.
type Store struct {
	opts    Options
	client  rueidis.Client
	keys    keys
	scripts scripts
	// slots bound the commands under way.
	slots chan struct{}
	// watching counts the jobs of watchers.
	watching sync.WaitGroup
	closed   context.Context
	close    context.CancelFunc
	closing  sync.Once
}

var (
	_ session.Store           = (*Store)(nil)
	_ authn.RevocationStore   = (*Store)(nil)
	_ authn.RevocationWatcher = (*Store)(nil)
	_ authn.OneTimeStore      = (*Store)(nil)
	_ authn.CounterStore      = (*Store)(nil)
)

// Connections: a server that is silent for as long as silence is given up and dialled anew.
const (
	silence      = 5 * time.Second
	pingAfter    = 2 * time.Second
	bufferSize   = 64 << 10
	readAttempts = 3
	betweenReads = 20 * time.Millisecond
)

// Open connects, and finds out by itself whether it talks to one server or to
// a cluster. It returns an error when nobody answers within the timeout or ctx's end. It keeps
// connections, and goroutines that serve them, until [Store.Close].
func Open(ctx context.Context, o Options) (*Store, error) {
	o = o.withDefaults()
	if err := o.check(); err != nil {
		return nil, err
	}
	code, err := loadScripts()
	if err != nil {
		return nil, wrapped(ctx, "load the scripts", err)
	}
	client, err := connect(ctx, o)
	if err != nil {
		return nil, wrapped(ctx, "connect", err)
	}
	s := &Store{opts: o, client: client, keys: keys{o.Prefix}, scripts: code, slots: make(chan struct{}, inFlight)}
	s.closed, s.close = context.WithCancel(context.Background())
	return s, nil
}

// DriverName is the store's name in health checks: redis.
func (*Store) DriverName() string { return "redis" }

// connect waits for a connection no longer than it may.
func connect(ctx context.Context, o Options) (rueidis.Client, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	type result struct {
		client rueidis.Client
		err    error
	}
	made := make(chan result, 1)
	go func() {
		client, err := rueidis.NewClient(clientOptions(o))
		made <- result{client, err}
	}()
	select {
	case r := <-made:
		return r.client, r.err
	case <-ctx.Done():
		go func() {
			if r := <-made; r.err == nil {
				r.client.Close()
			}
		}()
		return nil, ctx.Err()
	}
}

func clientOptions(o Options) rueidis.ClientOption {
	return rueidis.ClientOption{
		InitAddress: o.Addrs, Username: o.Username, Password: o.Password.Reveal(), TLSConfig: o.TLS, SelectDB: o.DB,
		ClientName: "authmodule", DisableCache: true,
		Dialer: net.Dialer{Timeout: o.Timeout, KeepAlive: pingAfter}, ConnWriteTimeout: silence,
		ReadBufferEachConn: bufferSize, WriteBufferEachConn: bufferSize,
		// Only commands that read are ever sent again; scripts never are.
		RetryDelay: func(attempt int, _ rueidis.Completed, _ error) time.Duration {
			if attempt >= readAttempts {
				return -1
			}
			return time.Duration(attempt) * betweenReads
		},
	}
}

// Close ends all watching, and the connections. Calls that are under way fail, and it waits
// for them; where the server hangs, that takes as long as the timeout. It may be called twice.
func (s *Store) Close() error {
	s.closing.Do(func() {
		s.close()
		s.client.Close()
		for range cap(s.slots) { // nobody gets one any more
			s.slots <- struct{}{}
		}
		s.watching.Wait()
	})
	return nil
}
