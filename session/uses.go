package session

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"time"

	"github.com/authmodule/authmodule/authn"
)

const (
	useShards = 16
	// mostUses bounds the sessions whose uses are saved up; those beyond it are stored at once.
	mostUses = 1 << 16
	// storeBefore is how long before the stored end of a session a use of it is stored at the latest, so
	// that no other node takes it for ended.
	storeBefore = 5 * time.Second
)

type useKey struct {
	tenant authn.Tenant
	id     string
}

// pendingUse is the last use of a session that is not stored yet.
type pendingUse struct {
	at time.Time
	// due is when it must be stored; later uses do not move it. Ends is when the session ends as it is stored.
	due, ends time.Time
	idle      time.Duration
	ip        netip.Addr
	userAgent string
}

// uses saves up the last uses of sessions until they are due.
type uses struct {
	seed   maphash.Seed
	shards [useShards]struct {
		mu      sync.Mutex
		pending map[useKey]pendingUse
	}
}

func newUses() *uses {
	u := &uses{seed: maphash.MakeSeed()}
	for i := range u.shards {
		u.shards[i].pending = map[useKey]pendingUse{}
	}
	return u
}

func (u *uses) shard(k useKey) int { return int(maphash.String(u.seed, k.id) % useShards) }

// note saves up a use, and reports false when it must be stored at once: there is no room, or the session ends soon.
func (u *uses) note(k useKey, use pendingUse) bool {
	must := use.ends.Add(-storeBefore)
	if !use.at.Before(must) {
		return false
	}
	use.due = minTime(use.due, must)
	s := &u.shards[u.shard(k)]
	s.mu.Lock()
	defer s.mu.Unlock()
	earlier, found := s.pending[k]
	switch {
	case found:
		use.due = minTime(earlier.due, use.due)
		if earlier.ends.After(use.ends) {
			use.ends = earlier.ends
		}
		if use.at.Before(earlier.at) {
			use.at, use.ip, use.userAgent = earlier.at, earlier.ip, earlier.userAgent
		}
	case len(s.pending) >= mostUses/useShards:
		return false
	}
	s.pending[k] = use
	return true
}

// last returns the last use that is saved up.
func (u *uses) last(k useKey) (pendingUse, bool) {
	s := &u.shards[u.shard(k)]
	s.mu.Lock()
	defer s.mu.Unlock()
	use, found := s.pending[k]
	return use, found
}

// dueUse is a use that must be stored.
type dueUse struct {
	key useKey
	use pendingUse
}

// due returns what must be stored by the given time, without forgetting it. What comes too late, because the session has
// ended meanwhile for all who read the store, is forgotten: it must not come back.
func (u *uses) due(now, by time.Time) []dueUse {
	var found []dueUse
	for i := range u.shards {
		s := &u.shards[i]
		s.mu.Lock()
		for k, use := range s.pending {
			switch {
			case !now.Before(use.ends):
				delete(s.pending, k)
			case !by.Before(use.due):
				found = append(found, dueUse{k, use})
			}
		}
		s.mu.Unlock()
	}
	return found
}

// stored forgets what was stored, unless the session was used again; then that use has until next.
func (u *uses) stored(k useKey, use pendingUse, next time.Time) {
	s := &u.shards[u.shard(k)]
	s.mu.Lock()
	defer s.mu.Unlock()
	held, found := s.pending[k]
	if !found {
		return
	}
	if !held.at.After(use.at) {
		delete(s.pending, k)
		return
	}
	held.due = next
	s.pending[k] = held
}

func minTime(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
