package authmodule_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/echoauth"
	"github.com/authmodule/authmodule/fxtest"
	"github.com/authmodule/authmodule/internal/pgtest"
	"github.com/authmodule/authmodule/internal/redistest"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/store/redisstore"
)

// realServers are the servers under the nodes of one test, which sync what they acknowledge to the disk.
type realServers struct {
	postgres *pgtest.Server
	// redis keeps sessions, where it is not nil.
	redis *redistest.Server
	dsn   string
}

func startServers(t *testing.T, withRedis bool) *realServers {
	t.Helper()
	s := &realServers{postgres: pgtest.Start(t, pgtest.Durable)}
	s.dsn = s.postgres.Schema(t)
	if withRedis {
		s.redis = redistest.Start(t, redistest.Options{Durable: true})
	}
	return s
}

// victim is the server of which a test makes trouble.
type victim struct {
	kill, pause, resume func()
	restart             func(t *testing.T)
	// ports are what health checks find then.
	ports []string
	// works has the answers of requests that need the other server alone.
	works map[string][]int
}

var sessionPorts = []string{"sessions", "revocations", "one_time", "counters"}

// victimOf returns the server that keeps the sessions, or the one that keeps the accounts.
func (s *realServers) victimOf(redis bool) victim {
	if redis {
		return victim{s.redis.Kill, s.redis.Pause, s.redis.Resume, func(t *testing.T) { s.redis.Restart(t) }, sessionPorts, map[string][]int{
			"register": {http.StatusCreated, http.StatusConflict},
		}}
	}
	var works map[string][]int
	ports := []string{"users", "passwords", "devices", "rules", "assignments", "api_keys"}
	if s.redis == nil {
		ports = append(ports, sessionPorts...)
	} else {
		works = map[string][]int{
			"warm": {http.StatusOK}, "sessions": {http.StatusOK}, "end the others": {http.StatusNoContent},
			"logout": {http.StatusNoContent, http.StatusUnauthorized},
		}
	}
	restart := func(t *testing.T) { require.NoError(t, s.postgres.Restart()) }
	return victim{s.postgres.Kill, s.postgres.Pause, s.postgres.Resume, restart, ports, works}
}

// trouble is which servers there are, and which of them gets into trouble.
type trouble struct {
	name               string
	withRedis, onRedis bool
}

// shortTroubles are those of every run; a soak has time for the third one.
func shortTroubles() []trouble {
	return []trouble{{"PostgreSQL", false, false}, {"Redis", true, true}}
}

func allTroubles() []trouble {
	return append(shortTroubles(), trouble{"PostgreSQL with Redis beside it", true, false})
}

// onRealServers runs a test on servers of its own for each trouble.
func onRealServers(t *testing.T, troubles []trouble, run func(t *testing.T, s *realServers, v victim)) {
	t.Helper()
	for _, tc := range troubles {
		t.Run(tc.name, func(t *testing.T) {
			s := startServers(t, tc.withRedis)
			run(t, s, s.victimOf(tc.onRedis))
		})
	}
}

// poolSize is the most connections of a node to PostgreSQL.
const poolSize = 8

// realNode is one application of several on the same servers. Its clock is the machine's.
type realNode struct {
	*fxtest.App
	health *authmodule.Health
}

func (s *realServers) nodes(t *testing.T, n int, change func(*authmodule.Config)) []*realNode {
	t.Helper()
	nodes := make([]*realNode, n)
	for i := range nodes {
		node := &realNode{}
		node.App = fxtest.NewConfigured(t, func(c *authmodule.Config) {
			s.configure(c)
			change(c)
		}, redisstore.Module(), fx.Supply(slog.New(slog.DiscardHandler)), fx.Provide(echo.New), fx.Invoke(echoauth.Mount), fx.Populate(&node.health))
		nodes[i] = node
	}
	return nodes
}

func (s *realServers) configure(c *authmodule.Config) {
	c.Now = time.Now
	c.JWT.SecretKey = "one secret for all nodes of this test"
	c.Store = authmodule.StoreConfig{Driver: authmodule.DriverPostgres, DSN: setting.Secret(s.dsn), MaxConnections: poolSize}
	c.HTTP.Health = true
	c.Throttle.AddressRateLimit = "1000000/minute" // all come from one network, and try again what a killed server had half done
	if s.redis != nil {
		c.Store.Sessions, c.Store.Redis.Addr = authmodule.SessionsRedis, []string{s.redis.Addr()}
	}
}

// held is what the nodes hold open.
type held struct{ goroutines, postgres, redis int }

func (s *realServers) held(t *testing.T) held {
	t.Helper()
	h := held{goroutines: runtime.NumGoroutine()}
	db, err := sql.Open("pgx", s.dsn)
	require.NoError(t, err)
	defer db.Close()
	row := db.QueryRowContext(context.Background(), "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()")
	require.NoError(t, row.Scan(&h.postgres))
	if s.redis != nil {
		h.redis = len(strings.Split(s.redis.MustCLI(t, "client", "list"), "\n")) - 1
	}
	return h
}

// requireBack requires that no more is held than that, but for a few goroutines that come and go.
func (s *realServers) requireBack(t *testing.T, most held) held {
	t.Helper()
	most.goroutines += 8
	var now held
	assert.Eventually(t, func() bool {
		now = s.held(t)
		return now.goroutines <= most.goroutines && now.postgres <= most.postgres && now.redis <= most.redis
	}, 15*time.Second, 100*time.Millisecond, "more is held than %+v", most)
	return now
}

// loginReal sends a login.
func loginReal(n *realNode, email string) *httptest.ResponseRecorder {
	return do(n.App, http.MethodPost, "/auth/login", fmt.Sprintf(`{"email":%q,"password":%q}`, email, password), "")
}
