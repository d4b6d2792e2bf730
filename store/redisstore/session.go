package redisstore

import (
	"context"
	"errors"
	"time"

	"github.com/redis/rueidis"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/internal/credential"
	"github.com/authmodule/authmodule/session"
)

var (
	errSessionExists = errors.New("the ID exists already")
	errSessionTag    = errors.New("the ID belongs to another account")
)

// keep is how much longer than a record Redis keeps its key. Sessions are pruned a day after their end.
const keep = 48 * time.Hour

func (s *Store) clock() string { return decimal(clamped(s.opts.Now())) }

func keepText() string { return decimal(keep.Milliseconds()) }

// millis is how long a key lives that is of no use after at.
func (s *Store) millis(at time.Time) int64 {
	return max(clamped(at)-clamped(s.opts.Now()), 0)/1000 + keep.Milliseconds()
}

// CreateSession implements [session.Store]. An ID that exists already is an
// error. Any policy but EvictOldest refuses. The indexes are written before the record: what they name
// need not exist, and what exists they name.
func (s *Store) CreateSession(ctx context.Context, r session.Record, limit session.Limit) ([]session.Record, error) {
	evicted, err := s.createSession(ctx, r, limit)
	if errors.Is(err, session.ErrLimit) {
		return nil, err
	}
	return evicted, wrapped(ctx, "create a session", err)
}

func (s *Store) createSession(ctx context.Context, r session.Record, limit session.Limit) ([]session.Record, error) {
	blob, err := encodeSession(r)
	if err != nil {
		return nil, err
	}
	ctx, cancel, err := s.within(ctx)
	if err != nil {
		return nil, err
	}
	defer cancel()
	if err := s.claim(ctx, r); err != nil {
		return nil, err
	}
	if err := s.index(ctx, r); err != nil {
		return nil, err
	}
	if r.Actor != "" {
		limit.Max = 0
	}
	tag, policy := tagOf(r.Subject), "refuse"
	if limit.Policy == session.EvictOldest {
		policy = "evict"
	}
	reply, err := s.step(ctx, s.scripts.create,
		[]string{s.keys.subject(r.Subject), s.keys.session(tag, r.Subject.Tenant, r.ID)},
		s.keys.sessionBase(tag, r.Subject.Tenant), escape(r.ID), blob, decimal(clamped(r.CreatedAt)), decimal(int64(limit.Max)), policy,
		string(authn.EndEvicted), s.clock(), keepText()).ToArray()
	if err != nil {
		return nil, err
	}
	return s.created(ctx, r, reply)
}

// created reads the answer of the script.
func (s *Store) created(ctx context.Context, r session.Record, reply []rueidis.RedisMessage) ([]session.Record, error) {
	const done, exists, refused = 0, 1, 2
	if len(reply) == 0 {
		return nil, errMalformed
	}
	outcome, err := reply[0].AsInt64()
	switch {
	case err != nil:
		return nil, err
	case outcome == exists:
		return nil, errSessionExists
	case outcome == refused:
		s.unindex(ctx, r)
		return nil, session.ErrLimit
	case outcome != done:
		return nil, errMalformed
	}
	blobs, err := texts(reply[1:])
	if err != nil || len(blobs) == 0 {
		return nil, err
	}
	evicted, err := decodeSessions(r.Subject, blobs)
	s.bury(ctx, evicted)
	return evicted, err
}

// Session implements [session.Store]. It is one command for the IDs that this module makes.
func (s *Store) Session(ctx context.Context, t authn.Tenant, id string) (session.Record, error) {
	r, err := s.session(ctx, t, id)
	if errors.Is(err, authn.ErrNotFound) {
		return session.Record{}, err
	}
	return r, wrapped(ctx, "read a session", err)
}

func (s *Store) session(ctx context.Context, t authn.Tenant, id string) (session.Record, error) {
	ctx, cancel, err := s.within(ctx)
	if err != nil {
		return session.Record{}, err
	}
	defer cancel()
	tag, err := s.tag(ctx, t, id)
	if err != nil {
		return session.Record{}, err
	}
	blob, err := s.do(ctx, s.client.B().Get().Key(s.keys.session(tag, t, id)).Build()).ToString()
	if err != nil {
		return session.Record{}, absent(err)
	}
	r, err := decodeSession(blob)
	if err == nil && (r.ID != id || r.Subject.Tenant != t) {
		err = errForeign
	}
	if err != nil {
		return session.Record{}, err
	}
	return r, nil
}

// RotateSession implements [session.Store].
func (s *Store) RotateSession(ctx context.Context, n session.Rotation) error {
	done, err := s.rotate(ctx, n)
	if errors.Is(err, authn.ErrNotFound) || err == nil && !done {
		return authn.ErrConflict
	}
	return wrapped(ctx, "rotate a session", err)
}

func (s *Store) rotate(ctx context.Context, n session.Rotation) (bool, error) {
	ctx, cancel, err := s.within(ctx)
	if err != nil {
		return false, err
	}
	defer cancel()
	if err := checkUse(n.Use); err != nil {
		return false, err
	}
	tag, err := s.tag(ctx, n.Tenant, n.ID)
	if err != nil {
		return false, err
	}
	args := []string{
		decimal(n.Generation), string(n.SecretHash), string(n.NextHash), decimal(clamped(n.Use.At)), decimal(clamped(n.Use.IdleAt)),
		n.Use.IP, n.Use.UserAgent, n.Use.Device, s.clock(), keepText(),
	}
	if n.Proved != nil {
		more, err := proofArgs(*n.Proved)
		if err != nil {
			return false, err
		}
		args = append(args, more...)
	}
	done, err := s.step(ctx, s.scripts.rotate, []string{s.keys.session(tag, n.Tenant, n.ID)}, args...).AsInt64()
	return done == 1, err
}

// EndSessions implements [session.Store].
func (s *Store) EndSessions(ctx context.Context, sub authn.Subject, which session.Selection, now time.Time, why authn.EndReason) ([]session.Record, error) {
	ended, err := s.endSessions(ctx, sub, which, now, why)
	return ended, wrapped(ctx, "end sessions", err)
}

func (s *Store) endSessions(ctx context.Context, sub authn.Subject, which session.Selection, now time.Time, why authn.EndReason) ([]session.Record, error) {
	ctx, cancel, err := s.within(ctx)
	if err != nil {
		return nil, err
	}
	defer cancel()
	blobs, err := s.step(ctx, s.scripts.end, []string{s.keys.subject(sub)}, s.keys.sessionBase(tagOf(sub), sub.Tenant),
		decimal(clamped(now)), string(why), escape(which.Only), escape(which.Except), s.clock(), keepText()).AsStrSlice()
	if err != nil {
		return nil, err
	}
	ended, err := decodeSessions(sub, blobs)
	s.bury(ctx, ended)
	return ended, err
}

// tag returns the tag of a session's slot. An ID of another form than this
// module's takes a look of its own.
func (s *Store) tag(ctx context.Context, t authn.Tenant, id string) (string, error) {
	if tag, ok := credential.TagOf(string(t), id); ok {
		return tag, nil
	}
	tag, err := s.do(ctx, s.client.B().Get().Key(s.keys.alias(t, id)).Build()).ToString()
	return tag, absent(err)
}

// claim notes where the session of an ID is that does not say so itself.
func (s *Store) claim(ctx context.Context, r session.Record) error {
	own := tagOf(r.Subject)
	if tag, ok := credential.TagOf(string(r.Subject.Tenant), r.ID); ok {
		if tag != own {
			return errSessionTag
		}
		return nil
	}
	tag, err := s.step(ctx, s.scripts.claim, []string{s.keys.alias(r.Subject.Tenant, r.ID)}, own, decimal(s.millis(r.EndsAt))).ToString()
	if err == nil && tag != own {
		err = errSessionExists
	}
	return err
}

// absent is what Redis' "nothing there" means to the ports.
func absent(err error) error {
	if rueidis.IsRedisNil(err) {
		return authn.ErrNotFound
	}
	return err
}

func texts(messages []rueidis.RedisMessage) ([]string, error) {
	list := make([]string, 0, len(messages))
	for _, m := range messages {
		text, err := m.ToString()
		if err != nil {
			return nil, err
		}
		list = append(list, text)
	}
	return list, nil
}
