package authn_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
)

// feed hands a killed key to the nodes, as a revocation feed does.
type feed struct {
	nodes []keyNode
	err   error
	until []time.Time
}

func (f *feed) RevokeKey(_ context.Context, kid string, until time.Time) error {
	if f.err != nil {
		return f.err
	}
	f.until = append(f.until, until)
	for _, n := range f.nodes {
		n.DropKey(kid)
	}
	return nil
}

var operator = authn.Principal{Kind: authn.KindUser, Subject: authn.Subject{ID: "root"}, SessionID: "sid-root"}

// JWT-41, REL-05: a killed key is dead on its node with the call, on others with the feed, and the next key signs.
func TestKillTheSigningKey(t *testing.T) {
	t.Parallel()
	k := newKeyRingKit()
	f := &feed{}
	use := func(_ *authn.TokenConfig, deps *authn.KeyManagerDeps) { deps.Revoker = f }
	a, b := k.started(t, use), k.started(t, use)
	f.nodes = []keyNode{b}
	dead, next := a.kid(t), k.ring(t)[authn.KeyNext].ID
	token := a.issue(t)
	require.NoError(t, b.verify(t, token))
	require.NoError(t, a.Kill(t.Context(), operator, dead))
	for name, n := range map[string]keyNode{"its node": a, "the other": b} {
		assert.ErrorIs(t, n.verify(t, token), authn.ErrTokenKey, name)
		assert.NotContains(t, n.published(), dead, name)
		assert.Equal(t, next, n.kid(t), name)
		assert.NoError(t, b.verify(t, n.issue(t)), name)
	}
	stored := k.ring(t)
	assert.Equal(t, next, stored[authn.KeySigning].ID)
	assert.Contains(t, stored, authn.KeyNext)
	assert.Empty(t, stored[authn.KeyKilled].Sealed, "the key itself is not kept")
	assert.Equal(t, dead, stored[authn.KeyKilled].ID)
	assert.Equal(t, []time.Time{stored[authn.KeyKilled].Expires}, f.until)
	assert.Equal(t, []audit.Event{{
		Type: audit.KeyKilled, Time: tokenEpoch, Actor: "root", SessionID: "sid-root", Detail: map[string]string{"key": dead, "signing": next},
	}}, *a.events)

	require.NoError(t, a.Kill(t.Context(), operator, dead), "again is no error, and tells the others again")
	assert.Len(t, f.until, 2)
	assert.Len(t, *a.events, 1)
	assert.ErrorIs(t, a.Kill(t.Context(), operator, "no such key"), authn.ErrNotFound)
	k.advance(30*24*time.Hour + time.Minute)
	require.NoError(t, a.Maintain(t.Context()))
	assert.NotContains(t, k.ring(t), authn.KeyKilled)
}

// Without a feed other nodes follow a kill by looking at the store.
func TestKillIsFollowedWithoutAFeed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := newKeyRingKit()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		clock := func(_ *authn.TokenConfig, deps *authn.KeyManagerDeps) { deps.Now = time.Now }
		a, b := k.started(t, clock), k.started(t, clock)
		go b.Run(ctx)
		token := a.issue(t)
		require.NoError(t, a.Kill(t.Context(), operator, a.kid(t)))
		time.Sleep(3 * time.Second)
		synctest.Wait()
		assert.ErrorIs(t, b.verify(t, token), authn.ErrTokenKey)
	})
}

// Killing any key, and every key, leaves a ring that works.
func TestKillEveryKey(t *testing.T) {
	t.Parallel()
	k := newKeyRingKit()
	a, b := k.started(t), k.started(t)
	a.rotate(t)
	stored := k.ring(t)
	retiring, next := stored[authn.KeyRetiring].ID, stored[authn.KeyNext].ID
	signing := a.kid(t)
	require.NoError(t, a.Kill(t.Context(), operator, retiring))
	assert.Equal(t, signing, a.kid(t))
	require.NoError(t, a.Kill(t.Context(), operator, next))
	assert.Equal(t, signing, a.kid(t))
	assert.NotEqual(t, next, k.ring(t)[authn.KeyNext].ID)
	for range 5 {
		for _, key := range []authn.KeyRecord{k.ring(t)[authn.KeyNext], k.ring(t)[authn.KeySigning]} {
			require.NoError(t, a.Kill(t.Context(), operator, key.ID))
		}
		require.NoError(t, b.verify(t, a.issue(t)))
		k.advance(time.Second)
	}
	// A node that was told of all its keys at once signs nothing until it has looked.
	for _, kid := range append(b.published(), b.kid(t)) {
		b.DropKey(kid)
	}
	_, _, err := b.tokens.Issue(tokenSession(), nil)
	require.Error(t, err)
	require.NoError(t, a.Kill(t.Context(), operator, a.kid(t)))
	require.NoError(t, a.Kill(t.Context(), operator, a.kid(t)))
	require.NoError(t, b.Sync(t.Context()))
	require.NoError(t, a.verify(t, b.issue(t)))
}

// A killed key stays dead even if the store lists it as it was before.
func TestKilledKeyDoesNotComeBack(t *testing.T) {
	t.Parallel()
	k := newKeyRingKit()
	n := k.started(t)
	token, dead := n.issue(t), n.kid(t)
	before, err := k.store.SigningKeys(t.Context())
	require.NoError(t, err)
	require.NoError(t, n.Kill(t.Context(), operator, dead))
	k.store.frozen.Store(&before)
	require.NoError(t, n.Sync(t.Context()))
	k.advance(time.Hour)
	require.NoError(t, n.Sync(t.Context()))
	assert.ErrorIs(t, n.verify(t, token), authn.ErrTokenKey)
	assert.NotEqual(t, dead, n.kid(t))
}

// A kill that the store does not take counts on its node all the same, is an error, and can be repeated.
func TestKillWithTheStoreDown(t *testing.T) {
	t.Parallel()
	k := newKeyRingKit()
	n := k.started(t)
	token, dead := n.issue(t), n.kid(t)
	k.store.down.Store(true)
	require.ErrorIs(t, n.Kill(t.Context(), operator, dead), errDown)
	assert.ErrorIs(t, n.verify(t, token), authn.ErrTokenKey)
	assert.NoError(t, n.verify(t, n.issue(t)), "the next key signs")
	assert.Empty(t, *n.events)
	k.store.down.Store(false)
	require.NoError(t, n.Kill(t.Context(), operator, dead))
	assert.Equal(t, dead, k.ring(t)[authn.KeyKilled].ID)
	assert.Len(t, *n.events, 1)
}

func TestKillThatCannotBeToldIsAnError(t *testing.T) {
	t.Parallel()
	k := newKeyRingKit()
	f := &feed{err: errors.New("no route to the feed")}
	n := k.started(t, func(_ *authn.TokenConfig, deps *authn.KeyManagerDeps) { deps.Revoker = f })
	dead := n.kid(t)
	require.ErrorIs(t, n.Kill(t.Context(), operator, dead), f.err)
	assert.Equal(t, dead, k.ring(t)[authn.KeyKilled].ID, "killed all the same")
	f.err = nil
	require.NoError(t, n.Kill(t.Context(), operator, dead))
	assert.Len(t, f.until, 1)
}
