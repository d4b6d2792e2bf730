package authn

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"
)

// mark is the keyed hash of what an entry of the log names; zero is none. It holds no
// pointer, so that a table of millions costs the garbage collector nothing. Among a million entries
// a stranger's ID has the mark of one with odds of 1 to 18 million million: its token would be refused until that entry leaves.
type mark uint64

// marker makes marks; its seed is random, so nobody can choose IDs that collide.
type marker struct{ seed maphash.Seed }

func newMarker() marker { return marker{seed: maphash.MakeSeed()} }

// of separates the parts by a byte that neither a kind nor a tenant contains.
func (m marker) of(kind RevocationKind, t Tenant, id string) mark {
	var h maphash.Hash
	h.SetSeed(m.seed)
	_, _ = h.WriteString(string(kind))
	_ = h.WriteByte(0)
	_, _ = h.WriteString(string(t))
	_ = h.WriteByte(0)
	_, _ = h.WriteString(id)
	return mark(max(h.Sum64(), 1))
}

// change is what is known of an account, a tenant or an API key.
type change struct {
	// at is the position of the last change, ended that of the last end of all sessions; 0 is none.
	at, ended int64
	// hold is until when nothing may be remembered about it, in the clock of [Revocations].
	hold time.Duration
	// until is when it may be forgotten, in Unix seconds.
	until uint32
}

// revocationTable is what a node knows of the log. It is split so that
// requests seldom wait for one another.
type revocationTable struct {
	shards [64]tableShard
	// lastEnded is the highest position at which all sessions of anybody ended. It never gets lower.
	lastEnded atomic.Int64
}

type tableShard struct {
	mu sync.RWMutex
	// dead has until when each ended token, session and key is kept, in Unix seconds.
	dead map[mark]uint32
	// most is the largest that dead was since it was made; Go maps do not shrink.
	most    int
	changed map[mark]change
}

func (t *revocationTable) shard(m mark) *tableShard {
	return &t.shards[uint64(m)%uint64(len(t.shards))]
}

func (t *revocationTable) kill(m mark, until uint32) {
	s := t.shard(m)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dead == nil {
		s.dead = map[mark]uint32{}
	}
	s.dead[m] = max(s.dead[m], until)
	s.most = max(s.most, len(s.dead))
}

func (t *revocationTable) isDead(m mark) bool {
	s := t.shard(m)
	s.mu.RLock()
	defer s.mu.RUnlock()
	_, found := s.dead[m]
	return found
}

// alter merges c into what is known: positions and times only grow.
func (t *revocationTable) alter(m mark, c change) {
	s := t.shard(m)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.changed == nil {
		s.changed = map[mark]change{}
	}
	old := s.changed[m]
	s.changed[m] = change{
		at: max(old.at, c.at), ended: max(old.ended, c.ended), hold: max(old.hold, c.hold), until: max(old.until, c.until),
	}
	for last := t.lastEnded.Load(); last < c.ended && !t.lastEnded.CompareAndSwap(last, c.ended); {
		last = t.lastEnded.Load()
	}
}

func (t *revocationTable) change(m mark) change {
	s := t.shard(m)
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.changed[m]
}

func (t *revocationTable) forgetChanges() {
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.Lock()
		s.changed = nil
		s.mu.Unlock()
	}
}

// sweep forgets what ended before now, and gives the memory of a table back that is mostly empty.
func (t *revocationTable) sweep(now uint32) {
	for i := range t.shards {
		t.shards[i].sweep(now)
	}
}

func (s *tableShard) sweep(now uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for m, until := range s.dead {
		if until < now {
			delete(s.dead, m)
		}
	}
	for m, c := range s.changed {
		if c.until < now {
			delete(s.changed, m)
		}
	}
	const worthwhile, mostlyEmpty = 256, 4
	if s.most > worthwhile && len(s.dead) < s.most/mostlyEmpty {
		kept := make(map[mark]uint32, len(s.dead))
		for m, until := range s.dead {
			kept[m] = until
		}
		s.dead, s.most = kept, len(kept)
	}
}

// unixSeconds is a time as the table keeps it, rounded up.
func unixSeconds(t time.Time) uint32 {
	const latest = 1<<32 - 1
	s := t.Add(time.Second - time.Nanosecond).Unix()
	return uint32(min(max(s, 0), latest))
}
