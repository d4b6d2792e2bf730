package redisstore_test

import (
	"context"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/internal/redistest"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/store/redisstore"
)

// call is one call of each method, which must succeed on a store that has the record.
type call struct {
	name   string
	writes bool
	do     func(ctx context.Context) error
}

func calls(s *redisstore.Store, r session.Record) []call {
	use := session.Use{At: at, IdleAt: r.IdleAt}
	one := authn.OneTime{Purpose: "reset", ID: "r", SecretHash: []byte("h"), Expires: at.Add(time.Hour)}
	return []call{
		{"create a session", true, func(ctx context.Context) error {
			next := r
			next.Subject.ID, next.ID = "another", "another"
			_, err := s.CreateSession(ctx, next, session.Limit{})
			return err
		}},
		{"read a session", false, func(ctx context.Context) error { _, err := s.Session(ctx, r.Subject.Tenant, r.ID); return err }},
		{"record uses", true, func(ctx context.Context) error {
			return s.TouchSessions(ctx, session.Touch{Tenant: r.Subject.Tenant, ID: r.ID, Use: use})
		}},
		{"list sessions", false, func(ctx context.Context) error { _, err := s.Sessions(ctx, r.Subject, at); return err }},
		{"list a tenant's sessions", false, func(ctx context.Context) error {
			_, err := s.TenantSessions(ctx, r.Subject.Tenant, at, "", 9)
			return err
		}},
		{"rotate a session", true, func(ctx context.Context) error {
			return s.RotateSession(ctx, session.Rotation{
				Tenant: r.Subject.Tenant, ID: r.ID, Generation: r.Generation, SecretHash: r.SecretHash, NextHash: []byte("next"), Use: use,
			})
		}},
		{"prove a session", true, func(ctx context.Context) error {
			_, err := s.ProveSession(ctx, r.Subject.Tenant, r.ID, session.Proved{Methods: []string{"otp"}, MFATime: at}, at)
			return err
		}},
		{"end sessions", true, func(ctx context.Context) error {
			_, err := s.EndSessions(ctx, r.Subject, session.Selection{}, at, authn.EndLogout)
			return err
		}},
		{"revoke", true, func(ctx context.Context) error {
			_, err := s.Revoke(ctx, authn.Revocation{Kind: authn.RevokedToken, ID: "jti", Until: at})
			return err
		}},
		{"read the revocation log", false, func(ctx context.Context) error { _, _, err := s.Revocations(ctx, 0, 9); return err }},
		{"store a one-time record", true, func(ctx context.Context) error { return s.PutOneTime(ctx, one) }},
		{"consume a one-time record", true, func(ctx context.Context) error {
			_, err := s.ConsumeOneTime(ctx, one.Tenant, one.Purpose, one.ID, one.SecretHash, at)
			return err
		}},
		{"prune sessions", false, func(ctx context.Context) error { _, err := s.PruneSessions(ctx, at); return err }},
		{"prune the revocation log", false, func(ctx context.Context) error { _, err := s.PruneRevocations(ctx, at.Add(-time.Hour)); return err }},
		{"prune one-time records", false, func(ctx context.Context) error { _, err := s.PruneOneTime(ctx, at); return err }},
	}
}

// A server that is stopped in the middle: every call ends with its context, many at once too, and says what it was about.
func TestPausedServer(t *testing.T) {
	t.Parallel()
	for _, timeout := range []time.Duration{time.Minute, 200 * time.Millisecond} {
		server := redistest.Start(t, redistest.Options{})
		s := open(t, redisstore.Options{Timeout: timeout}, server.Addr())
		r := created(t, s, newRecord(t, ada))
		server.Pause()
		for round := range 2 { // the second may find the connection gone, and dials
			all := slices.Repeat(calls(s, r), 300)
			done := make(chan struct{}, len(all))
			for _, c := range all {
				go func() {
					ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
					defer cancel()
					err := c.do(ctx)
					if assert.Error(t, err, "%s, round %d", c.name, round) && timeout == time.Minute {
						assert.ErrorContains(t, err, "redisstore: "+c.name, "round %d", round)
						assert.ErrorIs(t, err, context.DeadlineExceeded)
					}
					done <- struct{}{}
				}()
			}
			requireAll(t, done, 10*time.Second)
		}
		server.Resume()
		require.Eventually(t, func() bool {
			_, err := s.Session(t.Context(), ada.Tenant, r.ID)
			return err == nil
		}, 20*time.Second, 10*time.Millisecond)
	}
}

// requireAll waits for as many results as the channel holds.
func requireAll(t *testing.T, done chan struct{}, atMost time.Duration) {
	t.Helper()
	limit := time.After(atMost)
	for range cap(done) {
		select {
		case <-done:
		case <-limit:
			t.Fatal("a call did not return")
		}
	}
}

// A context that is cancelled has its calls return, without a deadline as well.
func TestCancelledWhilePaused(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{})
	s := open(t, redisstore.Options{Timeout: time.Minute}, server.Addr())
	r := created(t, s, newRecord(t, ada))
	server.Pause()
	defer server.Resume()
	ctx, cancel := context.WithCancel(t.Context())
	all := calls(s, r)
	done := make(chan struct{}, len(all))
	for _, c := range all {
		go func() {
			err := c.do(ctx)
			assert.ErrorIs(t, err, context.Canceled, c.name)
			done <- struct{}{}
		}()
	}
	cancel()
	requireAll(t, done, 5*time.Second)
}

// A server that is gone: an error of the operation, which is none of the ports' sentinels; and when it is back, so is the store.
func TestServerDown(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{Durable: true})
	s := open(t, redisstore.Options{}, server.Addr())
	r := created(t, s, newRecord(t, ada))
	server.Kill()
	for _, c := range calls(s, r) {
		requireRefused(t, c, "")
	}
	server.Restart(t)
	require.Eventually(t, func() bool {
		got, err := s.Session(t.Context(), ada.Tenant, r.ID)
		return err == nil && assert.ObjectsAreEqual(r, got)
	}, 20*time.Second, 10*time.Millisecond)
	for _, c := range calls(s, r) {
		require.NoError(t, c.do(t.Context()), c.name)
	}
}

func requireRefused(t *testing.T, c call, reason string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	err := c.do(ctx)
	require.ErrorContains(t, err, "redisstore: "+c.name)
	require.ErrorContains(t, err, reason, c.name)
	for _, sentinel := range []error{authn.ErrNotFound, authn.ErrConflict, session.ErrLimit} {
		require.NotErrorIs(t, err, sentinel, c.name)
	}
}

// Memory that is full, with noeviction: writes are refused and change nothing, what is there is read.
func TestOutOfMemory(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{})
	s := open(t, redisstore.Options{}, server.Addr())
	r := created(t, s, newRecord(t, ada))
	server.MustCLI(t, "config", "set", "maxmemory", "1")
	for _, c := range calls(s, r) {
		switch c.name {
		case "record uses", "create a session", "revoke", "store a one-time record", "rotate a session", "end sessions":
			requireRefused(t, c, "OOM")
		case "read a session", "list sessions", "list a tenant's sessions", "read the revocation log":
			require.NoError(t, c.do(t.Context()), c.name)
		}
	}
	server.MustCLI(t, "config", "set", "maxmemory", "0")
	got, err := s.Session(t.Context(), ada.Tenant, r.ID)
	require.NoError(t, err)
	assert.Equal(t, r, got)
	ended, err := s.EndSessions(t.Context(), ada, session.Selection{}, at, authn.EndLogout)
	require.NoError(t, err)
	assert.Len(t, ended, 1, "it is still known to be the account's")
}

// A replica refuses writes, and says so when asked; nothing is taken for done.
func TestReplica(t *testing.T) {
	t.Parallel()
	master, server := redistest.Start(t, redistest.Options{}), redistest.Start(t, redistest.Options{Durable: true})
	s := open(t, redisstore.Options{}, server.Addr())
	require.NoError(t, s.Check(t.Context()))
	r := newRecord(t, ada)
	created(t, open(t, redisstore.Options{Prefix: "replica"}, master.Addr()), r)
	server.MustCLI(t, "replicaof", "127.0.0.1", strconv.Itoa(master.Port()))
	replica := open(t, redisstore.Options{Prefix: "replica"}, server.Addr())
	require.Eventually(t, func() bool {
		_, err := replica.Session(t.Context(), ada.Tenant, r.ID)
		return err == nil
	}, 20*time.Second, 10*time.Millisecond)
	require.ErrorIs(t, replica.Check(t.Context()), redisstore.ErrReplica)
	for _, c := range calls(replica, r) {
		if c.writes && c.name != "consume a one-time record" { // which is not there
			requireRefused(t, c, "READONLY")
		}
	}
}

// What Redis must be set to, and is not.
func TestCheck(t *testing.T) {
	t.Parallel()
	require.NoError(t, open(t, redisstore.Options{}, redistest.Start(t, redistest.Options{Durable: true}).Addr()).Check(t.Context()))
	server := redistest.Start(t, redistest.Options{Args: []string{"--maxmemory-policy", "allkeys-lru"}})
	s := open(t, redisstore.Options{}, server.Addr())
	err := s.Check(t.Context())
	require.ErrorIs(t, err, redisstore.ErrEvicts)
	require.ErrorIs(t, err, redisstore.ErrForgets)
	require.NotErrorIs(t, err, redisstore.ErrReplica)
	err = clustered(t).Check(t.Context())
	require.ErrorIs(t, err, redisstore.ErrForgets)
	require.NotErrorIs(t, err, redisstore.ErrEvicts)
	server.Kill()
	require.ErrorContains(t, s.Check(t.Context()), "redisstore: check 127.0.0.1:")
}

// Nobody answers, or not in time: an error within the timeout.
func TestOpenFails(t *testing.T) {
	t.Parallel()
	_, err := redisstore.Open(t.Context(), redisstore.Options{Addrs: []string{"127.0.0.1:1"}})
	require.ErrorContains(t, err, "redisstore: connect")
	server := redistest.Start(t, redistest.Options{})
	server.Pause()
	defer server.Resume()
	_, err = redisstore.Open(t.Context(), redisstore.Options{Addrs: []string{server.Addr()}, Timeout: 100 * time.Millisecond})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	_, err = redisstore.Open(t.Context(), redisstore.Options{})
	require.ErrorContains(t, err, "no address")
}
