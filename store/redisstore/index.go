package redisstore

import (
	"context"
	"strings"

	"github.com/redis/rueidis"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/session"
)

// Two indexes outside the account's slot name each session: the tenant's, in
// order of ID, and one of those that say when it is due to be dropped at the
// earliest. They may name what is not there.

// index names the session in both.
func (s *Store) index(ctx context.Context, r session.Record) error {
	due := dueSession(r)
	return failed(s.doMulti(ctx,
		s.client.B().Zadd().Key(s.keys.due("d", due)).ScoreMember().ScoreMember(deathOf(r), due).Build(),
		s.client.B().Zadd().Key(s.keys.tenant(r.Subject.Tenant)).ScoreMember().ScoreMember(0, listedAs(r)).Build(),
	))
}

// unindex is for a session that was not stored. When it fails, pruning does it later.
func (s *Store) unindex(ctx context.Context, r session.Record) {
	due := dueSession(r)
	s.doMulti(ctx,
		s.client.B().Zrem().Key(s.keys.tenant(r.Subject.Tenant)).Member(listedAs(r)).Build(),
		s.client.B().Zrem().Key(s.keys.due("d", due)).Member(due).Build(),
	)
}

// bury is for sessions that have ended: nobody lists them, and they are due
// earlier. When it fails, listing and the life of the key do it later.
func (s *Store) bury(ctx context.Context, ended []session.Record) {
	if len(ended) == 0 {
		return
	}
	commands := make([]rueidis.Completed, 0, 2*len(ended))
	for _, r := range ended {
		due := dueSession(r)
		commands = append(commands,
			s.client.B().Zrem().Key(s.keys.tenant(r.Subject.Tenant)).Member(listedAs(r)).Build(),
			s.client.B().Zadd().Key(s.keys.due("d", due)).Lt().ScoreMember().ScoreMember(deathOf(r), due).Build(),
		)
	}
	s.doMulti(ctx, commands...)
}

// deathOf is when the record stops being live, in microseconds, as Redis orders by it.
func deathOf(r session.Record) float64 {
	at := min(clamped(r.IdleAt), clamped(r.EndsAt))
	if !r.EndedAt.IsZero() {
		at = min(at, clamped(r.EndedAt))
	}
	return float64(at)
}

// dueSession is the session as a member of an index of what is due.
func dueSession(r session.Record) string {
	w := &writer{}
	for _, part := range []string{string(r.Subject.Tenant), r.Subject.ID, r.ID} {
		w.text(part)
	}
	return string(w.b)
}

func splitDueSession(member string) (authn.Subject, string, error) {
	in := &reader{s: member}
	sub := authn.Subject{Tenant: authn.Tenant(in.text()), ID: in.text()}
	id := in.text()
	return sub, id, in.done()
}

// The tenant's index orders its members by their bytes, and so by ID: a zero
// byte in an ID is followed by 0xff, and two zero bytes end it, before the tag.
const (
	zero, zeroInID, endOfID = "\x00", "\x00\xff", "\x00\x00"
)

func listedAs(r session.Record) string { return escapeZero(r.ID) + endOfID + tagOf(r.Subject) }

// laterID is a bound above every member with the ID, and below those with later ones.
func laterID(id string) string { return escapeZero(id) + "\x00\x01" }

func escapeZero(id string) string { return strings.ReplaceAll(id, zero, zeroInID) }

func splitListed(member string) (id, tag string, err error) {
	id, tag, found := strings.Cut(member, endOfID)
	if !found {
		return "", "", errMalformed
	}
	return strings.ReplaceAll(id, zeroInID, zero), tag, nil
}
