package session

import (
	"context"
	"crypto/subtle"
	"errors"
	"time"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/internal/credential"
)

// settling is how long after a cookie went out of use answers to requests that carried it may reach the browser. Until
// then the browser may have got another, which such an answer must not clear.
const settling = time.Minute

// carried returns the live session of a cookie, and when it ends as it is stored, or [authn.ErrSessionEnded]: [authn.ErrCookieSuperseded]
// while that settles. A session of a tenant that was ended as a whole is live to the store, and settles until it runs out.
func (m *Manager) carried(ctx context.Context, c credential.Digest) (Record, time.Time, error) {
	found, err := m.load(ctx, authn.Tenant(c.Tenant()), c.ID)
	if err != nil {
		return Record{}, time.Time{}, err
	}
	record, err := m.alive(ctx, found)
	switch {
	case errors.Is(err, authn.ErrSessionEnded):
		return Record{}, time.Time{}, m.outdated(found.ended())
	case err != nil:
		return Record{}, time.Time{}, err
	case record.Carrier != authn.CarrierCookie:
		return Record{}, time.Time{}, authn.ErrSessionEnded
	case subtle.ConstantTimeCompare(c.Hash[:], record.SecretHash) != 1:
		return Record{}, time.Time{}, m.outdated(record.RotatedAt)
	}
	return record, found.IdleAt, nil
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
