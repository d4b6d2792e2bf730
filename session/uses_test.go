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
		assert.LessOrEqual(t, store.calls.Load(), int64(minutes), "several sessions are stored by one call")
		assert.InDelta(t, 3*minutes, store.touches.Load(), 3)
	})
}

// V7.3.1: at the stop of a node nothing is lost.
func TestFlushStoresEveryUse(t *testing.T) {
	t.Parallel()
	f := newFixture(t, session.Config{LastUseSeconds: 600})
	_, cookie := f.open(t, ada, authn.CarrierCookie)
	f.now = start.Add(50 * time.Minute)
	require.NoError(t, f.resume(t, cookie))
	require.NoError(t, f.Flush(t.Context()))
	records, err := f.store.Sessions(t.Context(), ada, f.now)
	require.NoError(t, err)
	require.Len(t, records, 1)
	assert.Equal(t, f.now, records[0].LastUsedAt)
	assert.Equal(t, f.now.Add(time.Hour), records[0].IdleAt)
}

// REL-11: while the store cannot write, a session goes on until it would have ended without its uses, and not
// longer; nothing that was used in time is lost when the store writes again.
func TestUsesOfAStoreThatCannotWrite(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &counting{Store: memstore.New()}
		m := node(t, store, session.Config{})
		cookie := cookieOf(t, m)
		store.broken.Store(true)
		for range 59 {
			time.Sleep(time.Minute)
			require.NoError(t, resume(t, m, cookie))
		}
		time.Sleep(56 * time.Second)
		require.ErrorIs(t, resume(t, m, cookie), errBroken, "the store must know of the use by now")
		store.broken.Store(false)
		time.Sleep(10 * time.Second) // past the end that is stored, which is a use too late for the store alone
		synctest.Wait()
		require.NoError(t, resume(t, m, cookie))
		other := node(t, store, session.Config{})
		require.NoError(t, resume(t, other, cookie))
	})
}

// A session that was ended is not brought back by a use that was saved up.
func TestUsesDoNotRevive(t *testing.T) {
	t.Parallel()
	f := newFixture(t, session.Config{})
	opened, cookie := f.open(t, ada, authn.CarrierCookie)
	f.now = start.Add(10 * time.Second)
	require.NoError(t, f.resume(t, cookie))
	require.NoError(t, f.Revoke(t.Context(), ada, opened.ID))
	require.ErrorIs(t, f.resume(t, cookie), authn.ErrSessionEnded)
	require.NoError(t, f.Flush(t.Context()))
	require.ErrorIs(t, f.resume(t, cookie), authn.ErrSessionEnded)
}

// REL-18: what is saved up is bounded; sessions beyond the bound are stored at once.
func TestSavedUpUsesAreBounded(t *testing.T) {
	t.Parallel()
	const sessions, bound = 70_000, 1 << 16
	store := &counting{Store: memstore.New()}
	now := start
	m, err := session.New(session.Config{}, session.Deps{Store: store, Now: func() time.Time { return now }})
	require.NoError(t, err)
	var cookies []setting.Secret
	for i := range sessions {
		s := authn.Subject{ID: fmt.Sprint("user", i)}
		_, cookie, err := m.Open(t.Context(), authn.Opening{Proof: authn.Proof{Subject: s, Time: now}, Carrier: authn.CarrierCookie})
		require.NoError(t, err)
		cookies = append(cookies, cookie)
	}
	now = start.Add(2 * time.Second)
	for _, cookie := range cookies {
		require.NoError(t, resume(t, m, cookie))
	}
	assert.GreaterOrEqual(t, store.touches.Load(), int64(sessions-bound))
	written := store.touches.Load()
	require.NoError(t, m.Flush(t.Context()))
	assert.EqualValues(t, sessions-written, store.touches.Load()-written)
}
