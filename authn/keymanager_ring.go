package authn

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/authmodule/authmodule/setting"
)

func seconds(n setting.Count) time.Duration { return time.Duration(n) * time.Second }

// generate makes a new key and seals it.
func (m *KeyManager) generate() (KeyRecord, error) {
	key, err := GenerateKey(m.cfg.Algorithm, m.deps.Rand)
	if err != nil {
		return KeyRecord{}, err
	}
	material, err := key.material()
	if err != nil {
		return KeyRecord{}, err
	}
	r := KeyRecord{ManagedKey: ManagedKey{ID: key.ID(), Algorithm: key.Algorithm()}}
	r.Sealed, err = m.box.Seal(m.deps.Rand, material, r.ID, r.Algorithm)
	return r, wrapped("seal a signing key", err)
}

// open returns the key of a record. A key whose kid is not its own is refused.
func (m *KeyManager) open(r KeyRecord) (*Key, error) {
	material, _, err := m.box.Open(r.Sealed, r.ID, r.Algorithm)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	key, err := keyOf(r.Algorithm, material)
	if err == nil && key.ID() != r.ID {
		err = fmt.Errorf("%w: the kid is another key's", ErrKey)
	}
	if err != nil {
		return nil, err
	}
	return key, nil
}

// reseal seals with the present secret what an earlier one sealed. What does not open stays as it is.
func (m *KeyManager) reseal(keys []KeyRecord) error {
	for i := range keys {
		material, current, err := m.box.Open(keys[i].Sealed, keys[i].ID, keys[i].Algorithm)
		if err != nil || current {
			continue
		}
		if keys[i].Sealed, err = m.box.Seal(m.deps.Rand, material, keys[i].ID, keys[i].Algorithm); err != nil {
			return wrapped("seal a signing key", err)
		}
	}
	return nil
}

func (m *KeyManager) usable(r KeyRecord) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, err := m.load(r)
	return err == nil && !m.killed[r.ID]
}

// load returns the key of a record, the same object as long as the key is in the ring. It needs mu.
func (m *KeyManager) load(r KeyRecord) (*Key, error) {
	if key := m.loaded[r.ID]; key != nil && key.Algorithm() == r.Algorithm {
		return key, nil
	}
	return m.open(r)
}

// apply makes the ring what the records say.
func (m *KeyManager) apply(records []KeyRecord) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.records = records
	return m.rebuild()
}

// expire keeps the records of the last time, of which some may have expired since.
func (m *KeyManager) expire() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.rebuild()
}

// rebuild needs mu. The next key stands in where this node dropped the signing
// one or cannot open it. A set that does not fit together leaves the ring empty.
func (m *KeyManager) rebuild() error {
	loaded, now := map[string]*Key{}, m.now()
	byState := map[KeyState][]*Key{}
	for _, r := range slices.SortedFunc(slices.Values(m.records), newestKey) {
		if !r.Verifies(now) || m.killed[r.ID] {
			continue
		}
		key, err := m.load(r)
		if err != nil {
			m.complain(r, err)
			continue
		}
		loaded[r.ID] = key
		byState[r.State] = append(byState[r.State], key)
	}
	m.loaded = loaded
	order := slices.Concat(byState[KeySigning], byState[KeyNext], byState[KeyRetiring])
	var signing *Key
	if len(byState[KeySigning])+len(byState[KeyNext]) > 0 {
		signing, order = order[0], order[1:]
	}
	set, err := newKeySet(signing, order)
	if err != nil {
		set, _ = newKeySet(nil, nil) // no key, no error
	}
	if old := m.ring.current.Load(); old.signing != set.signing || !slices.Equal(old.order, set.order) {
		m.ring.current.Store(set)
	}
	return err
}

func newestKey(a, b KeyRecord) int {
	return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(a.ID, b.ID))
}

// complain logs once that a key does not open.
func (m *KeyManager) complain(r KeyRecord, err error) {
	if !m.unreadable[r.ID] {
		m.unreadable[r.ID] = true
		m.deps.Log.Error("a stored signing key does not open and is left out; auth.secret_key may be another than the one that sealed it", "key", r.ID, "state", string(r.State), "error", err)
	}
}

// DropKey takes a key out of this node's ring at once and for as long as the
// process runs, whatever the store says. It does no I/O. A revocation feed calls it for a key that another node killed.
func (m *KeyManager) DropKey(kid string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.killed[kid] = true
	if err := m.rebuild(); err != nil {
		m.deps.Log.Error("the stored signing keys make no ring; none is in use", "error", err)
	}
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// signing is the kid that this node saw signing last.
func (m *KeyManager) signing() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return (&keyLedger{keys: m.records}).signing()
}

func (m *KeyManager) knows(kid string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.ContainsFunc(m.records, func(r KeyRecord) bool { return r.ID == kid })
}

// refresh looks for an unknown key in the store, at most once a second for all of them, and reports whether the
// ring has it now. Callers that come meanwhile wait for the one look.
func (m *KeyManager) refresh(kid string) bool {
	select {
	case m.refreshing <- struct{}{}:
		defer func() { <-m.refreshing }()
	case <-time.After(refreshEvery): // a store that hangs must not hold up everybody who makes up a kid
		return m.has(kid)
	}
	now := m.deps.Now()
	if since := now.Sub(m.refreshed); !m.has(kid) && !m.dropped(kid) && (since < 0 || since >= refreshEvery) {
		m.refreshed = now
		ctx, cancel := context.WithTimeout(context.Background(), refreshEvery)
		defer cancel()
		if err := m.Sync(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			m.deps.Log.Warn("an unknown key could not be looked for", "error", err)
		}
	}
	return m.has(kid)
}

func (m *KeyManager) dropped(kid string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.killed[kid]
}

func (m *KeyManager) has(kid string) bool { return m.ring.current.Load().byID[kid] != nil }
