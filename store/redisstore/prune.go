package redisstore

import (
	"context"
	"strconv"
	"time"

	"github.com/redis/rueidis"

	"github.com/authmodule/authmodule/session"
)

// pruneAtOnce is how many records are looked at in one round trip.
const pruneAtOnce = 500

// judge returns the step that drops what a member of an index names if it is past, and what
// to do when it is gone.
type judge func(member string) (step, []rueidis.Completed, error)

// PruneSessions implements [session.Store]. Redis drops by itself what this would find a day later.
func (s *Store) PruneSessions(ctx context.Context, before time.Time) (int, error) {
	limit := decimal(clamped(before))
	n, err := s.prune(ctx, "d", limit, func(member string) (step, []rueidis.Completed, error) {
		sub, id, err := splitDueSession(member)
		if err != nil {
			return step{}, nil, err
		}
		gone := s.client.B().Zrem().Key(s.keys.tenant(sub.Tenant)).Member(listedAs(session.Record{Subject: sub, ID: id})).Build()
		return step{s.scripts.drop, []string{s.keys.session(tagOf(sub), sub.Tenant, id), s.keys.subject(sub)}, []string{limit, escape(id)}},
			[]rueidis.Completed{gone}, nil
	})
	return n, wrapped(ctx, "prune sessions", err)
}

// PruneOneTime implements [authn.OneTimeStore].
func (s *Store) PruneOneTime(ctx context.Context, before time.Time) (int, error) {
	limit := decimal(clamped(before))
	n, err := s.prune(ctx, "e", limit, func(key string) (step, []rueidis.Completed, error) {
		return step{s.scripts.expire, []string{key}, []string{limit}}, nil, nil
	})
	return n, wrapped(ctx, "prune one-time records", err)
}

func (s *Store) prune(ctx context.Context, kind, before string, look judge) (n int, err error) {
	for i := range shards {
		for more := true; more && err == nil; {
			var dropped int
			dropped, more, err = s.prunePage(ctx, s.keys.shard(kind, i), before, look)
			n += dropped
		}
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// prunePage looks at the members of an index that are due, and gives those that live on their later time.
func (s *Store) prunePage(ctx context.Context, index, before string, look judge) (dropped int, more bool, err error) {
	ctx, cancel, err := s.within(ctx)
	if err != nil {
		return 0, false, err
	}
	defer cancel()
	page, err := s.do(ctx, s.client.B().Zrangebyscore().Key(index).Min("-inf").Max("("+before).Withscores().Limit(0, pruneAtOnce).Build()).AsZScores()
	if err != nil || len(page) == 0 {
		return 0, false, err
	}
	steps, leave := make([]step, len(page)), make([][]rueidis.Completed, len(page))
	for i, m := range page {
		if steps[i], leave[i], err = look(m.Member); err != nil {
			return 0, false, err
		}
	}
	var settled []string
	var gone []rueidis.Completed
	for i, reply := range s.run(ctx, steps...) {
		outcome, err := reply.ToString()
		if err != nil {
			return dropped, false, err
		}
		later := outcome
		if outcome == "absent" || outcome == "dropped" {
			later, gone = "", append(gone, leave[i]...)
		}
		if outcome == "dropped" {
			dropped++
		}
		settled = append(settled, page[i].Member, strconv.FormatFloat(page[i].Score, 'f', -1, 64), later)
	}
	if len(gone) > 0 {
		if err := failed(s.doMulti(ctx, gone...)); err != nil {
			return dropped, false, err
		}
	}
	return dropped, len(page) == pruneAtOnce, s.step(ctx, s.scripts.settle, []string{index}, settled...).Error()
}
