package session_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/session"
)

// tired is a store that looks at one session in each call, and returns it if it is odd.
type tired struct {
	session.Store
	calls int
}

func (s *tired) TenantSessions(ctx context.Context, t authn.Tenant, now time.Time, after string, _ int) (session.Page, error) {
	page, err := s.Store.TenantSessions(ctx, t, now, after, 1)
	if s.calls++; s.calls%2 == 0 {
		page.Records = nil
	}
	return page, err
}

// Who goes on at next sees all, whatever the store has looked at in one call.
func TestShortPagesOfATenant(t *testing.T) {
	t.Parallel()
	store := &tired{}
	f := newFixtureOf(t, session.Config{}, func(d *session.Deps) { store.Store, d.Store = d.Store, store })
	for range 6 {
		f.open(t, authn.Subject{Tenant: "acme", ID: "ada"}, authn.CarrierCookie)
	}
	n, after := 0, ""
	for more := true; more; {
		page, next, err := f.InTenant(t.Context(), "acme", after, 4)
		require.NoError(t, err)
		n += len(page)
		more, after = next != "", next
	}
	assert.Equal(t, 3, n)
	assert.Equal(t, 7, store.calls)
}
