package memstore

import (
	"bytes"
	"cmp"
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

func keyOf(r *session.Record) sessionKey { return sessionKey{r.Subject.Tenant, r.ID} }

type sessions struct {
	mu   sync.RWMutex
	byID map[sessionKey]*session.Record
	// open holds each subject's records that were not ended; some of them may have expired.
	open   map[authn.Subject]map[string]*session.Record
	expiry expiry[sessionKey]
}

func newSessions() sessions {
	return sessions{
		byID: map[sessionKey]*session.Record{},
		open: map[authn.Subject]map[string]*session.Record{},
	}
}

// live returns the subject's live records, the last used first.
func (t *sessions) live(sub authn.Subject, now time.Time) []*session.Record {
	var live []*session.Record
	for _, r := range t.open[sub] {
		if r.Live(now) {
			live = append(live, r)
		}
	}
	slices.SortFunc(live, func(a, b *session.Record) int {
		return cmp.Or(b.LastUsedAt.Compare(a.LastUsedAt), cmp.Compare(b.ID, a.ID))
	})
	return live
}

func (t *sessions) insert(r *session.Record) {
	t.byID[keyOf(r)] = r
	if r.EndedAt.IsZero() {
		if t.open[r.Subject] == nil {
			t.open[r.Subject] = map[string]*session.Record{}
		}
		t.open[r.Subject][r.ID] = r
	}
	at, _ := t.end(keyOf(r))
	t.expiry.add(at, keyOf(r))
}

// endAll ends the records and returns copies of what they then are.
func (t *sessions) endAll(list []*session.Record, now time.Time, why authn.EndReason) []session.Record {
	var ended []session.Record
	for _, r := range list {
		r.EndedAt, r.EndReason = now, why
		t.close(r)
		t.expiry.add(now, keyOf(r))
		ended = append(ended, cloneSession(*r))
	}
	return ended
}

func (t *sessions) close(r *session.Record) {
	delete(t.open[r.Subject], r.ID)
	if len(t.open[r.Subject]) == 0 {
		delete(t.open, r.Subject)
	}
}

// end is when the record stopped or will stop being live.
func (t *sessions) end(k sessionKey) (time.Time, bool) {
	r, found := t.byID[k]
	if !found {
		return time.Time{}, false
	}
	at := earlier(r.IdleAt, r.EndsAt)
	if !r.EndedAt.IsZero() {
		at = earlier(at, r.EndedAt)
	}
	return at, true
}

func (t *sessions) drop(k sessionKey) {
	t.close(t.byID[k])
	delete(t.byID, k)
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

func stampSession(r session.Record) session.Record {
	r = cloneSession(r)
	for _, t := range []*time.Time{&r.AuthTime, &r.RotatedAt, &r.CreatedAt, &r.LastUsedAt, &r.IdleAt, &r.EndsAt, &r.EndedAt} {
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
