package authn

import (
	"hash/maphash"
	"slices"
	"strings"
	"sync/atomic"
	"time"
	"unique"

	"github.com/authmodule/authmodule/internal/verdict"
)

// remembered is a principal with the credential that proved it, and what must
// still hold for it, all in one piece of memory. It is shared by requests; what can change is atomic.
type remembered struct {
	// text is the whole credential.
	text string
	// until is when it must be proved anew, in Unix nanoseconds.
	until int64
	// version is the last one of the view in which it was found good.
	version atomic.Uint64
	// key signed the token, keys is the last set of the ring in which it was found; both are nil for an API key.
	key  *Key
	keys atomic.Pointer[keySet]
	// record is the API key; nil for a token.
	record    *APIKeyRecord
	principal Principal
	memo      verdict.Memo
	// roles is room for those of the principal.
	roles [2]string
	// position and era are those of the revocation view before anything was read.
	position int64
	era      uint64
	// dead are the marks of what ends it, changed of what must not have changed since position.
	dead, changed marks
}

// marks are at most three; the zero mark is none.
type marks [3]mark

// share has one copy of each role name for all entries, since few are distinct.
func (e *remembered) share() {
	roles := e.principal.Roles
	e.principal.Roles = e.roles[:0]
	for _, role := range roles {
		e.principal.Roles = append(e.principal.Roles, unique.Make(role).Value())
	}
	// Who appends to a slice that others have must get one of its own.
	p := &e.principal
	p.Roles, p.Methods, p.Scopes = slices.Clip(p.Roles), slices.Clip(p.Methods), slices.Clip(p.Scopes)
	e.memo.Set(string(p.Subject.Tenant), p.Roles, p.Scopes)
	p.memo = &e.memo
}

const (
	slotsInBucket = 8
	// longestRemembered bounds the memory that one entry takes.
	longestRemembered = 2 << 10
	// tailHashed is how much of a credential finds it: no two good ones have the same signature, or the same secret.
	tailHashed = 48
	// DefaultRemembered is how many principals are remembered by default.
	DefaultRemembered = 65_536
)

// memory finds remembered principals by their credential: by a keyed hash,
// which nobody can aim at, and then by comparing the whole text. Its size is
// fixed; what has no room takes the place of another.
type memory struct {
	seed maphash.Seed
	// buckets are made when first needed.
	buckets atomic.Pointer[[]bucket]
	size    int
	turn    atomic.Uint32
}

// bucket is two cache lines: the tags that a look-up reads, and the entries.
type bucket struct {
	tags    [slotsInBucket]atomic.Uint64
	entries [slotsInBucket]atomic.Pointer[remembered]
}

// newMemory has room for about n principals: twice as many slots, so that few collide.
func newMemory(n int) *memory {
	size := 1
	for size*slotsInBucket < 2*n {
		size *= 2
	}
	return &memory{seed: maphash.MakeSeed(), size: size}
}

func (m *memory) place(text string) (*bucket, uint64) {
	buckets := m.buckets.Load()
	if buckets == nil {
		return nil, 0
	}
	tag := maphash.String(m.seed, text[max(0, len(text)-tailHashed):]) | 1 // zero is no tag
	return &(*buckets)[int(tag>>8)&(m.size-1)], tag
}

// find returns what is remembered of the credential and has not passed its time, or nil.
func (m *memory) find(text string, now time.Time) *remembered {
	b, tag := m.place(text)
	if b == nil {
		return nil
	}
	for i := range b.tags {
		if b.tags[i].Load() != tag {
			continue
		}
		if e := b.entries[i].Load(); e != nil && e.text == text && now.UnixNano() < e.until {
			return e
		}
	}
	return nil
}

// keep remembers e for a minute, or until its principal ends. Of calls that
// come at once for one bucket one may win.
func (m *memory) keep(e *remembered, text string, seen glance, now time.Time) {
	if len(text) > longestRemembered {
		return
	}
	until := now.Add(rememberFor)
	if p := &e.principal; !p.Expires.IsZero() && p.Expires.Before(until) {
		until = p.Expires
	}
	if ends := e.principal.rolesUntil; !ends.IsZero() && ends.Before(until) {
		until = ends
	}
	// Both may be parts of something longer.
	e.text, e.principal.TokenID = strings.Clone(text), strings.Clone(e.principal.TokenID)
	e.until, e.position, e.era = until.UnixNano(), seen.position, seen.era
	e.version.Store(seen.version)
	e.share()
	if m.buckets.Load() == nil {
		fresh := make([]bucket, m.size)
		m.buckets.CompareAndSwap(nil, &fresh)
	}
	b, tag := m.place(e.text)
	i := b.slot(tag, now, int(m.turn.Add(1))%slotsInBucket)
	b.entries[i].Store(e)
	b.tags[i].Store(tag)
}

// slot is where an entry goes: in place of its own older one, of nothing, of one that has passed its time, or of the victim.
func (b *bucket) slot(tag uint64, now time.Time, victim int) int {
	free := -1
	for i := range b.tags {
		if b.tags[i].Load() == tag {
			return i
		}
		if e := b.entries[i].Load(); free < 0 && (e == nil || e.until <= now.UnixNano()) {
			free = i
		}
	}
	if free >= 0 {
		return free
	}
	return victim
}

func (m *memory) forget(e *remembered) {
	b, _ := m.place(e.text)
	for i := range b.entries {
		b.entries[i].CompareAndSwap(e, nil)
	}
}

// sweep lets go of what has passed its time.
func (m *memory) sweep(now time.Time) {
	buckets := m.buckets.Load()
	if buckets == nil {
		return
	}
	for i := range *buckets {
		b := &(*buckets)[i]
		for j := range b.entries {
			if e := b.entries[j].Load(); e != nil && e.until <= now.UnixNano() {
				b.entries[j].CompareAndSwap(e, nil)
			}
		}
	}
}

// glance is the state of the view before something was read that may be remembered.
type glance struct {
	position int64
	era      uint64
	version  uint64
}

// glance must come before what it vouches for is read.
func (r *Revocations) glance() glance {
	g := glance{version: r.version.Load(), era: r.era.Load()}
	g.position = r.position.Load()
	return g
}

// holds reports whether nothing in the log speaks against e. Where nothing
// was added to the log since it was last asked, that is one comparison.
func (r *Revocations) holds(e *remembered) bool {
	version := r.version.Load()
	if e.version.Load() == version {
		return true
	}
	if e.era != r.era.Load() {
		return false
	}
	for _, m := range e.dead {
		if m != 0 && r.table.isDead(m) {
			return false
		}
	}
	for _, m := range e.changed {
		if m != 0 && r.table.change(m).at > e.position {
			return false
		}
	}
	e.version.Store(version)
	return true
}

// settled reports whether none of the marks belongs to something that is just being changed.
func (r *Revocations) settled(changed marks, now time.Time) bool {
	at := r.clock(now)
	for _, m := range changed {
		if m != 0 && r.table.change(m).hold > at {
			return false
		}
	}
	return true
}
