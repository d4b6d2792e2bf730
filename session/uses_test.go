package session_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/store/memstore"
)

// counting counts what a store is asked, and fails to write while broken.
type counting struct {
	*memstore.Store
	reads, calls, touches atomic.Int64
	broken                atomic.Bool
}

var errBroken = errors.New("read-only")

func (c *counting) Session(ctx context.Context, t authn.Tenant, id string) (session.Record, error) {
	c.reads.Add(1)
	return c.Store.Session(ctx, t, id)
}

func (c *counting) TouchSessions(ctx context.Context, touches ...session.Touch) error {
	if c.broken.Load() {
		return errBroken
	}
	c.calls.Add(1)
	c.touches.Add(int64(len(touches)))
	return c.Store.TouchSessions(ctx, touches...)
}

// node is a manager that runs in a bubble.
func node(t *testing.T, store session.Store, cfg session.Config) *session.Manager {
	t.Helper()
	m, err := session.New(cfg, session.Deps{Store: store})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); m.Run(ctx) }()
	t.Cleanup(func() { stop(); <-done })
	return m
}

func cookieOf(t *testing.T, m *session.Manager) setting.Secret {
	t.Helper()
	_, cookie, err := m.Open(t.Context(), authn.Opening{Proof: authn.Proof{Subject: ada, Time: time.Now()}, Carrier: authn.CarrierCookie})
	require.NoError(t, err)
	return cookie
}

func resume(t *testing.T, m *session.Manager, cookie setting.Secret) error {
	t.Helper()
	_, err := m.Resume(t.Context(), cookie, authn.Client{UserAgent: "test"})
	return err
}

// Whatever is saved up, a session ends exactly when it was not used for its time, on the node that saw the last use and on another.
func TestSavedUpUsesEndOnTime(t *testing.T) {
	t.Parallel()
	for _, saved := range []setting.Count{0, 1, 7, 1800, 3600} {
		for _, last := range []time.Duration{2 * time.Second, time.Minute, 29 * time.Minute, 59*time.Minute + 50*time.Second, 59*time.Minute + 58*time.Second, time.Hour - time.Microsecond} {
			t.Run(fmt.Sprintf("%d saved, used at %v", saved, last), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					store := memstore.New()
					cfg := session.Config{LastUseSeconds: saved}
					a, b := node(t, store, cfg), node(t, store, cfg)
					cookie := cookieOf(t, a)
					time.Sleep(last)
					require.NoError(t, resume(t, a, cookie))
					synctest.Wait()
					time.Sleep(time.Hour - time.Microsecond)
					synctest.Wait()
					for _, m := range []*session.Manager{a, b} {
						list, err := m.List(t.Context(), ada)
						require.NoError(t, err)
						require.Len(t, list, 1, "the other node sees it as well")
						assert.True(t, list[0].LastUsedAt.Equal(time.Now().Add(time.Microsecond-time.Hour)))
					}
					time.Sleep(time.Microsecond)
					assert.ErrorIs(t, resume(t, a, cookie), authn.ErrSessionEnded)
					assert.ErrorIs(t, resume(t, b, cookie), authn.ErrSessionEnded)
				})
			})
		}
	}
}

// One look into the store for each request, and one write in a minute.
func TestUsesAreSavedUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &counting{Store: memstore.New()}
		m := node(t, store, session.Config{})
		cookies := []setting.Secret{cookieOf(t, m), cookieOf(t, m), cookieOf(t, m)}
		const minutes, perSecond = 10, 5
		for range minutes * 60 * perSecond {
			for _, cookie := range cookies {
				require.NoError(t, resume(t, m, cookie))
			}
			time.Sleep(time.Second / perSecond)
		}
		assert.EqualValues(t, 3*minutes*60*perSecond, store.reads.Load())
		assert.LessOrEqual(t, store.calls.Load(), int64(minutes+1), "several sessions are stored by one call")
		assert.InDelta(t, 3*minutes, store.touches.Load(), 3)
	})
}

// V7.3.1: at the stop of a node nothing is lost.
func TestFlushStoresEveryUse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := memstore.New()
		m := node(t, store, session.Config{LastUseSeconds: 600})
		cookie := cookieOf(t, m)
		time.Sleep(50 * time.Minute)
		require.NoError(t, resume(t, m, cookie))
		require.NoError(t, m.Flush(t.Context()))
		records, err := store.Sessions(t.Context(), ada, time.Now())
		require.NoError(t, err)
		require.Len(t, records, 1)
		assert.True(t, records[0].LastUsedAt.Equal(time.Now()))
		assert.True(t, records[0].IdleAt.Equal(time.Now().Add(time.Hour)))
	})
}

// A manager that does not run saves nothing up.
func TestUsesWithoutRun(t *testing.T) {
	t.Parallel()
	store := &counting{Store: memstore.New()}
	now := start
	m, err := session.New(session.Config{}, session.Deps{Store: store, Now: func() time.Time { return now }})
	require.NoError(t, err)
	cookie := cookieOf(t, m)
	for range 5 {
		now = now.Add(time.Minute)
		require.NoError(t, resume(t, m, cookie))
	}
	assert.EqualValues(t, 5, store.touches.Load())
}

// REL-11: while the store cannot write, a session goes on until it would have ended without its uses, and not
// longer, on any node.
func TestUsesOfAStoreThatCannotWrite(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &counting{Store: memstore.New()}
		m := node(t, store, session.Config{})
		cookie, other := cookieOf(t, m), cookieOf(t, m)
		store.broken.Store(true)
		for range 59 {
			time.Sleep(time.Minute)
			require.NoError(t, resume(t, m, cookie))
			require.NoError(t, resume(t, m, other))
		}
		time.Sleep(56 * time.Second)
		require.ErrorIs(t, resume(t, m, cookie), errBroken, "the store must know of the use by now")
		time.Sleep(4 * time.Second)
		require.ErrorIs(t, resume(t, m, cookie), authn.ErrSessionEnded)
		store.broken.Store(false)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		for _, c := range []setting.Secret{cookie, other} {
			require.ErrorIs(t, resume(t, m, c), authn.ErrSessionEnded, "what was over does not come back")
			require.ErrorIs(t, resume(t, node(t, store, session.Config{}), c), authn.ErrSessionEnded)
		}
	})
}

// REL-06: a use that could not be stored in time does not bring a session back past the limit.
func TestLateUseDoesNotPassTheLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &counting{Store: memstore.New()}
		cfg := session.Config{TimeoutMinutes: 1, MaxPerUser: 1, OnLimit: session.Refuse}
		a, b := node(t, store, cfg), node(t, store, cfg)
		first := cookieOf(t, a)
		time.Sleep(50 * time.Second)
		store.broken.Store(true)
		require.NoError(t, resume(t, a, first))
		time.Sleep(11 * time.Second)
		second := cookieOf(t, b)
		store.broken.Store(false)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		require.NoError(t, resume(t, b, second))
		for _, m := range []*session.Manager{a, b} {
			require.ErrorIs(t, resume(t, m, first), authn.ErrSessionEnded)
		}
	})
}

// partial records all uses but those of one session, as a cluster does of which one shard is down.
type partial struct {
	*memstore.Store
	bad string
}

func (p *partial) TouchSessions(ctx context.Context, touches ...session.Touch) error {
	for _, one := range touches {
		if one.ID == p.bad {
			return errBroken
		}
	}
	return p.Store.TouchSessions(ctx, touches...)
}

// A use that cannot be stored keeps no other from it.
func TestOneUseThatFailsHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &partial{Store: memstore.New()}
		cfg := session.Config{TimeoutMinutes: 1}
		a, b := node(t, store, cfg), node(t, store, cfg)
		var cookies []setting.Secret
		for i := range 1500 {
			s, cookie, err := a.Open(t.Context(), authn.Opening{Proof: authn.Proof{Subject: authn.Subject{ID: fmt.Sprint(i)}, Time: time.Now()}, Carrier: authn.CarrierCookie})
			require.NoError(t, err)
			cookies = append(cookies, cookie)
			store.bad = s.ID
		}
		time.Sleep(30 * time.Second)
		for _, c := range cookies {
			require.NoError(t, resume(t, a, c))
		}
		time.Sleep(35 * time.Second)
		bad := len(cookies) - 1
		for _, c := range cookies[:bad] {
			require.NoError(t, resume(t, b, c), "used 35 of 60 seconds ago")
		}
		require.ErrorIs(t, resume(t, b, cookies[bad]), authn.ErrSessionEnded)
	})
}

// A session that was ended is not brought back by a use that was saved up.
func TestUsesDoNotRevive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := node(t, memstore.New(), session.Config{})
		opened, cookie, err := m.Open(t.Context(), authn.Opening{Proof: authn.Proof{Subject: ada, Time: time.Now()}, Carrier: authn.CarrierCookie})
		require.NoError(t, err)
		time.Sleep(10 * time.Second)
		require.NoError(t, resume(t, m, cookie))
		require.NoError(t, m.Revoke(t.Context(), ada, opened.ID))
		require.ErrorIs(t, resume(t, m, cookie), authn.ErrSessionEnded)
		require.NoError(t, m.Flush(t.Context()))
		require.ErrorIs(t, resume(t, m, cookie), authn.ErrSessionEnded)
	})
}

// REL-18: what is saved up is bounded; sessions beyond the bound are stored at once.
func TestSavedUpUsesAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const sessions, bound = 70_000, 1 << 16
		store := &counting{Store: memstore.New()}
		m := node(t, store, session.Config{})
		var cookies []setting.Secret
		for i := range sessions {
			s := authn.Subject{ID: fmt.Sprint("user", i)}
			_, cookie, err := m.Open(t.Context(), authn.Opening{Proof: authn.Proof{Subject: s, Time: time.Now()}, Carrier: authn.CarrierCookie})
			require.NoError(t, err)
			cookies = append(cookies, cookie)
		}
		time.Sleep(2 * time.Second)
		for _, cookie := range cookies {
			require.NoError(t, resume(t, m, cookie))
		}
		written := store.touches.Load()
		assert.GreaterOrEqual(t, written, int64(sessions-bound))
		assert.Less(t, written, int64(sessions/2), "most are saved up")
		require.NoError(t, m.Flush(t.Context()))
		assert.EqualValues(t, sessions, store.touches.Load())
	})
}
