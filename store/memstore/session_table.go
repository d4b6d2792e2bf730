package memstore

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"
	"unique"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/session"
)

type sessionKey struct {
	tenant authn.Tenant
	id     string
}

func keyOf(r *session.Record) sessionKey { return sessionKey{r.Subject.Tenant, r.ID} }

// kept is a record in the table. Those of one subject that were not ended are a list by
// their own pointers, which costs less than a map for each subject.
type kept struct {
	session.Record
	prev, next *kept
	// method is room for the only one of Methods, which most records have.
	method [1]string
	// gone: it is in the table no more.
	gone bool
}

// keep returns the record as the table has it, sharing no memory with r.
func keep(r session.Record) *kept {
	methods := r.Methods
	if len(methods) == 1 {
		r.Methods = nil
	}
	k := &kept{Record: stampSession(r)}
	if len(methods) == 1 {
		k.method[0] = methods[0]
		k.Methods = k.method[:]
	}
	k.Device = unique.Make(k.Device).Value() // few are distinct
	return k
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
		if r.Live(now) {
			live = append(live, r)
		}
	}
	slices.SortFunc(live, func(a, b *kept) int {
		return cmp.Or(b.LastUsedAt.Compare(a.LastUsedAt), cmp.Compare(b.ID, a.ID))
	})
	return live
}

func (t *sessions) insert(r *kept) {
	t.byID[keyOf(&r.Record)] = r
	if r.EndedAt.IsZero() {
		t.link(r)
	}
	at, _ := t.end(r)
	t.expiry.add(at, r, len(t.byID), t.end)
}

func (t *sessions) link(r *kept) {
	if first := t.open[r.Subject]; first != nil {
		first.prev, r.next = r, first
	}
	t.open[r.Subject] = r
}

// endAll ends the records and returns copies of what they then are.
func (t *sessions) endAll(list []*kept, now time.Time, why authn.EndReason) []session.Record {
	var ended []session.Record
	for _, r := range list {
		r.EndedAt, r.EndReason = now, why
		t.close(r)
		t.expiry.add(now, r, len(t.byID), t.end)
		ended = append(ended, cloneSession(r.Record))
	}
	return ended
}

// close takes the record off its subject's list; one that is on none stays so.
func (t *sessions) close(r *kept) {
	switch {
	case r.prev != nil:
		r.prev.next = r.next
	case t.open[r.Subject] != r:
		return
	case r.next == nil:
		delete(t.open, r.Subject)
	default:
		t.open[r.Subject] = r.next
	}
	if r.next != nil {
		r.next.prev = r.prev
	}
	r.prev, r.next = nil, nil
}

// end is when the record stopped or will stop being live.
func (t *sessions) end(r *kept) (time.Time, bool) {
	at := earlier(r.IdleAt, r.EndsAt)
	if !r.EndedAt.IsZero() {
		at = earlier(at, r.EndedAt)
	}
	return at, !r.gone
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
	delete(t.byID, keyOf(&r.Record))
}

// use records a use. One that is reported late moves no time backwards and
// leaves the description of the later client.
func use(r *session.Record, u session.Use) {
	at := stamp(u.At)
	if !at.Before(r.LastUsedAt) {
		r.LastUsedAt = at
		r.IP, r.UserAgent, r.Device = u.IP, u.UserAgent, u.Device
	}
	r.IdleAt = later(r.IdleAt, stamp(u.IdleAt))
}

func prove(r *session.Record, p session.Proved) {
	p.AuthTime, p.MFATime = stamp(p.AuthTime), stamp(p.MFATime)
	r.Prove(p)
}

func stampSession(r session.Record) session.Record {
	r = cloneSession(r)
	for _, t := range []*time.Time{&r.AuthTime, &r.MFATime, &r.RotatedAt, &r.CreatedAt, &r.LastUsedAt, &r.IdleAt, &r.EndsAt, &r.EndedAt} {
		*t = stamp(*t)
	}
	return r
}

func cloneSession(r session.Record) session.Record {
	if len(r.SecretHash) <= hashRoom && len(r.PreviousHash) <= hashRoom && len(r.Methods) <= methodRoom {
		return cloneIntoOne(r)
	}
	r.SecretHash, r.PreviousHash = bytes.Clone(r.SecretHash), bytes.Clone(r.PreviousHash)
	r.Methods = slices.Clone(r.Methods)
	return r
}

const (
	hashRoom   = 32
	methodRoom = 3
)

// cloneIntoOne has one piece of memory for all that a usual record points to: it is copied at every request.
func cloneIntoOne(r session.Record) session.Record {
	if len(r.SecretHash)+len(r.PreviousHash)+len(r.Methods) == 0 {
		return r
	}
	if len(r.Methods) == 0 {
		room := &[2 * hashRoom]byte{}
		r.SecretHash = copyInto(room[:hashRoom], r.SecretHash)
		r.PreviousHash = copyInto(room[hashRoom:], r.PreviousHash)
		r.Methods = slices.Clone(r.Methods)
		return r
	}
	room := &struct {
		secret, previous [hashRoom]byte
		methods          [methodRoom]string
	}{}
	r.SecretHash = copyInto(room.secret[:], r.SecretHash)
	r.PreviousHash = copyInto(room.previous[:], r.PreviousHash)
	r.Methods = copyInto(room.methods[:], r.Methods)
	return r
}

// copyInto copies a slice into room, which nobody can then grow it beyond; nil stays nil.
func copyInto[T any](room, list []T) []T {
	if list == nil {
		return nil
	}
	n := copy(room, list)
	return room[:n:n]
}
