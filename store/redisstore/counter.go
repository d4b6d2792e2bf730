package redisstore

import (
	"context"
	"time"

	"github.com/redis/rueidis"

	"github.com/authmodule/authmodule/authn"
)

// Counter implements [authn.CounterStore].
func (s *Store) Counter(ctx context.Context, k authn.CounterKey) (authn.Counter, error) {
	bounded, cancel, err := s.within(ctx)
	if err != nil {
		return authn.Counter{}, wrapped(ctx, "read a counter", err)
	}
	defer cancel()
	blob, err := s.do(bounded, s.client.B().Get().Key(s.keys.counter(k)).Build()).ToString()
	if rueidis.IsRedisNil(err) {
		return authn.Counter{}, nil
	}
	if err != nil {
		return authn.Counter{}, wrapped(ctx, "read a counter", err)
	}
	c, err := decodeCounter(blob, k)
	return c, wrapped(ctx, "read a counter", err)
}

// PutCounter implements [authn.CounterStore]. Redis drops by itself what [Store.PruneCounters] would find two days later.
func (s *Store) PutCounter(ctx context.Context, k authn.CounterKey, c authn.Counter, version int64) error {
	c.Version = version + 1
	blob, err := encodeCounter(c, k)
	if err != nil {
		return wrapped(ctx, "store a counter", err)
	}
	bounded, cancel, err := s.within(ctx)
	if err != nil {
		return wrapped(ctx, "store a counter", err)
	}
	defer cancel()
	swapped, err := s.swapCounter(bounded, k, c, version, blob)
	if err == nil && !swapped {
		return authn.ErrConflict
	}
	return wrapped(ctx, "store a counter", err)
}

// swapCounter files the counter where it has an end. A time that is too early does no harm there: who prunes looks at the counter itself.
func (s *Store) swapCounter(ctx context.Context, k authn.CounterKey, c authn.Counter, version int64, blob string) (bool, error) {
	key, lives := s.keys.counter(k), ""
	if !c.Expires.IsZero() {
		lives = decimal(s.millis(c.Expires))
	}
	swap := step{s.scripts.counter, []string{key}, []string{decimal(version), blob, lives}}
	commands := []rueidis.Completed{swap.cached(s.client.B())}
	if lives != "" {
		commands = append(commands, s.client.B().Zadd().Key(s.keys.due("f", key)).Lt().ScoreMember().ScoreMember(float64(clamped(c.Expires)), key).Build())
	}
	results := s.doMulti(ctx, commands...)
	if unknownScript(results[0].Error()) {
		results[0] = s.do(ctx, swap.full(s.client.B()))
	}
	if err := failed(results[1:]); err != nil {
		return false, err
	}
	n, err := results[0].ToInt64()
	return n == 1, err
}

// DeleteCounter implements [authn.CounterStore].
func (s *Store) DeleteCounter(ctx context.Context, k authn.CounterKey) error {
	bounded, cancel, err := s.within(ctx)
	if err != nil {
		return wrapped(ctx, "delete a counter", err)
	}
	defer cancel()
	return wrapped(ctx, "delete a counter", s.do(bounded, s.client.B().Del().Key(s.keys.counter(k)).Build()).Error())
}

// PruneCounters implements [authn.CounterStore].
func (s *Store) PruneCounters(ctx context.Context, before time.Time) (int, error) {
	limit := decimal(clamped(before))
	n, err := s.prune(ctx, "f", limit, func(key string) (step, []rueidis.Completed, error) {
		return step{s.scripts.lapse, []string{key}, []string{limit, decimal(none)}}, nil, nil
	})
	return n, wrapped(ctx, "prune counters", err)
}

// encodeCounter packs a counter: first what the scripts work with.
func encodeCounter(c authn.Counter, k authn.CounterKey) (string, error) {
	w := &writer{}
	w.byte(version)
	w.time(c.Expires)
	w.int(c.Version)
	w.int(c.Failures)
	w.int(c.Pending)
	w.time(c.WindowStart)
	w.int(c.Consecutive)
	w.time(c.LockedUntil)
	w.int(c.Locks)
	w.time(c.Last)
	for _, text := range []string{string(k.Tenant), string(k.Kind), k.ID} {
		w.text(text)
	}
	return w.done()
}

func decodeCounter(blob string, k authn.CounterKey) (authn.Counter, error) {
	in := &reader{s: blob, bad: len(blob) > largest}
	if v := in.byte(); !in.bad && v != version {
		return authn.Counter{}, errVersion
	}
	c := authn.Counter{
		Expires: in.time(), Version: in.int(), Failures: in.int(), Pending: in.int(), WindowStart: in.time(),
		Consecutive: in.int(), LockedUntil: in.time(), Locks: in.int(), Last: in.time(),
	}
	stored := authn.CounterKey{Tenant: authn.Tenant(in.text()), Kind: authn.CounterKind(in.text()), ID: in.text()}
	if err := in.done(); err != nil {
		return authn.Counter{}, err
	}
	if stored != k {
		return authn.Counter{}, errForeign
	}
	return c, nil
}
