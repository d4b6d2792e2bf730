package memstore

import (
	"context"
	"slices"
	"sort"
	"sync"
	"time"

	"github.com/authmodule/authmodule/authn"
)

// revocations is the log, by ascending position.
type revocations struct {
	mu      sync.RWMutex
	entries []logEntry
	head    int64
	// compacted is how many entries the last compaction left.
	compacted int
	// watchers are called after each append.
	watchers map[int]func()
	serial   int
}

// logEntry is an entry in less memory: tenant and ID are one text, cut at the given place.
type logEntry struct {
	position, until int64
	name            string
	tenant          uint16
	kind            authn.RevocationKind
}

func newRevocations() revocations { return revocations{watchers: map[int]func(){}} }

func (e logEntry) revocation() authn.Revocation {
	return authn.Revocation{
		Position: e.position, Kind: e.kind, Tenant: authn.Tenant(e.name[:e.tenant]), ID: e.name[e.tenant:],
		Until: time.UnixMicro(e.until).UTC(),
	}
}

// Revoke implements [authn.RevocationStore].
func (s *Store) Revoke(ctx context.Context, entries ...authn.Revocation) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	head, watchers, err := s.revocations.append(entries, logPerRecord*s.records)
	if err != nil {
		return 0, err
	}
	for _, changed := range watchers {
		changed()
	}
	return head, nil
}

func (r *revocations) append(entries []authn.Revocation, most int) (int64, []func(), error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.room(len(entries), most) {
		return 0, nil, ErrFull
	}
	for _, e := range entries {
		r.head++
		r.entries = append(r.entries, logEntry{
			position: r.head, until: stamp(e.Until).UnixMicro(), name: string(e.Tenant) + e.ID, tenant: uint16(len(e.Tenant)), kind: e.Kind,
		})
	}
	watchers := make([]func(), 0, len(r.watchers))
	for _, changed := range r.watchers {
		watchers = append(watchers, changed)
	}
	return r.head, watchers, nil
}

// Revocations implements [authn.RevocationStore].
func (s *Store) Revocations(ctx context.Context, after int64, limit int) ([]authn.Revocation, int64, error) {
	if err := ctx.Err(); err != nil {
		return nil, 0, err
	}
	r := &s.revocations
	r.mu.RLock()
	defer r.mu.RUnlock()
	from := sort.Search(len(r.entries), func(i int) bool { return r.entries[i].position > after })
	page := r.entries[from:min(len(r.entries), from+max(limit, 0))]
	list := make([]authn.Revocation, 0, len(page))
	for _, e := range page {
		list = append(list, e.revocation())
	}
	return list, r.head, nil
}

// PruneRevocations implements [authn.RevocationStore].
func (s *Store) PruneRevocations(ctx context.Context, before time.Time) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	r, limit := &s.revocations, stamp(before).UnixMicro()
	r.mu.Lock()
	defer r.mu.Unlock()
	past := func(e logEntry) bool { return e.until < limit }
	if !slices.ContainsFunc(r.entries, past) {
		return 0, nil
	}
	kept := make([]logEntry, 0, len(r.entries))
	for _, e := range r.entries {
		if !past(e) {
			kept = append(kept, e)
		}
	}
	n := len(r.entries) - len(kept)
	r.entries, r.compacted = kept, min(r.compacted, len(kept))
	return n, nil
}

// WatchRevocations implements [authn.RevocationWatcher].
func (s *Store) WatchRevocations(changed func()) (stop func()) {
	r := &s.revocations
	r.mu.Lock()
	defer r.mu.Unlock()
	r.serial++
	id := r.serial
	r.watchers[id] = changed
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.watchers, id)
	}
}
