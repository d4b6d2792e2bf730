package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/internal/credential"
)

// settling is how long after a cookie went out of use answers to requests that carried it may reach the browser. Until
// then the browser may have got another, which such an answer must not clear.
const settling = time.Minute

// carried returns the live session of a cookie, or [authn.ErrSessionEnded]: [authn.ErrCookieSuperseded] while it settles.
func (m *Manager) carried(ctx context.Context, c credential.Credential) (Record, error) {
	record, err := m.find(ctx, authn.Tenant(c.Tenant()), c.ID)
	switch {
	case errors.Is(err, authn.ErrSessionEnded):
		return Record{}, m.gone(ctx, c)
	case err != nil:
		return Record{}, err
	case record.Carrier != authn.CarrierCookie:
		return Record{}, authn.ErrSessionEnded
	case !sameHash(c.Secret, record):
		return Record{}, m.outdated(record.RotatedAt)
	}
	return record, nil
}

// gone says what became of a session that is not live. One of a tenant that was ended as a whole is live to
// the store, and settles until it runs out.
func (m *Manager) gone(ctx context.Context, c credential.Credential) error {
	record, err := m.deps.Store.Session(ctx, authn.Tenant(c.Tenant()), c.ID)
	switch {
	case errors.Is(err, authn.ErrNotFound):
		return authn.ErrSessionEnded
	case err != nil:
		return fmt.Errorf("session: find: %w", err)
	}
	return m.outdated(record.ended())
}

func (m *Manager) outdated(since time.Time) error {
	if m.deps.Now().Before(since.Add(settling)) {
		return authn.ErrCookieSuperseded
	}
	return authn.ErrSessionEnded
}

// ended is when the session ended, or will at the latest.
func (r Record) ended() time.Time {
	switch {
	case !r.EndedAt.IsZero():
		return r.EndedAt
	case r.EndsAt.Before(r.IdleAt):
		return r.EndsAt
	}
	return r.IdleAt
}
