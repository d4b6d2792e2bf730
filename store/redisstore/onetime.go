package redisstore

import (
	"context"
	"errors"
	"time"

	"github.com/authmodule/authmodule/authn"
)

// PutOneTime implements [authn.OneTimeStore].
func (s *Store) PutOneTime(ctx context.Context, r authn.OneTime) error {
	blob, err := encodeOneTime(r)
	if err != nil {
		return wrapped(ctx, "store a one-time record", err)
	}
	bounded, cancel, err := s.within(ctx)
	if err != nil {
		return wrapped(ctx, "store a one-time record", err)
	}
	defer cancel()
	key := s.keys.oneTime(r.Tenant, r.Purpose, r.ID)
	return wrapped(ctx, "store a one-time record", failed(s.doMulti(bounded,
		s.client.B().Zadd().Key(s.keys.due("e", key)).ScoreMember().ScoreMember(float64(clamped(r.Expires)), key).Build(),
		s.client.B().Set().Key(key).Value(blob).PxMilliseconds(s.millis(r.Expires)).Build(),
	)))
}

// ConsumeOneTime implements [authn.OneTimeStore].
func (s *Store) ConsumeOneTime(ctx context.Context, t authn.Tenant, purpose, id string, secretHash []byte, now time.Time) (authn.OneTime, error) {
	r, err := s.consume(ctx, t, purpose, id, secretHash, now)
	if errors.Is(err, authn.ErrNotFound) {
		return authn.OneTime{}, authn.ErrNotFound
	}
	return r, wrapped(ctx, "consume a one-time record", err)
}

func (s *Store) consume(ctx context.Context, t authn.Tenant, purpose, id string, secretHash []byte, now time.Time) (authn.OneTime, error) {
	ctx, cancel, err := s.within(ctx)
	if err != nil {
		return authn.OneTime{}, err
	}
	defer cancel()
	blob, err := s.step(ctx, s.scripts.consume, []string{s.keys.oneTime(t, purpose, id)}, string(secretHash), decimal(clamped(now))).ToString()
	if err != nil {
		return authn.OneTime{}, absent(err)
	}
	r, err := decodeOneTime(blob)
	if err == nil && (r.Tenant != t || r.Purpose != purpose || r.ID != id) {
		err = errForeign
	}
	if err != nil {
		return authn.OneTime{}, err
	}
	return r, nil
}

func encodeOneTime(r authn.OneTime) (string, error) {
	w := &writer{}
	w.byte(version)
	w.time(r.Expires)
	for _, text := range []string{string(r.SecretHash), string(r.Tenant), r.Purpose, r.ID, r.Value} {
		w.text(text)
	}
	return w.done()
}

func decodeOneTime(blob string) (authn.OneTime, error) {
	in := &reader{s: blob, bad: len(blob) > largest}
	if v := in.byte(); !in.bad && v != version {
		return authn.OneTime{}, errVersion
	}
	r := authn.OneTime{Expires: in.time(), SecretHash: []byte(in.text()), Tenant: authn.Tenant(in.text()), Purpose: in.text(), ID: in.text(), Value: in.text()}
	if err := in.done(); err != nil {
		return authn.OneTime{}, err
	}
	return r, nil
}
