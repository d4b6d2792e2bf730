package redisstore

import (
	"context"
	"time"

	"github.com/redis/rueidis"

	"github.com/authmodule/authmodule/authn"
)

const (
	// restartGap is more entries than a server can lose of what it acknowledged last.
	restartGap = 1 << 20
	forgetAt   = 1000
)

// Revoke implements [authn.RevocationStore]. The first position is the server's
// time in microseconds. Positions are never used again even when Redis loses the last entries or all of
// them: after a restart and after a failover they leave a gap, and a log that begins anew begins later, unless the
// server's clock was set back before the old log's beginning. The lost entries themselves no longer reach
// nodes that had not read them; with appendfsync always there are none.
func (s *Store) Revoke(ctx context.Context, entries ...authn.Revocation) (int64, error) {
	bounded, cancel, err := s.within(ctx)
	if err != nil {
		return 0, wrapped(ctx, "revoke", err)
	}
	defer cancel()
	args := []string{s.keys.channel(), decimal(restartGap)}
	for _, e := range entries {
		blob, err := encodeEntry(e)
		if err != nil {
			return 0, wrapped(ctx, "revoke", err)
		}
		args = append(args, blob, decimal(clamped(e.Until)))
	}
	last, err := s.step(bounded, s.scripts.append, []string{s.keys.log("stream"), s.keys.log("ends"), s.keys.log("server"), s.keys.log("birth")}, args...).AsInt64()
	return last, wrapped(ctx, "revoke", err)
}

// Revocations implements [authn.RevocationStore]. After a position of a log that was
// lost, since somebody emptied the database, the log is answered as an empty one: whoever follows
// it begins anew as well. Nothing is remembered between calls, so any number of followers may ask.
func (s *Store) Revocations(ctx context.Context, after int64, limit int) ([]authn.Revocation, int64, error) {
	entries, head, err := s.revocations(ctx, max(after, 0), limit)
	return entries, head, wrapped(ctx, "read the revocation log", err)
}

func (s *Store) revocations(ctx context.Context, after int64, limit int) ([]authn.Revocation, int64, error) {
	ctx, cancel, err := s.within(ctx)
	if err != nil {
		return nil, 0, err
	}
	defer cancel()
	keys := []string{s.keys.log("stream"), s.keys.log("birth")}
	reply, err := s.step(ctx, s.scripts.read, keys, decimal(after), decimal(after+1), decimal(int64(limit))).ToArray()
	if err != nil {
		return nil, 0, err
	}
	if len(reply) != 2 {
		return nil, 0, errMalformed
	}
	head, err := reply[0].AsInt64()
	if err != nil {
		return nil, 0, errMalformed
	}
	entries, err := logEntries(reply[1])
	return entries, head, err
}

// PruneRevocations implements [authn.RevocationStore].
func (s *Store) PruneRevocations(ctx context.Context, before time.Time) (int, error) {
	total := 0
	for {
		n, err := s.forget(ctx, before)
		total += int(n)
		if err != nil || n < forgetAt {
			return total, wrapped(ctx, "prune the revocation log", err)
		}
	}
}

func (s *Store) forget(ctx context.Context, before time.Time) (int64, error) {
	ctx, cancel, err := s.within(ctx)
	if err != nil {
		return 0, err
	}
	defer cancel()
	return s.step(ctx, s.scripts.forget, []string{s.keys.log("stream"), s.keys.log("ends")}, decimal(clamped(before)), decimal(forgetAt)).AsInt64()
}

func logEntries(m rueidis.RedisMessage) ([]authn.Revocation, error) {
	stream, err := m.AsXRange()
	if err != nil {
		return nil, err
	}
	list := make([]authn.Revocation, 0, len(stream))
	for _, x := range stream {
		e, err := decodeEntry(x.FieldValues["e"])
		if err != nil {
			return nil, err
		}
		if e.Position, err = position(x.ID); err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	return list, nil
}
