package authmodule_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/fxtest"
	"github.com/authmodule/authmodule/internal/sqlitetest"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/store/memstore"
)

// cheapHasher makes hashes that cost little.
func cheapHasher(t *testing.T) *authn.Hasher {
	t.Helper()
	h, err := authn.NewHasher(authn.PasswordConfig{MemoryKiB: 8, Iterations: 1, Parallelism: 1, Queue: 1000})
	require.NoError(t, err)
	return h
}

func setPassword(t *testing.T, app *fxtest.App, h *authn.Hasher, user authn.User, password setting.Secret) {
	t.Helper()
	hash, err := h.Hash(t.Context(), password)
	require.NoError(t, err)
	_, err = app.Users.Credentials().SetPassword(t.Context(), user.Subject, hash, authn.CredentialChange{Why: authn.EndRevoked})
	assert.NoError(t, err)
}

func requireUsedBefore(t *testing.T, app *fxtest.App, user authn.User, password setting.Secret) {
	t.Helper()
	var field *authn.FieldError
	require.ErrorAs(t, app.Users.CheckReuse(t.Context(), user.Subject, password), &field, password.Reveal())
	require.Equal(t, "password", field.Field)
	require.Equal(t, "used_before", field.Code)
	require.NotContains(t, field.Error(), password.Reveal())
}

// Item 38: with auth.password.history, the present password and so many former ones may not be chosen again, and an older one may.
func TestPasswordHistory(t *testing.T) {
	t.Parallel()
	for _, driver := range []string{"memory", "sqlite"} {
		t.Run(driver, func(t *testing.T) {
			t.Parallel()
			app := fxtest.NewConfigured(t, func(c *authmodule.Config) {
				c.Password.History = 2
				if c.Store.Driver = driver; driver == "sqlite" {
					c.Store.DSN = setting.Secret(sqlitetest.Path(t))
				}
			})
			user, other, h := app.User(), app.User(), cheapHasher(t)
			for i := range 4 {
				setPassword(t, app, h, user, setting.Secret(fmt.Sprint("the password number ", i)))
			}
			for _, i := range []int{3, 2, 1} {
				requireUsedBefore(t, app, user, setting.Secret(fmt.Sprint("the password number ", i)))
			}
			require.NoError(t, app.Users.CheckReuse(t.Context(), user.Subject, "the password number 0"), "it is too long ago")
			require.NoError(t, app.Users.CheckReuse(t.Context(), user.Subject, fxtest.Password), "it is too long ago")
			require.NoError(t, app.Users.CheckReuse(t.Context(), other.Subject, "the password number 3"), "it is somebody else's")
			requireUsedBefore(t, app, other, fxtest.Password)
			require.NoError(t, app.Users.Credentials().History.Forget(t.Context(), user.Subject))
			require.NoError(t, app.Users.CheckReuse(t.Context(), user.Subject, "the password number 2"))
			_, err := app.Users.Login(t.Context(), authn.LoginRequest{Email: user.Email, Password: "the password number 3"})
			require.NoError(t, err)
		})
	}
}

// Of passwords that are set at once, none is forgotten: each was the account's, if only for a moment.
func TestPasswordHistoryForgetsNoneInARace(t *testing.T) {
	t.Parallel()
	app := fxtest.NewConfigured(t, func(c *authmodule.Config) { c.Password.History = authn.LongestHistory })
	user, h := app.User(), cheapHasher(t)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() { setPassword(t, app, h, user, setting.Secret(fmt.Sprint("the password number ", i))) })
	}
	wg.Wait()
	for i := range 8 {
		requireUsedBefore(t, app, user, setting.Secret(fmt.Sprint("the password number ", i)))
	}
	requireUsedBefore(t, app, user, fxtest.Password)
}

// The application's own store keeps them; without the setting nothing is kept, and a store for it is refused.
func TestUsePasswordHistoryStore(t *testing.T) {
	t.Parallel()
	own := memstore.New()
	use := authmodule.UsePasswordHistoryStore(func() *memstore.Store { return own })
	app := fxtest.NewConfigured(t, func(c *authmodule.Config) { c.Password.History = 1 }, use)
	user := app.User()
	setPassword(t, app, cheapHasher(t), user, "the password number 1")
	list, err := own.PasswordHistory(t.Context(), user.Subject)
	require.NoError(t, err)
	assert.Len(t, list, 1)
	assert.ErrorContains(t, build(authmodule.Stub(), use), "PasswordHistoryStore")

	off := fxtest.New(t)
	user = off.User()
	setPassword(t, off, cheapHasher(t), user, "the password number 1")
	require.NoError(t, off.Users.CheckReuse(t.Context(), user.Subject, "the password number 1"))
}
