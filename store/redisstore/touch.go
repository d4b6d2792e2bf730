package redisstore

import (
	"context"
	"errors"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/session"
)

// TouchSessions implements [session.Store]: all touches in one pipeline.
func (s *Store) TouchSessions(ctx context.Context, touches ...session.Touch) error {
	ctx, cancel, err := s.within(ctx)
	if err != nil {
		return wrapped(ctx, "record uses", err)
	}
	defer cancel()
	steps := make([]step, 0, len(touches))
	for _, t := range touches {
		if err := checkUse(t.Use); err != nil {
			return wrapped(ctx, "record uses", err)
		}
		tag, err := s.tag(ctx, t.Tenant, t.ID)
		if errors.Is(err, authn.ErrNotFound) {
			continue
		}
		if err != nil {
			return wrapped(ctx, "record uses", err)
		}
		steps = append(steps, s.touch(tag, t))
	}
	if len(steps) == 0 {
		return nil
	}
	return wrapped(ctx, "record uses", failed(s.run(ctx, steps...)))
}

func (s *Store) touch(tag string, t session.Touch) step {
	return step{s.scripts.touch, []string{s.keys.session(tag, t.Tenant, t.ID)}, []string{
		decimal(clamped(t.Use.At)), decimal(clamped(t.Use.IdleAt)), t.Use.IP, t.Use.UserAgent, t.Use.Device, s.clock(), keepText(),
	}}
}

// checkUse keeps a use from making a record larger than one that can be read.
func checkUse(u session.Use) error {
	if len(u.IP)+len(u.UserAgent)+len(u.Device) > largest/2 {
		return errLarge
	}
	return nil
}
