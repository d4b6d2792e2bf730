package session_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/store/memstore"
)

// stumbling fails to read from the n-th time on.
type stumbling struct {
	*memstore.Store
	left int
}

func (s *stumbling) Session(ctx context.Context, t authn.Tenant, id string) (session.Record, error) {
	if s.left--; s.left < 0 {
		return session.Record{}, errLost
	}
	return s.Store.Session(ctx, t, id)
}

// A store that cannot say what became of a cookie's session is an error, not a stale cookie: the caller is told to come again.
func TestCookieOfAnUnknownFate(t *testing.T) {
	t.Parallel()
	store := &stumbling{Store: memstore.New(), left: 100}
	m := managerOn(t, store, 7)
	opened, cookie, err := m.Open(t.Context(), authn.Opening{Proof: authn.Proof{Subject: ada, Time: start}, Carrier: authn.CarrierCookie})
	require.NoError(t, err)
	require.NoError(t, m.Revoke(t.Context(), ada, opened.ID))
	store.left = 0
	_, err = m.Resume(t.Context(), cookie, authn.Client{})
	require.ErrorIs(t, err, errLost)
	assert.NotErrorIs(t, err, authn.ErrSessionEnded)
	_, _, err = m.Renew(t.Context(), cookie, authn.Client{})
	require.ErrorIs(t, err, errLost)
}
