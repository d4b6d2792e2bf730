package authn_test

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/store/memstore"
)

// lasts is how long a replaced key verifies: the lifetime of a token and two minutes.
const lasts = 32 * time.Minute

// JWT-41: a key is published before it signs, signs, verifies until the last
// token has expired, and is dropped.
func TestManagedKeysLife(t *testing.T) {
	t.Parallel()
	k := newKeyRingKit()
	n := k.started(t)
	stored := k.ring(t)
	first, second := stored[authn.KeySigning].ID, stored[authn.KeyNext].ID
	require.Equal(t, first, n.kid(t))
	assert.Equal(t, []string{first, second}, n.published(), "the next key is published before it signs")
	assert.Equal(t, tokenEpoch, stored[authn.KeySigning].SignsAt)
	assert.Zero(t, stored[authn.KeyNext].SignsAt)
	old := n.issue(t)

	k.advance(time.Minute)
	require.Equal(t, second, n.rotate(t))
	stored = k.ring(t)
	assert.Equal(t, second, stored[authn.KeySigning].ID)
	assert.Equal(t, authn.ManagedKey{
		ID: first, Algorithm: "EdDSA", State: authn.KeyRetiring, CreatedAt: tokenEpoch, SignsAt: tokenEpoch,
		RetiredAt: tokenEpoch.Add(time.Minute), Expires: tokenEpoch.Add(time.Minute + lasts),
	}, stored[authn.KeyRetiring].ManagedKey)
	third := stored[authn.KeyNext].ID
	assert.Equal(t, []string{second, third, first}, n.published())
	require.NoError(t, n.verify(t, old))
	require.NoError(t, n.verify(t, n.issue(t)))

	k.advance(lasts - time.Microsecond)
	require.NoError(t, n.Maintain(t.Context()))
	assert.Contains(t, n.published(), first)
	k.advance(time.Microsecond)
	require.NoError(t, n.Sync(t.Context()))
	assert.Equal(t, []string{second, third}, n.published())
	assert.ErrorIs(t, n.verify(t, old), authn.ErrTokenKey, "a retired key refuses")
	assert.Contains(t, k.ring(t), authn.KeyRetiring, "the record stays a minute longer, for nodes whose clock is behind")
	k.advance(time.Minute)
	require.NoError(t, n.Maintain(t.Context()))
	assert.Equal(t, []authn.KeyState{authn.KeyNext, authn.KeySigning}, slices.Sorted(maps.Keys(k.ring(t))))

	keys, err := n.Keys(t.Context())
	require.NoError(t, err)
	require.Len(t, keys, 2)
	assert.Equal(t, third, keys[0].ID, "the newest first")
	require.Len(t, *n.events, 1)
	assert.Equal(t, audit.Event{
		Type: audit.KeyRotated, Time: tokenEpoch.Add(time.Minute), Reason: "request", Detail: map[string]string{"key": second, "previous": first},
	}, (*n.events)[0])
}

// Nothing signs or verifies before the start.
func TestManagedKeysBeforeTheStart(t *testing.T) {
	t.Parallel()
	k := newKeyRingKit()
	token := k.started(t).issue(t)
	n := k.node(t)
	_, _, err := n.tokens.Issue(tokenSession(), nil)
	require.Error(t, err)
	assert.ErrorIs(t, n.verify(t, token), authn.ErrTokenAlgorithm)
	assert.Empty(t, n.published())
	assert.Len(t, k.ring(t), 2)
	require.NoError(t, n.Start(t.Context()))
	assert.NoError(t, n.verify(t, token))
	require.NoError(t, n.Start(t.Context()))
	assert.Len(t, k.ring(t), 2, "a second start makes no keys")
}

// JWT-42 for managed keys: public members only, of every key of the ring and for every algorithm.
func TestManagedKeysArePublishedByPublicMembersOnly(t *testing.T) {
	t.Parallel()
	allowed := map[string][]string{
		"RSA": {"alg", "e", "kid", "kty", "n", "use"}, "EC": {"alg", "crv", "kid", "kty", "use", "x", "y"}, "OKP": {"alg", "crv", "kid", "kty", "use", "x"},
	}
	algorithms := []string{"HS256", "HS384", "HS512", "ES256", "ES384", "ES512", "EdDSA", "PS256"}
	for _, algorithm := range algorithms {
		t.Run(algorithm, func(t *testing.T) {
			t.Parallel()
			k := newKeyRingKit()
			k.algorithm = algorithm
			n := k.started(t)
			old := n.issue(t)
			n.rotate(t)
			require.NoError(t, n.verify(t, old))
			require.NoError(t, n.verify(t, n.issue(t)))
			text, err := json.Marshal(n.Ring().Public())
			require.NoError(t, err)
			if authn.SymmetricAlgorithm(algorithm) {
				require.JSONEq(t, `{"keys":[]}`, string(text))
				return
			}
			var set struct{ Keys []map[string]string }
			require.NoError(t, json.Unmarshal(text, &set))
			require.Len(t, set.Keys, 3)
			for _, jwk := range set.Keys {
				assert.Equal(t, allowed[jwk["kty"]], slices.Sorted(maps.Keys(jwk)))
				assert.Equal(t, []string{algorithm, "sig"}, []string{jwk["alg"], jwk["use"]})
			}
			if jwk := set.Keys[0]; jwk["kty"] == "RSA" {
				assert.Len(t, unbase64(t, jwk["n"]), 384, "3072 bits")
			}
		})
	}
}

// The same key is the same object as long as it is in the ring: caches compare it.
func TestManagedKeysAreReused(t *testing.T) {
	t.Parallel()
	k := newKeyRingKit()
	n := k.started(t)
	before, err := n.Ring().Signing()
	require.NoError(t, err)
	for range 3 {
		require.NoError(t, n.Maintain(t.Context()))
		after, err := n.Ring().Signing()
		require.NoError(t, err)
		assert.Same(t, before, after)
	}
}

// The schedule: after rotate_days, and not before the next key was published for publish_seconds.
func TestManagedKeysRotateOnSchedule(t *testing.T) {
	t.Parallel()
	k := newKeyRingKit()
	n := k.started(t)
	first, second := n.kid(t), k.ring(t)[authn.KeyNext].ID
	k.advance(30*24*time.Hour - time.Microsecond)
	require.NoError(t, n.Maintain(t.Context()))
	require.Equal(t, first, n.kid(t))
	k.advance(time.Microsecond)
	require.NoError(t, n.Maintain(t.Context()))
	require.Equal(t, second, n.kid(t))
	require.Len(t, *n.events, 1)
	assert.Equal(t, "schedule", (*n.events)[0].Reason)

	// A next key that was made late holds the rotation up.
	k.advance(30*24*time.Hour - time.Second)
	require.NoError(t, n.Kill(t.Context(), authn.Principal{}, k.ring(t)[authn.KeyNext].ID))
	third := k.ring(t)[authn.KeyNext].ID
	k.advance(300*time.Second - time.Microsecond)
	require.NoError(t, n.Maintain(t.Context()))
	require.Equal(t, second, n.kid(t))
	k.advance(time.Microsecond)
	require.NoError(t, n.Maintain(t.Context()))
	require.Equal(t, third, n.kid(t))
}

// All nodes follow a rotation within 5 s and none fails meanwhile; the schedule runs by itself; Run ends with its context.
func TestNodesFollowWithinFiveSeconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := newKeyRingKit()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var nodes []keyNode
		var ahead atomic.Int64
		now := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
		for range 3 {
			n := k.started(t, func(_ *authn.TokenConfig, deps *authn.KeyManagerDeps) { deps.Now = now })
			nodes = append(nodes, n)
			go n.Run(ctx)
		}
		first := nodes[0].kid(t)
		for i := range 6 {
			kid := nodes[i%3].rotate(t)
			require.NotEqual(t, first, kid)
			time.Sleep(5 * time.Second)
			synctest.Wait()
			for _, n := range nodes {
				require.Equal(t, kid, n.kid(t))
			}
		}
		signing := nodes[0].kid(t)
		ahead.Store(int64(31 * 24 * time.Hour))
		time.Sleep(5 * time.Second)
		synctest.Wait()
		assert.NotEqual(t, signing, nodes[0].kid(t), "rotated on schedule")
		assert.Len(t, k.ring(t), 3, "but for the one that just retired the old ones are gone")
		rotations := 0
		for _, n := range nodes {
			rotations += len(*n.events)
		}
		assert.Equal(t, 7, rotations, "three nodes make one scheduled rotation")
	})
}

// JWT-07: an unknown kid causes one look into the store, at most once a second
// for all; a bad algorithm, a bad form and a dropped key cause none.
func TestUnknownKeyIsLookedForOnce(t *testing.T) {
	t.Parallel()
	k := newKeyRingKit()
	a, b := k.started(t), k.started(t)
	a.rotate(t)
	a.rotate(t) // b has not seen this key, not even as the next
	token := a.issue(t)
	reads := k.store.reads.Load()
	require.NoError(t, b.verify(t, token), "at once, without a poll")
	assert.Equal(t, reads+1, k.store.reads.Load())
	assert.Equal(t, a.kid(t), b.kid(t))

	other := newKeyRingKit().started(t).issue(t)
	for range 5 {
		assert.ErrorIs(t, b.verify(t, other), authn.ErrTokenKey)
	}
	assert.Equal(t, reads+1, k.store.reads.Load(), "within the second")
	k.advance(time.Second)
	for range 5 {
		assert.ErrorIs(t, b.verify(t, other), authn.ErrTokenKey)
	}
	assert.Equal(t, reads+2, k.store.reads.Load())

	k.advance(time.Second)
	foreign := newKeyRingKit()
	foreign.algorithm = "ES256"
	for _, bad := range []string{foreign.started(t).issue(t).Reveal(), "eyJhbGciOiJub25lIn0.e30.", "eyJhbGciOiJub25lIiwia2lkIjoieCJ9.e30.", "a.b.c", "",
		encode64(`{"alg":"EdDSA","typ":"at+jwt"}`) + ".e30.AA", encode64(`{"alg":"EdDSA","kid":7,"typ":"at+jwt"}`) + ".e30.AA"} {
		_, err := b.Ring().VerifyJWS(bad, authn.JWSPolicy{})
		assert.Error(t, err)
	}
	assert.Equal(t, reads+2, k.store.reads.Load(), "no look for what no key could verify")
	require.NoError(t, b.Kill(t.Context(), authn.Principal{}, b.kid(t)))
	reads = k.store.reads.Load()
	assert.ErrorIs(t, b.verify(t, token), authn.ErrTokenKey)
	assert.Equal(t, reads, k.store.reads.Load(), "a killed key is not looked for")
}

// A ring of key pairs never becomes one of secrets; another algorithm of the same kind comes with the next key.
func TestManagedKeysOfAnotherAlgorithm(t *testing.T) {
	t.Parallel()
	k := newKeyRingKit()
	n := k.started(t)
	old := n.issue(t)
	use := func(algorithm string) func(*authn.TokenConfig, *authn.KeyManagerDeps) {
		return func(c *authn.TokenConfig, _ *authn.KeyManagerDeps) { c.Algorithm = algorithm }
	}
	err := k.node(t, use("HS256")).Start(t.Context())
	require.ErrorIs(t, err, authn.ErrKey)
	assert.ErrorContains(t, err, "auth.jwt.algorithm is HS256")
	es := k.started(t, use("ES256"))
	assert.Equal(t, n.kid(t), es.kid(t))
	assert.Equal(t, "ES256", k.ring(t)[authn.KeyNext].Algorithm)
	es.rotate(t)
	require.NoError(t, es.verify(t, old))
	require.NoError(t, n.Sync(t.Context()))
	assert.NoError(t, n.verify(t, es.issue(t)))
}

func TestNewKeyManagerRefuses(t *testing.T) {
	t.Parallel()
	k := newKeyRingKit()
	for name, change := range map[string]func(*authn.TokenConfig, *authn.KeyManagerDeps){
		"no store":              func(_ *authn.TokenConfig, d *authn.KeyManagerDeps) { d.Store = nil },
		"no secret":             func(_ *authn.TokenConfig, d *authn.KeyManagerDeps) { d.Secret = "" },
		"empty previous secret": func(_ *authn.TokenConfig, d *authn.KeyManagerDeps) { d.Previous = append(d.Previous, "") },
		"no log":                func(_ *authn.TokenConfig, d *authn.KeyManagerDeps) { d.Log = nil },
		"no algorithm":          func(c *authn.TokenConfig, _ *authn.KeyManagerDeps) { c.Algorithm = "none" },
		"negative days":         func(c *authn.TokenConfig, _ *authn.KeyManagerDeps) { c.Managed.RotateDays = -1 },
		"negative lifetime":     func(c *authn.TokenConfig, _ *authn.KeyManagerDeps) { c.AccessTokenExpireMinutes = -1 },
	} {
		cfg := authn.TokenConfig{}
		deps := authn.KeyManagerDeps{Store: memstore.New(), Secret: ringSecret, Log: k.node(t).logger()}
		change(&cfg, &deps)
		_, err := authn.NewKeyManager(cfg, deps)
		assert.Error(t, err, name)
	}
}
