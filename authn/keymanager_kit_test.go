package authn_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/store/memstore"
)

const ringSecret = "kit: auth.secret_key, at least 32 bytes of it"

var errDown = errors.New("the store is down")

// keyStore is a store that counts, fails on demand and can hold on to an old ring.
type keyStore struct {
	authn.KeyStore
	reads, writes, calls atomic.Int64
	// failAt is the call that fails; down fails all; lost writes and then fails.
	failAt     atomic.Int64
	down, lost atomic.Bool
	frozen     atomic.Pointer[authn.StoredKeys]
}

func newKeyStore() *keyStore { return &keyStore{KeyStore: memstore.New()} }

func (s *keyStore) fails() bool { return s.calls.Add(1) == s.failAt.Load() || s.down.Load() }

func (s *keyStore) SigningKeys(ctx context.Context) (authn.StoredKeys, error) {
	s.reads.Add(1)
	if s.fails() {
		return authn.StoredKeys{}, errDown
	}
	if frozen := s.frozen.Load(); frozen != nil {
		return *frozen, nil
	}
	return s.KeyStore.SigningKeys(ctx)
}

func (s *keyStore) ReplaceSigningKeys(ctx context.Context, version int64, next []authn.KeyRecord) error {
	s.writes.Add(1)
	fails := s.fails()
	if fails && !s.lost.Load() {
		return errDown
	}
	err := s.KeyStore.ReplaceSigningKeys(ctx, version, next)
	if fails {
		return errDown // the answer was lost, the change was not
	}
	return err
}

// readerFunc is a reader that fmt cannot look into.
type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// keyNode is one node: a manager, and a token manager on its ring.
type keyNode struct {
	*authn.KeyManager
	tokens *authn.TokenManager
	log    *lockedBuffer
	events *[]audit.Event
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// keyRing is what the nodes of a test share.
type keyRing struct {
	store     *keyStore
	clock     *tokenClock
	algorithm string
}

func newKeyRingKit() keyRing {
	return keyRing{store: newKeyStore(), clock: &tokenClock{now: tokenEpoch}, algorithm: "EdDSA"}
}

// node makes a node that has not started.
func (k keyRing) node(t testing.TB, change ...func(*authn.TokenConfig, *authn.KeyManagerDeps)) keyNode {
	t.Helper()
	n := keyNode{log: &lockedBuffer{}, events: &[]audit.Event{}}
	cfg := authn.TokenConfig{Algorithm: k.algorithm}
	bus := audit.NewBus(nil, k.clock.Now)
	var mu sync.Mutex
	bus.Subscribe(audit.ListenerFunc(func(_ context.Context, e audit.Event) {
		mu.Lock()
		defer mu.Unlock()
		*n.events = append(*n.events, e)
	}))
	deps := authn.KeyManagerDeps{
		Store: k.store, Secret: ringSecret, Now: k.clock.Now, Events: bus, Log: slog.New(slog.NewTextHandler(n.log, nil)),
	}
	for _, c := range change {
		c(&cfg, &deps)
	}
	var err error
	n.KeyManager, err = authn.NewKeyManager(cfg, deps)
	require.NoError(t, err)
	n.tokens, err = authn.NewTokenManager(cfg, authn.TokenDeps{Keys: n.Ring(), Revocations: viewOf(t, memstore.New(), deps.Now), Now: deps.Now})
	require.NoError(t, err)
	return n
}

func (k keyRing) started(t testing.TB, change ...func(*authn.TokenConfig, *authn.KeyManagerDeps)) keyNode {
	t.Helper()
	n := k.node(t, change...)
	require.NoError(t, n.Start(t.Context()))
	return n
}

func (k keyRing) advance(d time.Duration) { k.clock.Set(k.clock.Now().Add(d)) }

// ring returns the stored keys by their state; there is at most one in each but retiring and killed, where the newest counts.
func (k keyRing) ring(t testing.TB) map[authn.KeyState]authn.KeyRecord {
	t.Helper()
	stored, err := k.store.KeyStore.SigningKeys(t.Context())
	require.NoError(t, err)
	byState := map[authn.KeyState]authn.KeyRecord{}
	for _, r := range stored.Keys {
		if old, twice := byState[r.State]; twice {
			require.NotContains(t, []authn.KeyState{authn.KeyNext, authn.KeySigning}, r.State, "two keys are %s", r.State)
			if old.RetiredAt.After(r.RetiredAt) {
				continue
			}
		}
		byState[r.State] = r
	}
	return byState
}

func (n keyNode) kid(t testing.TB) string {
	t.Helper()
	key, err := n.Ring().Signing()
	require.NoError(t, err)
	return key.ID()
}

func (n keyNode) issue(t testing.TB) setting.Secret {
	t.Helper()
	session := tokenSession()
	session.Ends = session.Ends.AddDate(1, 0, 0)
	token, _, err := n.tokens.Issue(session, nil)
	require.NoError(t, err)
	return token
}

func (n keyNode) verify(t testing.TB, token setting.Secret) error {
	t.Helper()
	_, err := n.tokens.Verify(t.Context(), token)
	return err
}

func (n keyNode) rotate(t testing.TB) string {
	t.Helper()
	key, err := n.Rotate(t.Context(), authn.Principal{})
	require.NoError(t, err)
	require.Equal(t, key.ID, n.kid(t))
	return key.ID
}

func (n keyNode) published() []string {
	kids := []string{}
	for _, jwk := range n.Ring().Public().Keys {
		kids = append(kids, jwk.KeyID)
	}
	return kids
}

func (n keyNode) logger() *slog.Logger { return slog.New(slog.NewTextHandler(n.log, nil)) }

func readIfThere(t testing.TB, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if !errors.Is(err, fs.ErrNotExist) {
		require.NoError(t, err)
	}
	return string(text)
}
