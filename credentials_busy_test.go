package authmodule_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/fxtest"
	"github.com/authmodule/authmodule/store/memstore"
)

// busyUsers lets others change an account first, as often as it is told.
type busyUsers struct {
	authn.UserStore
	others atomic.Int64
}

func (b *busyUsers) UpdateUser(ctx context.Context, u authn.User) error {
	if b.others.Add(-1) >= 0 {
		return authn.ErrConflict
	}
	return b.UserStore.UpdateUser(ctx, u)
}

// A change whose factor or password is stored is completed, however many others begin one meanwhile: its sessions are ended, and who made it
// is not told that another came first.
func TestStoredChangeIsCompleted(t *testing.T) {
	t.Parallel()
	users := &busyUsers{UserStore: memstore.New()}
	app := fxtest.New(t, authmodule.UseUserStore(func() authn.UserStore { return users }))
	p := app.Principal()
	begun := authn.CredentialChange{Why: authn.EndRevoked, Write: func(context.Context) error {
		users.others.Store(1000)
		return nil
	}}
	_, err := app.Users.Credentials().Change(t.Context(), p.Subject, begun)
	require.NoError(t, err)
	live, err := app.SessionManager.List(t.Context(), p.Subject)
	require.NoError(t, err)
	assert.Empty(t, live)
	users.others.Store(1000)
	begun.Write = nil
	_, err = app.Users.Credentials().Change(t.Context(), p.Subject, begun)
	require.ErrorIs(t, err, authn.ErrConflict, "one that has stored nothing gives way")
}
