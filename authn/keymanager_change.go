package authn

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/authmodule/authmodule/audit"
)

// Keys lists the ring as it is stored, the newest key first, without the keys themselves.
func (m *KeyManager) Keys(ctx context.Context) ([]ManagedKey, error) {
	stored, err := m.deps.Store.SigningKeys(ctx)
	if err != nil {
		return nil, wrapped("list signing keys", err)
	}
	keys := make([]ManagedKey, 0, len(stored.Keys))
	for _, r := range stored.Keys {
		keys = append(keys, r.ManagedKey)
	}
	slices.SortFunc(keys, func(a, b ManagedKey) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	return keys, nil
}

// Rotate has the next key sign from now on, and returns it. The old key
// verifies until its last token has expired. It replaces the key that this node saw
// signing last: of any number of nodes that rotate at once exactly one does, and the others return its key.
//
// It does not wait until the next key was published for long enough. This application's own nodes know
// every key; other readers of the key set must look again when they meet a kid that they do not know.
func (m *KeyManager) Rotate(ctx context.Context, actor Principal) (ManagedKey, error) {
	seen, rotated := m.signing(), false
	var signs ManagedKey
	var act *audit.Act
	err := m.change(ctx, func(l *keyLedger) error {
		if rotated = l.signing() == seen; rotated {
			if err := l.rotate(); err != nil {
				return err
			}
		}
		if r := l.in(KeySigning); r != nil {
			signs = r.ManagedKey
		}
		if rotated {
			act = m.rotated(actor, "request", seen, signs.ID)
			l.act = act
		}
		return nil
	})
	if err != nil {
		return ManagedKey{}, err
	}
	if rotated {
		act.Tell(ctx)
	}
	return signs, nil
}

// Kill ends a compromised key at once: its tokens are refused, and if it
// signed the next key does. This node drops it before the store is asked, other nodes when the [KeyRevoker] tells them or they look
// at the store. It returns [ErrNotFound] for a key that is not in the ring. After any other error the
// key may live on other nodes: call it again, which is always safe.
func (m *KeyManager) Kill(ctx context.Context, actor Principal, kid string) error {
	if m.knows(kid) {
		m.DropKey(kid)
	}
	var dead ManagedKey
	var alive bool
	var act *audit.Act
	err := m.change(ctx, func(l *keyLedger) (err error) {
		if dead, alive, err = l.kill(kid); alive {
			act = m.act(actor, audit.Event{Type: audit.KeyKilled, Detail: map[string]string{"key": kid, "signing": l.signing()}})
			l.act = act
		}
		return err
	})
	if err != nil {
		return err
	}
	m.DropKey(kid)
	if alive {
		act.Tell(ctx)
	}
	if m.deps.Revoker == nil {
		return nil
	}
	return wrapped("tell other nodes of a killed key", m.deps.Revoker.RevokeKey(ctx, kid, dead.Expires))
}

// change lets do work on the stored ring and stores what it made, reading anew
// when another node came first. In the end this node has what is stored.
func (m *KeyManager) change(ctx context.Context, do func(*keyLedger) error) error {
	var fresh []KeyRecord
	err := ErrConflict
	for range updateTries {
		err = m.try(ctx, fresh, do)
		switch {
		case errors.Is(err, errNeedKey): // made while nobody waits for the ring
			made, failed := m.generate()
			if failed != nil {
				return failed
			}
			fresh = append(fresh, made)
		case !errors.Is(err, ErrConflict):
			return err
		}
	}
	return fmt.Errorf("authn: change the signing keys: %w", err)
}

func (m *KeyManager) try(ctx context.Context, fresh []KeyRecord, do func(*keyLedger) error) error {
	ctx, cancel := context.WithTimeout(ctx, keyStoreTimeout)
	defer cancel()
	m.exchange.Lock()
	defer m.exchange.Unlock()
	stored, err := m.deps.Store.SigningKeys(ctx)
	if err != nil {
		return errors.Join(wrapped("read the signing keys", err), m.expire())
	}
	l := &keyLedger{
		keys: cloneKeyRecords(stored.Keys), fresh: fresh, now: m.now(), lifetime: m.cfg.AccessLifetime(), usable: m.usable,
		rotateEvery: m.cfg.Managed.RotateDays.Duration(), publishFor: seconds(m.cfg.Managed.PublishSeconds),
	}
	if err := do(l); err != nil {
		return err
	}
	if !l.changed {
		return m.apply(stored.Keys)
	}
	if err := m.reseal(l.keys); err != nil {
		return err
	}
	if err := m.deps.Store.ReplaceSigningKeys(l.act.In(ctx), stored.Version, l.keys); err != nil {
		return wrapped("store the signing keys", err)
	}
	return m.apply(l.keys)
}

func cloneKeyRecords(list []KeyRecord) []KeyRecord {
	clones := make([]KeyRecord, 0, len(list)+1)
	for _, r := range list {
		clones = append(clones, r.Clone())
	}
	return clones
}

func (m *KeyManager) rotated(actor Principal, reason, from, to string) *audit.Act {
	return m.act(actor, audit.Event{Type: audit.KeyRotated, Reason: reason, Detail: map[string]string{"key": to, "previous": from}})
}

func (m *KeyManager) act(actor Principal, e audit.Event) *audit.Act {
	e.Time, e.Tenant, e.Actor, e.SessionID = m.deps.Now(), string(actor.Subject.Tenant), ActorID(actor), actor.SessionID
	return m.deps.Events.Act(e)
}
