package redisstore_test

import (
	"crypto/rand"
	"encoding/hex"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/internal/credential"
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
	if o.Timeout == 0 {
		o.Timeout = time.Minute // a thousand callers, the race detector and a busy machine
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
		t.Run("CounterStore", func(t *testing.T) {
			storetest.CounterStore(t, func(t *testing.T) authn.CounterStore { return open(t) })
		})
		t.Run("OneTimeStore", func(t *testing.T) {
			storetest.OneTimeStore(t, func(t *testing.T) authn.OneTimeStore { return open(t) })
		})
	})
}

var (
	ada = authn.Subject{Tenant: "acme", ID: "ada"}
	at  = time.Date(2026, 3, 1, 12, 30, 15, 123456000, time.UTC)
)

// newRecord is a session with an ID as this module makes them, and all that a browser's has.
func newRecord(t testing.TB, sub authn.Subject) session.Record {
	t.Helper()
	id, err := credential.NewID(rand.Reader, string(sub.Tenant), sub.ID)
	require.NoError(t, err)
	return session.Record{
		Subject: sub, ID: id, Carrier: authn.CarrierToken, SecretHash: credential.Hash([]byte(id)), PreviousHash: []byte{}, Generation: 1,
		Methods: []string{"pwd", "otp"}, AuthTime: at, CreatedAt: at, LastUsedAt: at, IdleAt: at.Add(time.Hour), EndsAt: at.Add(30 * 24 * time.Hour),
		Epoch: 7, IP: "203.0.113.7", Device: "Firefox on Linux", DeviceID: credentialText(id), Remember: true,
		UserAgent:    "Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0",
		Confirmation: authn.Confirmation{Certificate: authn.CertificateThumbprint([]byte(id)), Network: netip.MustParsePrefix("203.0.113.0/24")},
	}
}

func credentialText(text string) string { return hex.EncodeToString(credential.Hash([]byte(text))) }

func created(t testing.TB, s *redisstore.Store, r session.Record) session.Record {
	t.Helper()
	_, err := s.CreateSession(t.Context(), r, session.Limit{})
	require.NoError(t, err)
	return r
}
