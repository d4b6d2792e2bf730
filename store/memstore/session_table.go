package memstore

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/session"
)

type sessionKey struct {
	tenant authn.Tenant
	id     string
}

type sessions struct {
	mu   sync.RWMutex
	byID map[sessionKey]*kept
	// open has the first of each subject's records that were not ended; some of them may have expired.
	open   map[authn.Subject]*kept
	expiry expiry[*kept]
	// most is the largest that byID was when it was last pruned.
	most int
}

func newSessions() sessions {
	return sessions{byID: map[sessionKey]*kept{}, open: map[authn.Subject]*kept{}}
}

// live returns the subject's live records, the last used first.
func (t *sessions) live(sub authn.Subject, now time.Time) []*kept {
	var live []*kept
	for r := t.open[sub]; r != nil; r = r.next {
		if r.live(now) {
			live = append(live, r)
		}
	}
	slices.SortFunc(live, func(a, b *kept) int {
		return cmp.Or(cmp.Compare(b.lastUsedAt, a.lastUsedAt), cmp.Compare(b.id, a.id))
	})
	return live
}

func (t *sessions) insert(r *kept) {
	t.byID[r.key()] = r
	if r.endedAt.isZero() {
		t.link(r)
	}
	at, _ := t.end(r)
	t.expiry.add(at, r, len(t.byID), t.end)
}

func (t *sessions) link(r *kept) {
	if first := t.open[r.subject]; first != nil {
		first.prev, r.next = r, first
	}
	t.open[r.subject] = r
}

// endAll ends the records and returns copies of what they then are.
func (t *sessions) endAll(list []*kept, now time.Time, why authn.EndReason) []session.Record {
	var ended []session.Record
	for _, r := range list {
		r.endedAt, r.endReason = moment(now), why
		t.close(r)
		t.expiry.add(now, r, len(t.byID), t.end)
		ended = append(ended, r.record())
	}
	return ended
}

// close takes the record off its subject's list; one that is on none stays so.
func (t *sessions) close(r *kept) {
	switch {
	case r.prev != nil:
		r.prev.next = r.next
	case t.open[r.subject] != r:
		return
	case r.next == nil:
		delete(t.open, r.subject)
	default:
		t.open[r.subject] = r.next
	}
	if r.next != nil {
		r.next.prev = r.prev
	}
	r.prev, r.next = nil, nil
}

// end is when the record stopped or will stop being live.
func (t *sessions) end(r *kept) (time.Time, bool) {
	at := min(r.idleAt, r.endsAt)
	if !r.endedAt.isZero() {
		at = min(at, r.endedAt)
	}
	return at.time(), !r.gone
}

func (t *sessions) prune(before time.Time) int {
	t.most = max(t.most, len(t.byID))
	n := t.expiry.prune(before, t.end, t.drop)
	t.shrink()
	return n
}

// shrink gives the memory of tables back that are mostly empty; Go's maps keep it.
func (t *sessions) shrink() {
	const worthShrinking, mostlyEmpty = 4096, 4
	if t.most < worthShrinking || len(t.byID) >= t.most/mostlyEmpty {
		return
	}
	byID, open := make(map[sessionKey]*kept, len(t.byID)), make(map[authn.Subject]*kept, len(t.open))
	maps.Copy(byID, t.byID)
	maps.Copy(open, t.open)
	t.byID, t.open, t.most = byID, open, len(byID)
	t.expiry.tidy(len(byID), t.end)
}

func (t *sessions) drop(r *kept) {
	t.close(r)
	r.gone = true
	delete(t.byID, r.key())
}

// own gives the record memory of its own for what it points to.
func own(r *session.Record) {
	if len(r.SecretHash) <= hashRoom && len(r.PreviousHash) <= hashRoom && len(r.Methods) <= methodRoom {
		ownOne(r)
		return
	}
	r.SecretHash, r.PreviousHash = bytes.Clone(r.SecretHash), bytes.Clone(r.PreviousHash)
	r.Methods = slices.Clone(r.Methods)
}

const (
	hashRoom   = 32
	methodRoom = 3
)

// ownOne has one piece of memory for all that a usual record points to: it is copied at every request.
func ownOne(r *session.Record) {
	if len(r.SecretHash)+len(r.PreviousHash)+len(r.Methods) == 0 {
		return
	}
	if len(r.Methods) == 0 {
		room := &[2 * hashRoom]byte{}
		r.SecretHash = copyInto(room[:hashRoom], r.SecretHash)
		r.PreviousHash = copyInto(room[hashRoom:], r.PreviousHash)
		r.Methods = slices.Clone(r.Methods)
		return
	}
	room := &struct {
		secret, previous [hashRoom]byte
		methods          [methodRoom]string
	}{}
	r.SecretHash = copyInto(room.secret[:], r.SecretHash)
	r.PreviousHash = copyInto(room.previous[:], r.PreviousHash)
	r.Methods = copyInto(room.methods[:], r.Methods)
}

// copyInto copies a slice into room, which nobody can then grow it beyond; nil stays nil.
func copyInto[T any](room, list []T) []T {
	if list == nil {
		return nil
	}
	n := copy(room, list)
	return room[:n:n]
}
