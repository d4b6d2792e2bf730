package session_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/store/memstore"
)

// crossed lets something happen just before a call reaches the store.
type crossed struct {
	*memstore.Store
	beforeRead, beforeRotate func()
}

func (c *crossed) Session(ctx context.Context, t authn.Tenant, id string) (session.Record, error) {
	once(&c.beforeRead)
	return c.Store.Session(ctx, t, id)
}

func (c *crossed) RotateSession(ctx context.Context, r session.Rotation) error {
	once(&c.beforeRotate)
	return c.Store.RotateSession(ctx, r)
}

func once(do *func()) {
	if run := *do; run != nil {
		*do = nil
		run()
	}
}

// crossing is a session with a token in it, and a second manager over the same store.
type crossing struct {
	store         *crossed
	first, second *fixture
	opened        authn.Session
	token         setting.Secret
	events        *audit.Bus
	reuses        int
}

func newCrossing(t *testing.T, cfg session.Config, secondKey byte) *crossing {
	t.Helper()
	c := &crossing{store: &crossed{Store: memstore.New()}, events: audit.NewBus(nil, nil)}
	c.events.Subscribe(audit.ListenerFunc(func(_ context.Context, e audit.Event) {
		if e.Type == audit.RefreshReused {
			c.reuses++
		}
	}))
	on := func(key byte) *fixture {
		return newFixtureOf(t, cfg, func(d *session.Deps) {
			d.Store, d.Events, d.RefreshKey = c.store, c.events, bytes.Repeat([]byte{key}, 32)
		})
	}
	c.first, c.second = on(7), on(secondKey)
	c.opened, c.token = c.first.open(t, ada, authn.CarrierToken)
	return c
}

// REL-02, in order: what another call does between the reading and the rotating of this one.
func TestCallsThatCross(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name      string
		cfg       session.Config
		secondKey byte
		before    func(t *testing.T, c *crossing) setting.Secret
		expected  error
		reuses    int
	}{
		{"rotated", graced(), 7, func(t *testing.T, c *crossing) setting.Secret {
			return c.second.mustRotate(t, c.token)
		}, nil, 0},
		{"rotated, without grace", session.Config{}, 7, func(t *testing.T, c *crossing) setting.Secret {
			return c.second.mustRotate(t, c.token)
		}, authn.ErrRefreshReused, 1},
		{"rotated and used", graced(), 7, func(t *testing.T, c *crossing) setting.Secret {
			return c.second.mustRotate(t, c.second.mustRotate(t, c.token))
		}, authn.ErrRefreshReused, 1},
		{"rotated with another key", graced(), 8, func(t *testing.T, c *crossing) setting.Secret {
			return c.second.mustRotate(t, c.token)
		}, authn.ErrRefreshInvalid, 0},
		{"rotated a little ahead of this clock", graced(), 7, func(t *testing.T, c *crossing) setting.Secret {
			c.second.now = start.Add(time.Second)
			return c.second.mustRotate(t, c.token)
		}, nil, 0},
		{"ended", graced(), 7, func(t *testing.T, c *crossing) setting.Secret {
			require.NoError(t, c.second.Revoke(t.Context(), ada, c.opened.ID))
			return ""
		}, authn.ErrRefreshInvalid, 0},
		{"rotated and ended", graced(), 7, func(t *testing.T, c *crossing) setting.Secret {
			c.second.mustRotate(t, c.token)
			require.NoError(t, c.second.Revoke(t.Context(), ada, c.opened.ID))
			return ""
		}, authn.ErrRefreshInvalid, 0},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := newCrossing(t, tc.cfg, tc.secondKey)
			var theirs setting.Secret
			c.store.beforeRotate = func() { theirs = tc.before(t, c) }
			ours, issued, err := c.first.rotate(t, c.token)
			require.ErrorIs(t, err, tc.expected)
			assert.Equal(t, 1, issued, "the access token was made before; without a refresh token it is not handed out")
			assert.Equal(t, tc.reuses, c.reuses)
			if tc.expected == nil {
				assert.Equal(t, theirs, ours)
			} else {
				assert.Empty(t, ours)
			}
		})
	}
}

// A key that changed inside the window: the child cannot be had again, and nobody is logged out for it.
func TestGraceAcrossAChangeOfTheKey(t *testing.T) {
	t.Parallel()
	c := newCrossing(t, graced(), 8)
	child := c.first.mustRotate(t, c.token)
	c.second.requireRefused(t, c.token, authn.ErrRefreshInvalid)
	assert.Equal(t, child, c.first.mustRotate(t, c.token), "a node with the old key still answers")
	assert.Zero(t, c.reuses)
	c.second.mustRotate(t, child)

	c = newCrossing(t, graced(), 8)
	c.first.mustRotate(t, c.token)
	c.second.now = start.Add(grace)
	c.second.requireRefused(t, c.token, authn.ErrRefreshReused)
	assert.Equal(t, 1, c.reuses, "after the window it is reuse, whatever the key")
}

// The window is judged by when a call arrived: a slow store makes no thief of a client.
func TestSlowStoreClosesNoWindow(t *testing.T) {
	t.Parallel()
	c := newCrossing(t, graced(), 7)
	child := c.first.mustRotate(t, c.token)
	c.first.now = start.Add(grace - tick)
	c.store.beforeRead = func() { c.first.now = start.Add(time.Hour) }
	assert.Equal(t, child, c.first.mustRotate(t, c.token))
	c.first.requireRefused(t, c.token, authn.ErrRefreshReused)
}

// failing has the n-th call to the store fail, before or after it is done.
type failing struct {
	*memstore.Store
	left int
	done bool
}

func (f *failing) orCall(do func() error) error {
	f.left--
	if f.left != 0 {
		return do()
	}
	if f.done {
		if err := do(); err != nil {
			return err
		}
	}
	return errLost
}

func (f *failing) Session(ctx context.Context, t authn.Tenant, id string) (r session.Record, err error) {
	err = f.orCall(func() error {
		r, err = f.Store.Session(ctx, t, id)
		return err
	})
	return r, err
}

func (f *failing) RotateSession(ctx context.Context, r session.Rotation) error {
	return f.orCall(func() error { return f.Store.RotateSession(ctx, r) })
}

func (f *failing) EndSessions(ctx context.Context, s authn.Subject, which session.Selection, now time.Time, why authn.EndReason) (ended []session.Record, err error) {
	err = f.orCall(func() error {
		ended, err = f.Store.EndSessions(ctx, s, which, now, why)
		return err
	})
	return ended, err
}

// REF-08: whichever call to the store fails, in the first use or in the replay, a client that
// tries again within the window has one and the same child, and stays logged in.
func TestStoreFailureInsideTheWindow(t *testing.T) {
	t.Parallel()
	for _, done := range []bool{false, true} {
		for n := 1; n <= 4; n++ {
			store := &failing{Store: memstore.New(), done: done}
			f := newFixtureOf(t, graced(), func(d *session.Deps) { d.Store = store })
			opened, parent := f.open(t, ada, authn.CarrierToken)
			store.left = n
			failures := 0
			children := map[setting.Secret]bool{}
			for i := range 5 {
				f.now = start.Add(time.Duration(i) * time.Second)
				child, _, err := f.rotate(t, parent)
				if err == nil {
					children[child] = true
					continue
				}
				require.ErrorIs(t, err, errLost)
				failures++
			}
			assert.Len(t, children, 1, "call %d", n)
			assert.LessOrEqual(t, failures, 1)
			r, err := store.Store.Session(t.Context(), "", opened.ID)
			require.NoError(t, err)
			assert.EqualValues(t, 2, r.Generation)
			assert.True(t, r.EndedAt.IsZero())
		}
	}
}
