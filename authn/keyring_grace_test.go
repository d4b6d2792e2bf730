package authn_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
)

// Item 7 of the original: the grace of a rotated key counted from its making,
// so that a key of two hours' service took its tokens with it at once; and one whose grace was over verified
// until the next rotation. Here a key's age plays no part: it verifies while the ring has it, and not a moment longer.
func TestItem7RotationLooksAtNoKeysAge(t *testing.T) {
	t.Parallel()
	keys, err := tokenKeys()
	require.NoError(t, err)
	old, fresh := named(t, keys["ES256"].key, "old"), named(t, keys["ES384"].key, "fresh")
	ring := ringOf(t, old)
	kit := newTokenKit(t, "ES256", func(_ *authn.TokenConfig, deps *authn.TokenDeps) { deps.Keys = ring })
	for _, service := range []time.Duration{0, 2 * time.Hour, 300 * 24 * time.Hour} {
		require.NoError(t, ring.Replace(old))
		kit.clock.Set(kit.clock.Now().Add(service))
		session := tokenSession()
		session.AuthTime, session.Ends = kit.clock.Now(), kit.clock.Now().Add(time.Hour)
		token, claims, err := kit.manager.Issue(session, nil)
		require.NoError(t, err)

		require.NoError(t, ring.Replace(fresh, old))
		for _, at := range []time.Time{kit.clock.Now(), claims.Expires.Add(-time.Nanosecond)} {
			kit.clock.Set(at)
			kit.accepts(t, token)
		}
		require.NoError(t, ring.Replace(fresh))
		kit.refuses(t, token, authn.ErrTokenAlgorithm)
	}
}
