package session_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/store/memstore"
)

var errLost = errors.New("the connection was lost")

// uncertain rotates and then says that it failed, as a lost commit answer does.
type uncertain struct {
	*memstore.Store
	rotates, failing bool
}

func (u *uncertain) RotateSession(ctx context.Context, r session.Rotation) error {
	if !u.failing {
		return u.Store.RotateSession(ctx, r)
	}
	if u.rotates {
		if err := u.Store.RotateSession(ctx, r); err != nil {
			return err
		}
	}
	return errLost
}

func managerOn(t *testing.T, store session.Store, key byte) *session.Manager {
	t.Helper()
	m, err := session.New(session.Config{}, session.Deps{
		Store: store, Now: func() time.Time { return start }, RefreshKey: bytes.Repeat([]byte{key}, 32),
	})
	require.NoError(t, err)
	return m
}

// REF-08: after an error the old token is still good, or the child is handed out; never neither.
func TestRotationOfUncertainOutcome(t *testing.T) {
	t.Parallel()
	proof := authn.Proof{Subject: ada, Methods: []string{"pwd"}, Time: start}
	for name, rotates := range map[string]bool{"stored": true, "not stored": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := &uncertain{Store: memstore.New(), rotates: rotates}
			m := managerOn(t, store, 7)
			_, refresh, err := m.Open(t.Context(), authn.Opening{Proof: proof, Carrier: authn.CarrierToken})
			require.NoError(t, err)
			store.failing = true
			_, next, err := m.Rotate(t.Context(), refresh, authn.Client{}, issue)
			store.failing = false
			if rotates {
				require.NoError(t, err)
				refresh = next
			} else {
				require.ErrorIs(t, err, errLost)
			}
			_, _, err = m.Rotate(t.Context(), refresh, authn.Client{}, issue)
			assert.NoError(t, err)
		})
	}
}

// A parent proves itself without the key that derived its child, so a thief
// gains nothing from a change of the key. Older ancestors are refused as unknown then.
func TestReuseIsProvedAcrossAChangeOfTheKey(t *testing.T) {
	t.Parallel()
	proof := authn.Proof{Subject: ada, Methods: []string{"pwd"}, Time: start}
	store := memstore.New()
	before, after := managerOn(t, store, 7), managerOn(t, store, 8)
	_, first, err := before.Open(t.Context(), authn.Opening{Proof: proof, Carrier: authn.CarrierToken})
	require.NoError(t, err)
	_, second, err := before.Rotate(t.Context(), first, authn.Client{}, issue)
	require.NoError(t, err)
	_, third, err := after.Rotate(t.Context(), second, authn.Client{}, issue)
	require.NoError(t, err, "a change of the key ends no session")

	_, _, err = after.Rotate(t.Context(), first, authn.Client{}, issue)
	require.ErrorIs(t, err, authn.ErrRefreshInvalid)
	_, _, err = after.Rotate(t.Context(), second, authn.Client{}, issue)
	require.ErrorIs(t, err, authn.ErrRefreshReused)
	_, _, err = after.Rotate(t.Context(), third, authn.Client{}, issue)
	assert.ErrorIs(t, err, authn.ErrRefreshInvalid)
}

// TEN-01: a tenant that cannot stand in an ID opens no session.
func TestMalformedTenantOpensNoSession(t *testing.T) {
	t.Parallel()
	f := newFixture(t, session.Config{})
	for _, tenant := range []authn.Tenant{"Acme", "a_b", "a.b", "-a", "a b"} {
		_, _, err := f.Open(t.Context(), authn.Opening{Proof: authn.Proof{Subject: authn.Subject{Tenant: tenant, ID: "1"}}, Carrier: authn.CarrierCookie})
		assert.Error(t, err, tenant)
	}
}
