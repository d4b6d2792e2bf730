package authmodule_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/fxtest"
	"github.com/authmodule/authmodule/internal/redistest"
	"github.com/authmodule/authmodule/internal/sqlitetest"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/store/memstore"
	"github.com/authmodule/authmodule/store/redisstore"
)

// onRedis has accounts in SQLite and sessions in Redis.
func onRedis(server *redistest.Server, file string) func(*authmodule.Config) {
	return func(c *authmodule.Config) {
		c.JWT.SecretKey = "one secret for all nodes of this test"
		c.Store.Driver, c.Store.DSN = authmodule.DriverSQLite, setting.Secret(file)
		c.Store.Sessions, c.Store.Redis.Addr = authmodule.SessionsRedis, []string{server.Addr()}
	}
}

// Accounts in SQLite, sessions in Redis: the whole life of a login, which another node goes on with.
func TestSessionsInRedis(t *testing.T) {
	t.Parallel()
	server, file := redistest.Start(t, redistest.Options{Durable: true}), sqlitetest.Path(t)
	a := fxtest.NewConfigured(t, onRedis(server, file), redisstore.Module())
	b := fxtest.NewConfigured(t, onRedis(server, file), redisstore.Module())
	user := register(t, a)
	grant, err := login(t.Context(), a, authn.CarrierToken)
	require.NoError(t, err)
	p, err := b.Users.AuthenticateToken(t.Context(), grant.AccessToken, authn.Client{})
	require.NoError(t, err)
	require.Equal(t, user.Subject, p.Subject)

	next, err := b.Users.Refresh(t.Context(), grant.RefreshToken, authn.Client{})
	require.NoError(t, err)
	_, err = a.Users.Refresh(t.Context(), grant.RefreshToken, authn.Client{})
	require.ErrorIs(t, err, authn.ErrRefreshReused)
	for _, node := range []*fxtest.App{a, b} {
		_, err = node.Users.AuthenticateToken(t.Context(), next.AccessToken, authn.Client{})
		require.Error(t, err)
	}

	cookie, err := login(t.Context(), a, authn.CarrierCookie)
	require.NoError(t, err)
	live, err := b.SessionManager.List(t.Context(), user.Subject)
	require.NoError(t, err)
	require.Len(t, live, 1)
	require.NoError(t, b.SessionManager.Revoke(t.Context(), user.Subject, cookie.Session.ID))
	live, err = a.SessionManager.List(t.Context(), user.Subject)
	require.NoError(t, err)
	assert.Empty(t, live)
	assert.Contains(t, server.MustCLI(t, "--raw", "keys", "*"), "authmodule:{")
}

// REL-01 and REL-02 over three nodes: of many uses of one refresh token one succeeds, or all get the same child in the grace window.
func TestRefreshRacesOverNodesInRedis(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{})
	for _, grace := range []bool{false, true} {
		file := sqlitetest.Path(t)
		var nodes appsOverStore
		for range 3 {
			nodes = append(nodes, fxtest.NewConfigured(t, func(c *authmodule.Config) {
				onRedis(server, file)(c)
				c.Store.Redis.Prefix = fmt.Sprint("grace-", grace)
				if grace {
					withGrace(c)
				}
			}, redisstore.Module()))
		}
		if grace {
			nodes.raceInGrace(t, 500)
		} else {
			nodes.raceWithoutGrace(t, 500)
		}
	}
}

// REL-04: what one node revokes is pushed to the other, which does not wait for its next look at the log.
func TestRevocationsArePushedThroughRedis(t *testing.T) {
	t.Parallel()
	server, file := redistest.Start(t, redistest.Options{}), sqlitetest.Path(t)
	a := fxtest.NewConfigured(t, onRedis(server, file), redisstore.Module())
	b := fxtest.NewConfigured(t, onRedis(server, file), redisstore.Module())
	register(t, a)
	var took []time.Duration
	for range 15 {
		grant, err := login(t.Context(), a, authn.CarrierToken)
		require.NoError(t, err)
		_, err = b.Users.AuthenticateToken(t.Context(), grant.AccessToken, authn.Client{})
		require.NoError(t, err)
		require.NoError(t, a.TokenManager.Revoke(t.Context(), grant.AccessToken))
		began := time.Now()
		require.Eventually(t, func() bool {
			_, err := b.Users.AuthenticateToken(t.Context(), grant.AccessToken, authn.Client{})
			return err != nil
		}, 20*time.Second, time.Millisecond)
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	t.Logf("refused after %v (median), %v at most", took[len(took)/2], took[len(took)-1])
	assert.Less(t, took[len(took)/2], 100*time.Millisecond, "half a second is the time of a look")
}

// What is configured and not there is a start error that names the way out.
func TestRedisStartErrors(t *testing.T) {
	t.Parallel()
	away := func(c *authmodule.Config) {
		c.Store.Sessions, c.Store.Redis.Addr = authmodule.SessionsRedis, []string{"127.0.0.1:1"}
	}
	require.ErrorContains(t, build(authmodule.Stub(away)), "import github.com/authmodule/authmodule/store/redisstore and add redisstore.Module()")
	require.ErrorContains(t, build(authmodule.Stub(away), redisstore.Module()), "open Redis (auth.store.redis.addr, LEX_AUTH__STORE__REDIS__ADDR)")
	require.ErrorContains(t, build(authmodule.Stub(), redisstore.Module(), redisstore.Module()), "redisstore.Module is used twice")
	require.NoError(t, build(authmodule.Stub(), redisstore.Module()), "beside another store it does nothing")

	own := fx.Options(
		authmodule.UseSessionStore(func() session.Store { return memstore.New() }),
		authmodule.UseRevocationStore(func() authn.RevocationStore { return memstore.New() }),
		authmodule.UseOneTimeStore(func() authn.OneTimeStore { return memstore.New() }),
		authmodule.UseCounterStore(func() authn.CounterStore { return memstore.New() }),
	)
	require.NoError(t, build(authmodule.Stub(away), redisstore.Module(), own), "nobody needs Redis")
}

// A replica is refused, before any request is served.
func TestReplicaIsAStartError(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{})
	server.MustCLI(t, "replicaof", "127.0.0.1", "1")
	app := fx.New(fx.NopLogger, authmodule.Stub(func(c *authmodule.Config) {
		c.Store.Sessions, c.Store.Redis.Addr = authmodule.SessionsRedis, []string{server.Addr()}
	}), redisstore.Module())
	require.NoError(t, app.Err())
	require.ErrorIs(t, app.Start(t.Context()), redisstore.ErrReplica)
}
