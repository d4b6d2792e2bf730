package redisstore_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/internal/redistest"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/store/redisstore"
	"github.com/authmodule/authmodule/store/storetest"
)

// shared are the servers that most tests use, each with keys of its own.
var shared = &redistest.Shared{}

func TestMain(m *testing.M) {
	code := m.Run()
	shared.Stop()
	os.Exit(code)
}

// open returns a store whose keys no other test has.
func open(t testing.TB, o redisstore.Options, addrs ...string) *redisstore.Store {
	t.Helper()
	o.Addrs = addrs
	if o.Prefix == "" {
		o.Prefix = shared.Prefix()
	}
	s, err := redisstore.Open(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func single(t testing.TB) *redisstore.Store {
	t.Helper()
	return open(t, redisstore.Options{}, shared.Server(t).Addr())
}

func clustered(t testing.TB) *redisstore.Store {
	t.Helper()
	return open(t, redisstore.Options{}, shared.Cluster(t).Addrs()...)
}

// everywhere runs a test on one server and on a cluster.
func everywhere(t *testing.T, run func(t *testing.T, open func(testing.TB) *redisstore.Store)) {
	t.Helper()
	t.Run("single", func(t *testing.T) { t.Parallel(); run(t, single) })
	t.Run("cluster", func(t *testing.T) { t.Parallel(); run(t, clustered) })
}

func TestConformance(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, open func(testing.TB) *redisstore.Store) {
		t.Run("SessionStore", func(t *testing.T) {
			storetest.SessionStore(t, func(t *testing.T) session.Store { return open(t) })
		})
		t.Run("RevocationStore", func(t *testing.T) {
			storetest.RevocationStore(t, func(t *testing.T) authn.RevocationStore { return open(t) })
		})
		t.Run("OneTimeStore", func(t *testing.T) {
			storetest.OneTimeStore(t, func(t *testing.T) authn.OneTimeStore { return open(t) })
		})
	})
}
