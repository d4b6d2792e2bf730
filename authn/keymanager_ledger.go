package authn

import (
	"errors"
	"slices"
	"time"

	"github.com/authmodule/authmodule/audit"
)

const (
	// keyLeeway is added to the longest lifetime of a token before its key retires:
	// another node may sign with the old key until it has followed the rotation, and clocks differ.
	keyLeeway = 2 * time.Minute
	// killedKeysAreListed is how long the record of a killed key is kept, without the key.
	killedKeysAreListed = 30 * 24 * time.Hour
)

// errNeedKey is how a change of the ledger asks for one more new key.
var errNeedKey = errors.New("authn: a new signing key is needed")

// keyLedger is the stored ring while it is being changed. After an error it is thrown away.
type keyLedger struct {
	keys    []KeyRecord
	changed bool
	// fresh are new keys to take from, sealed already.
	fresh []KeyRecord
	now   time.Time
	// lifetime is that of tokens; rotateEvery and publishFor are the schedule.
	lifetime, rotateEvery, publishFor time.Duration
	// usable reports whether this node can open a key.
	usable func(KeyRecord) bool
	// act tells of the change, if it is to be told of.
	act *audit.Act
}

// in returns the one key in a state, or nil. What it returns is valid until the next change.
func (l *keyLedger) in(state KeyState) *KeyRecord {
	i := slices.IndexFunc(l.keys, func(r KeyRecord) bool { return r.State == state })
	if i < 0 {
		return nil
	}
	return &l.keys[i]
}

// signing is the kid of the signing key, or empty.
func (l *keyLedger) signing() string {
	if r := l.in(KeySigning); r != nil {
		return r.ID
	}
	return ""
}

// take adds a new key in the state.
func (l *keyLedger) take(state KeyState) error {
	if len(l.fresh) == 0 {
		return errNeedKey
	}
	r := l.fresh[0].Clone()
	l.fresh = l.fresh[1:]
	r.State, r.CreatedAt = state, l.now
	if state == KeySigning {
		r.SignsAt = l.now
	}
	l.keys, l.changed = append(l.keys, r), true
	return nil
}

// complete has one key signing and one next. Where no key signs the next one
// does, or a new one where this node cannot open it.
func (l *keyLedger) complete() error {
	if l.in(KeySigning) == nil {
		if r := l.in(KeyNext); r != nil && l.usable(*r) {
			r.State, r.SignsAt, l.changed = KeySigning, l.now, true
		} else if err := l.take(KeySigning); err != nil {
			return err
		}
	}
	if l.in(KeyNext) == nil {
		return l.take(KeyNext)
	}
	return nil
}

// rotate retires the signing key and completes the ring.
func (l *keyLedger) rotate() error {
	if r := l.in(KeySigning); r != nil {
		r.State, r.RetiredAt, r.Expires, l.changed = KeyRetiring, l.now, l.now.Add(l.lifetime+keyLeeway), true
	}
	return l.complete()
}

// due reports whether the signing key has signed for long enough, and the next one was published for long enough.
func (l *keyLedger) due() bool {
	signing, next := l.in(KeySigning), l.in(KeyNext)
	return signing != nil && next != nil && l.usable(*next) &&
		!l.now.Before(signing.SignsAt.Add(l.rotateEvery)) && !l.now.Before(next.CreatedAt.Add(l.publishFor))
}

// kill ends a key and completes the ring. It returns what the key is then, and
// whether it was alive before; [ErrNotFound] for an unknown one.
func (l *keyLedger) kill(kid string) (dead ManagedKey, alive bool, err error) {
	i := slices.IndexFunc(l.keys, func(r KeyRecord) bool { return r.ID == kid })
	if i < 0 {
		return ManagedKey{}, false, ErrNotFound
	}
	r := &l.keys[i]
	if alive = r.State != KeyKilled; alive {
		r.State, r.Sealed, r.RetiredAt, r.Expires, l.changed = KeyKilled, nil, l.now, l.now.Add(killedKeysAreListed), true
	}
	return r.ManagedKey, alive, l.complete()
}

// prune drops records whose time is over, a little later than keys stop to verify, for nodes whose clock is behind.
func (l *keyLedger) prune() {
	before := len(l.keys)
	l.keys = slices.DeleteFunc(l.keys, func(r KeyRecord) bool {
		return (r.State == KeyRetiring || r.State == KeyKilled) && !l.now.Before(r.Expires.Add(pruneLeeway))
	})
	l.changed = l.changed || len(l.keys) != before
}

// discardNext drops a next key of another algorithm, which has signed nothing.
func (l *keyLedger) discardNext(algorithm string) {
	before := len(l.keys)
	l.keys = slices.DeleteFunc(l.keys, func(r KeyRecord) bool { return r.State == KeyNext && r.Algorithm != algorithm })
	l.changed = l.changed || len(l.keys) != before
}
