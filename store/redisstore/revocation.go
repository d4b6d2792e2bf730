package redisstore

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	"github.com/redis/rueidis"

	"github.com/authmodule/authmodule/authn"
)

// logState is what this store knows of the log.
type logState struct {
	mu sync.Mutex
	// birth names the log that was read last; another one is a log that began anew.
	birth string
}

const (
	// restartGap is more entries than a server can lose of what it acknowledged last.
	restartGap = 1 << 20
	forgetAt   = 1000
)

// Revoke implements [authn.RevocationStore]. Positions are never used again even
// when Redis loses its last entries: after a restart and after a failover the
// positions leave a gap. The lost entries themselves no longer reach nodes that had not read them; with
// appendfsync always there are none.
func (s *Store) Revoke(ctx context.Context, entries ...authn.Revocation) (int64, error) {
	bounded, cancel, err := s.within(ctx)
	if err != nil {
		return 0, wrapped(ctx, "revoke", err)
	}
	defer cancel()
	args := []string{s.keys.channel(), rand.Text(), decimal(restartGap)}
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

// Revocations implements [authn.RevocationStore]. A log that began anew, since
// somebody emptied the database, is first answered as an empty one: whoever follows it begins anew as well.
func (s *Store) Revocations(ctx context.Context, after int64, limit int) ([]authn.Revocation, int64, error) {
	entries, head, err := s.revocations(ctx, after, limit)
	return entries, head, wrapped(ctx, "read the revocation log", err)
}

func (s *Store) revocations(ctx context.Context, after int64, limit int) ([]authn.Revocation, int64, error) {
	ctx, cancel, err := s.within(ctx)
	if err != nil {
		return nil, 0, err
	}
	defer cancel()
	reply, err := s.step(ctx, s.scripts.read, []string{s.keys.log("stream"), s.keys.log("birth")}, decimal(max(after, 0)+1), decimal(int64(limit))).ToArray()
	if err != nil {
		return nil, 0, err
	}
	if len(reply) != 3 {
		return nil, 0, errMalformed
	}
	birth, errBirth := reply[0].ToString()
	head, errHead := reply[1].AsInt64()
	if errBirth != nil || errHead != nil {
		return nil, 0, errMalformed
	}
	if !s.log.continues(birth, after) {
		return nil, 0, nil
	}
	entries, err := logEntries(reply[2])
	return entries, head, err
}

// continues reports whether the log is the one whose position after is.
func (l *logState) continues(birth string, after int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if after <= 0 || l.birth == "" {
		l.birth = birth
	}
	return l.birth == birth
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
