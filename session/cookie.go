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

// living is a session that lived at a time. It ends then as it is stored.
type living struct {
	Record
	at, ends time.Time
}

// carried returns the live session of a cookie, or [authn.ErrSessionEnded]: [authn.ErrCookieSuperseded]
// while that settles. A session of a tenant that was ended as a whole is live to the store, and settles until it runs out.
func (m *Manager) carried(ctx context.Context, c credential.Digest) (living, error) {
	record, err := m.load(ctx, authn.Tenant(c.Tenant()), c.ID)
	if err != nil {
		return living{}, err
	}
	l, since := living{record, m.deps.Now(), record.IdleAt}, record.ended()
	err = m.alive(ctx, &l.Record, l.at)
	switch {
	case errors.Is(err, authn.ErrSessionEnded):
		return living{}, outdated(since, l.at)
	case err != nil:
		return living{}, err
	case l.Carrier != authn.CarrierCookie:
		return living{}, authn.ErrSessionEnded
	case subtle.ConstantTimeCompare(c.Hash[:], l.SecretHash) != 1:
		return living{}, outdated(l.RotatedAt, l.at)
	}
	return l, nil
}

func outdated(since, now time.Time) error {
	if now.Before(since.Add(settling)) {
		return authn.ErrCookieSuperseded
	}
	return authn.ErrSessionEnded
}

// ended is when the session ended, or will at the latest.
func (r *Record) ended() time.Time {
	switch {
	case !r.EndedAt.IsZero():
		return r.EndedAt
	case r.EndsAt.Before(r.IdleAt):
		return r.EndsAt
	}
	return r.IdleAt
}
