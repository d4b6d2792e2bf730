package authn_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/internal/sqlitetest"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/store/memstore"
	"github.com/authmodule/authmodule/store/sqlstore"
)

func withSecret(secret setting.Secret, previous ...setting.Secret) func(*authn.TokenConfig, *authn.KeyManagerDeps) {
	return func(_ *authn.TokenConfig, deps *authn.KeyManagerDeps) { deps.Secret, deps.Previous = secret, previous }
}

// Whichever call of the store fails, before its effect or after, the ring
// works, no valid token fails, and the same act done again ends as it should.
func TestManagedKeysSurviveEveryFailure(t *testing.T) {
	t.Parallel()
	acts := map[string]func(t *testing.T, n keyNode, k keyRing, signing string) error{
		"start": func(t *testing.T, n keyNode, _ keyRing, _ string) error { return n.Start(t.Context()) },
		"sync":  func(t *testing.T, n keyNode, _ keyRing, _ string) error { return n.Sync(t.Context()) },
		"prune": func(t *testing.T, n keyNode, k keyRing, _ string) error {
			k.advance(48 * time.Hour)
			return n.Maintain(t.Context())
		},
		"rotate": func(t *testing.T, n keyNode, _ keyRing, _ string) error {
			_, err := n.Rotate(t.Context(), operator)
			return err
		},
		"due": func(t *testing.T, n keyNode, k keyRing, _ string) error {
			k.advance(31 * 24 * time.Hour)
			return n.Maintain(t.Context())
		},
		"kill": func(t *testing.T, n keyNode, _ keyRing, signing string) error {
			return n.Kill(t.Context(), operator, signing)
		},
		"unknown": func(t *testing.T, n keyNode, _ keyRing, _ string) error {
			return n.Kill(t.Context(), operator, "no such key")
		},
	}
	for name, act := range acts {
		for at := int64(1); at <= 4; at++ {
			for _, lost := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/call %d/lost %v", name, at, lost), func(t *testing.T) {
					t.Parallel()
					k := newKeyRingKit()
					n, other := k.node(t), k.node(t)
					if name != "start" {
						require.NoError(t, n.Start(t.Context()))
						require.NoError(t, other.Start(t.Context()))
						n.rotate(t)
					}
					signing := ""
					if name != "start" {
						signing = n.kid(t)
					}
					k.store.lost.Store(lost)
					k.store.failAt.Store(k.store.calls.Load() + at)
					_ = act(t, n, k, signing) // fails, or is done before the call
					k.store.failAt.Store(0)
					if err := act(t, n, k, signing); name == "unknown" {
						require.ErrorIs(t, err, authn.ErrNotFound)
					} else {
						require.NoError(t, err)
					}
					stored := k.ring(t)
					require.Equal(t, stored[authn.KeySigning].ID, n.kid(t))
					require.Contains(t, stored, authn.KeyNext)
					k.advance(time.Second)
					if name == "start" {
						require.NoError(t, other.Start(t.Context()))
					}
					require.NoError(t, other.verify(t, n.issue(t)))
					if name == "kill" {
						assert.Equal(t, signing, stored[authn.KeyKilled].ID)
						assert.NotContains(t, other.published(), signing)
					}
				})
			}
		}
	}
}

// While the store is down the keys of the last time sign and verify, and a retired one still retires.
func TestManagedKeysWithTheStoreDown(t *testing.T) {
	t.Parallel()
	k := newKeyRingKit()
	n := k.started(t)
	old := n.kid(t)
	n.rotate(t)
	k.store.down.Store(true)
	require.ErrorIs(t, n.Sync(t.Context()), errDown)
	require.NoError(t, n.verify(t, n.issue(t)))
	assert.Contains(t, n.published(), old)
	k.advance(lasts)
	require.ErrorIs(t, n.Sync(t.Context()), errDown)
	assert.NotContains(t, n.published(), old)
	require.NoError(t, n.verify(t, n.issue(t)))
	assert.ErrorIs(t, k.node(t).Start(t.Context()), errDown)
}

// Of 20 managers that rotate at once exactly one does, on every driver; so it is with the first start.
func TestManagedKeysRace(t *testing.T) {
	t.Parallel()
	stores := map[string]func(t *testing.T) authn.KeyStore{
		"memory": func(*testing.T) authn.KeyStore { return memstore.New() },
		"sqlite": func(t *testing.T) authn.KeyStore {
			s, err := sqlstore.Open(t.Context(), sqlstore.Options{DSN: sqlitetest.Path(t)})
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, s.Close()) })
			require.NoError(t, s.Migrate(t.Context(), sqlstore.MigrateAuto))
			return s
		},
	}
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newKeyRingKit()
			k.store.KeyStore = open(t)
			nodes := make([]keyNode, 20)
			for i := range nodes {
				nodes[i] = k.node(t)
			}
			together(nodes, func(n keyNode) { assert.NoError(t, n.Start(t.Context())) })
			require.Len(t, k.ring(t), 2)
			for round := 1; round <= 3; round++ {
				next := k.ring(t)[authn.KeyNext].ID
				together(nodes, func(n keyNode) {
					signs, err := n.Rotate(t.Context(), operator)
					assert.NoError(t, err)
					assert.Equal(t, next, signs.ID)
				})
				stored, err := k.store.SigningKeys(t.Context())
				require.NoError(t, err)
				require.Len(t, stored.Keys, round+2, "one new key for each round")
				events := 0
				for _, n := range nodes {
					events += len(*n.events)
				}
				require.Equal(t, round, events)
			}
			k.advance(31 * 24 * time.Hour)
			before := k.ring(t)[authn.KeyNext].ID
			together(nodes, func(n keyNode) { assert.NoError(t, n.Maintain(t.Context())) })
			assert.Equal(t, before, k.ring(t)[authn.KeySigning].ID, "20 nodes make one scheduled rotation")
			together(nodes, func(n keyNode) { assert.NoError(t, n.Kill(t.Context(), operator, before)) })
			assert.Equal(t, before, k.ring(t)[authn.KeyKilled].ID)
			for _, n := range nodes {
				require.NoError(t, n.Sync(t.Context()))
				require.NoError(t, nodes[0].verify(t, n.issue(t)))
			}
		})
	}
}

func together(nodes []keyNode, do func(n keyNode)) {
	var all sync.WaitGroup
	start := make(chan struct{})
	for _, n := range nodes {
		all.Go(func() { <-start; do(n) })
	}
	close(start)
	all.Wait()
}

// A key that does not open is left out with a word in the log, and never signs.
func TestManagedKeysThatDoNotOpen(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(signing, next *authn.KeyRecord){
		"changed":       func(s, _ *authn.KeyRecord) { s.Sealed[len(s.Sealed)-1]++ },
		"cut":           func(s, _ *authn.KeyRecord) { s.Sealed = s.Sealed[:20] },
		"none":          func(s, _ *authn.KeyRecord) { s.Sealed = nil },
		"another's":     func(s, n *authn.KeyRecord) { s.Sealed = n.Sealed },
		"algorithm":     func(s, _ *authn.KeyRecord) { s.Algorithm = "ES256" },
		"no algorithm":  func(s, _ *authn.KeyRecord) { s.Algorithm = "none" },
		"under its kid": func(s, n *authn.KeyRecord) { s.ID = n.ID + "x" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newKeyRingKit()
			before := k.started(t)
			token := before.issue(t)
			stored, err := k.store.SigningKeys(t.Context())
			require.NoError(t, err)
			at := func(state authn.KeyState) *authn.KeyRecord {
				return &stored.Keys[slices.IndexFunc(stored.Keys, func(r authn.KeyRecord) bool { return r.State == state })]
			}
			damage(at(authn.KeySigning), at(authn.KeyNext))
			require.NoError(t, k.store.ReplaceSigningKeys(t.Context(), stored.Version, stored.Keys))
			n := k.started(t)
			assert.Equal(t, at(authn.KeyNext).ID, n.kid(t), "the next key stands in")
			assert.ErrorIs(t, n.verify(t, token), authn.ErrTokenKey)
			assert.Equal(t, 1, strings.Count(n.log.String(), "does not open"))
			require.NoError(t, n.Sync(t.Context()))
			assert.Equal(t, 1, strings.Count(n.log.String(), "does not open"), "said once")
		})
	}
}

// auth.secret_key can be changed: the old one opens, a rotation seals anew, and then it can go.
func TestManagedKeysOutliveTheirSecret(t *testing.T) {
	t.Parallel()
	const next = "another secret of at least thirty-two bytes"
	k := newKeyRingKit()
	token := k.started(t).issue(t)
	for name, change := range map[string]func(*authn.TokenConfig, *authn.KeyManagerDeps){
		"another secret": withSecret(next), "two others": withSecret(next, "and one more, of thirty-two bytes or so"),
	} {
		n := k.node(t, change)
		err := n.Start(t.Context())
		require.ErrorIs(t, err, authn.ErrKey, name)
		assert.ErrorContains(t, err, "auth.secret_key")
		assert.ErrorContains(t, err, "auth.previous_secret_keys")
		assert.Contains(t, n.log.String(), "does not open")
		_, _, err = n.tokens.Issue(tokenSession(), nil)
		assert.Error(t, err)
	}
	assert.Len(t, k.ring(t), 2, "a node with the wrong secret changes nothing")
	both := k.started(t, withSecret(next, ringSecret))
	require.NoError(t, both.verify(t, token))
	require.ErrorIs(t, k.node(t, withSecret(next)).Start(t.Context()), authn.ErrKey, "nothing was written yet")
	both.rotate(t)
	alone := k.started(t, withSecret(next))
	require.NoError(t, alone.verify(t, token), "sealed anew, the retiring key too")
	assert.NotContains(t, alone.log.String(), "does not open")
	assert.ErrorIs(t, k.node(t).Start(t.Context()), authn.ErrKey)
}

// No private key, no secret and no sealing key shows in the store, the log, an error or a print.
func TestManagedKeysShowNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys.db")
	s, err := sqlstore.Open(t.Context(), sqlstore.Options{DSN: path})
	require.NoError(t, err)
	require.NoError(t, s.Migrate(t.Context(), sqlstore.MigrateAuto))
	canary := []byte("cAnArY77-of-32-bytes-cAnArY77-xx") // what every secret is made of
	k := newKeyRingKit()
	k.algorithm, k.store.KeyStore = "HS256", s
	var random bytes.Buffer
	for i := byte(0); i < 8; i++ { // a secret and a nonce for each key
		random.Write(append([]byte{'a' + i}, canary[1:]...))
		random.Write(bytes.Repeat([]byte{i}, 12))
	}
	n := k.started(t, func(_ *authn.TokenConfig, deps *authn.KeyManagerDeps) { deps.Rand = readerFunc(random.Read) })
	n.rotate(t)
	require.NoError(t, n.Kill(t.Context(), operator, n.kid(t)))
	wrong := k.node(t, withSecret("another secret of at least thirty-two bytes"))
	shown := fmt.Sprint(wrong.Start(t.Context())) + wrong.log.String() + n.log.String()
	keys, err := n.Keys(t.Context())
	require.NoError(t, err)
	stored, err := s.SigningKeys(t.Context())
	require.NoError(t, err)
	key, err := n.Ring().Signing()
	require.NoError(t, err)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q"} {
		for _, what := range []any{n.KeyManager, *n.events, keys, stored, key, n.Ring(), n.Ring().Public()} {
			shown += fmt.Sprintf(verb, what)
		}
	}
	require.NoError(t, s.Close())
	for _, file := range []string{path, path + "-wal"} {
		shown += readIfThere(t, file)
	}
	for _, secret := range []string{string(canary[1:24]), ringSecret, "another secret of at least"} {
		assertNoKeyBytes(t, shown, secret)
	}
	assert.NotContains(t, shown, base64.StdEncoding.EncodeToString(canary[3:24]))
	derived, err := authn.DeriveSecret([]byte(ringSecret), "signing keys")
	require.NoError(t, err)
	assertNoKeyBytes(t, shown, string(derived))
	assert.NotContains(t, shown, hex.EncodeToString(derived))
}
