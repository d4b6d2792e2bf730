package authn

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/internal/seal"
	"github.com/authmodule/authmodule/setting"
)

const (
	// followEvery is how often a node looks for changes of the ring; it has followed a change within 5 s.
	followEvery = 2 * time.Second
	// keyStoreTimeout bounds one exchange with the store.
	keyStoreTimeout = 5 * time.Second
	// refreshEvery is how often an unknown kid may cause a look into the store.
	refreshEvery = time.Second
	// sealPurpose is that of the key that seals signing keys.
	sealPurpose = "signing keys"
)

// KeyRevoker tells every node at once that a key is compromised.
type KeyRevoker interface {
	// RevokeKey has each node call [KeyManager.DropKey] for the key, and remembers it until the time.
	RevokeKey(ctx context.Context, kid string, until time.Time) error
}

// KeyManager makes, keeps, rotates and ends signing keys. It holds a [KeyRing]
// that a [TokenManager] works with; no application sees a private key.
//
//	keys, err := authn.NewKeyManager(cfg, authn.KeyManagerDeps{Store: store, Secret: secret, Log: log})
//	err = keys.Start(ctx)      // the ring has keys from here on
//	go keys.Run(ctx)           // follows other nodes, and rotates on schedule
//	_, err = keys.Rotate(ctx, actor)
//	err = keys.Kill(ctx, actor, kid)
//
// There is one key that signs and one that is next: it is published, so that
// everybody has it before the first token of it. After a rotation the old key verifies
// until its last token has expired. All nodes share the ring through the store, sealed.
//
// When the store does not answer, the keys of the last time stay in use until they expire.
// It is safe for concurrent use.
type KeyManager struct {
	cfg  TokenConfig
	deps KeyManagerDeps
	box  *seal.Box
	ring *KeyRing
	wake chan struct{}
	// exchange is held from reading the store until the ring has what was read, so that no older state follows a newer one.
	exchange sync.Mutex
	// refreshing holds a value while refreshed, the last look for an unknown kid, is somebody's.
	refreshing chan struct{}
	refreshed  time.Time
	// mu guards what follows, and is never held while a store is asked.
	mu      sync.Mutex
	records []KeyRecord
	loaded  map[string]*Key
	// killed are never used again, whatever the store says; unreadable were complained of.
	killed, unreadable map[string]bool
}

// KeyManagerDeps are what a [KeyManager] works with. Store, Secret and Log are required.
type KeyManagerDeps struct {
	Store KeyStore
	// Secret seals keys before they are stored. Previous open what they sealed; a change of the ring seals it anew with Secret.
	Secret   setting.Secret
	Previous []setting.Secret
	// Revoker may be nil: other nodes then follow a kill within 5 s.
	Revoker KeyRevoker
	// Events may be nil.
	Events *audit.Bus
	Log    *slog.Logger
	// Now defaults to time.Now, Rand to crypto/rand.
	Now  func() time.Time
	Rand io.Reader
}

// NewKeyManager returns a manager whose ring is empty until [KeyManager.Start].
// It does no I/O. Of cfg it takes the algorithm, the lifetime of tokens and Managed; it does not look at Managed.Enabled.
func NewKeyManager(cfg TokenConfig, deps KeyManagerDeps) (*KeyManager, error) {
	cfg = cfg.WithDefaults()
	if deps.Store == nil || deps.Secret == "" || deps.Log == nil {
		return nil, errors.New("authn: a key manager needs a store, a secret and a log")
	}
	if _, err := algorithmNamed(cfg.Algorithm); err != nil {
		return nil, err
	}
	if cfg.AccessLifetime() <= 0 || cfg.Managed.RotateDays < 0 || cfg.Managed.PublishSeconds < 0 {
		return nil, errors.New("authn: the lifetime of tokens and the times of managed keys must be positive")
	}
	box, err := newKeyBox(deps.Secret, deps.Previous)
	if err != nil {
		return nil, err
	}
	deps.Secret, deps.Previous = "", nil // the box has them; here they could only be printed
	cfg.SecretKey, cfg.Keys = "", nil
	if deps.Now == nil {
		deps.Now = time.Now
	}
	if deps.Rand == nil {
		deps.Rand = rand.Reader
	}
	m := &KeyManager{
		cfg: cfg, deps: deps, box: box, wake: make(chan struct{}, 1), refreshing: make(chan struct{}, 1),
		loaded: map[string]*Key{}, killed: map[string]bool{}, unreadable: map[string]bool{},
	}
	empty, err := newKeySet(nil, nil)
	if err != nil {
		return nil, err
	}
	m.ring = &KeyRing{refresh: m.refresh}
	m.ring.current.Store(empty)
	return m, nil
}

func newKeyBox(secret setting.Secret, previous []setting.Secret) (*seal.Box, error) {
	var keys [][]byte
	for _, s := range append([]setting.Secret{secret}, previous...) {
		if s == "" {
			return nil, errors.New("authn: a secret that seals keys is empty")
		}
		key, err := DeriveSecret([]byte(s.Reveal()), sealPurpose)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return seal.New(sealPurpose, keys[0], keys[1:]...)
}

// Ring is the ring that the manager keeps up to date. It signs and verifies nothing before Start.
func (m *KeyManager) Ring() *KeyRing { return m.ring }

// Start loads the ring, and makes its first keys where there are none. It fails when this node can sign with no
// key of the ring, because another secret sealed them, and when the ring's kind is not that of the configured algorithm.
func (m *KeyManager) Start(ctx context.Context) error {
	err := m.change(ctx, func(l *keyLedger) error {
		if err := m.fits(l.keys); err != nil {
			return err
		}
		l.prune()
		l.discardNext(m.cfg.Algorithm)
		return l.complete()
	})
	if err != nil {
		return err
	}
	if _, err := m.ring.Signing(); err != nil {
		return fmt.Errorf("%w: none of the stored signing keys opens with auth.secret_key: set it to the secret that sealed them, or add that one to auth.previous_secret_keys", ErrKey)
	}
	return nil
}

// fits refuses a ring of the other kind: secrets and key pairs are never mixed.
func (m *KeyManager) fits(keys []KeyRecord) error {
	for _, r := range keys {
		if r.Verifies(m.now()) && SymmetricAlgorithm(r.Algorithm) != SymmetricAlgorithm(m.cfg.Algorithm) {
			return fmt.Errorf("%w: auth.jwt.algorithm is %s and the stored ring has a key for %s: one ring never holds secrets and key pairs", ErrKey, m.cfg.Algorithm, r.Algorithm)
		}
	}
	return nil
}

// Run follows changes of the ring and does what is due, until ctx is done.
func (m *KeyManager) Run(ctx context.Context) {
	ticker := time.NewTicker(followEvery)
	defer ticker.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-m.wake:
		}
		err := m.Maintain(ctx)
		if ctx.Err() != nil {
			return
		}
		switch {
		case err != nil && !failing:
			m.deps.Log.WarnContext(ctx, "signing keys could not be brought up to date; those of the last time stay in use", "error", err)
		case err == nil && failing:
			m.deps.Log.InfoContext(ctx, "signing keys are up to date again")
		}
		failing = err != nil
	}
}

// Sync takes over what other nodes changed. [KeyManager.Run] does so too, every two seconds.
func (m *KeyManager) Sync(ctx context.Context) error {
	return m.change(ctx, func(*keyLedger) error { return nil })
}

// Maintain is Sync, and does what is due: a scheduled rotation, and dropping keys whose time is over.
func (m *KeyManager) Maintain(ctx context.Context) error {
	var act *audit.Act
	err := m.change(ctx, func(l *keyLedger) error {
		act = nil
		l.prune()
		if !l.due() {
			return l.complete()
		}
		from := l.signing()
		err := l.rotate()
		if from != "" {
			act = m.rotated(Principal{}, "schedule", from, l.signing())
			l.act = act
		}
		return err
	})
	if err == nil {
		act.Tell(ctx)
	}
	return err
}

// now is the time as stores keep it.
func (m *KeyManager) now() time.Time { return m.deps.Now().UTC().Truncate(time.Microsecond) }
