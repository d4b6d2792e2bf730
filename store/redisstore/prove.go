package redisstore

import (
	"context"
	"errors"
	"time"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/session"
)

// ProveSession implements [session.Store].
func (s *Store) ProveSession(ctx context.Context, t authn.Tenant, id string, p session.Proved, now time.Time) (session.Record, error) {
	r, err := s.proveSession(ctx, t, id, p, now)
	if errors.Is(err, authn.ErrNotFound) {
		return session.Record{}, err
	}
	return r, wrapped(ctx, "prove a session", err)
}

func (s *Store) proveSession(ctx context.Context, t authn.Tenant, id string, p session.Proved, now time.Time) (session.Record, error) {
	ctx, cancel, err := s.within(ctx)
	if err != nil {
		return session.Record{}, err
	}
	defer cancel()
	proof, err := proofArgs(p)
	if err != nil {
		return session.Record{}, err
	}
	tag, err := s.tag(ctx, t, id)
	if err != nil {
		return session.Record{}, err
	}
	args := append([]string{decimal(clamped(now)), s.clock(), keepText()}, proof...)
	blob, err := s.step(ctx, s.scripts.prove, []string{s.keys.session(tag, t, id)}, args...).ToString()
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

// proofArgs are what the scripts take of a proof.
func proofArgs(p session.Proved) ([]string, error) {
	auth, errAuth := micros(p.AuthTime)
	second, errMFA := micros(p.MFATime)
	size := 0
	for _, method := range p.Methods {
		size += len(method)
	}
	if size > largest/4 { // with a use, no record becomes larger than one that can be read
		return nil, errLarge
	}
	return append([]string{decimal(auth), decimal(second)}, p.Methods...), errors.Join(errAuth, errMFA)
}
