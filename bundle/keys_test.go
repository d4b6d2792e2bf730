package bundle_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/fxtest"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/store/memstore"
)

const ringSecret = "Zk2x0vWq8sT4nB6yJ1mC3eR5uP7aL9hD"

func managedIn(file string, change func(*authmodule.Config)) func(*authmodule.Config) {
	return func(c *authmodule.Config) {
		c.SecretKey, c.JWT.Algorithm, c.JWT.Managed.Enabled = ringSecret, "ES256", true
		c.Store = authmodule.StoreConfig{Driver: "sqlite", DSN: setting.Secret(file)}
		change(c)
	}
}

// Managed keys, tokens and refresh tokens outlive a restart, a rotation, and a change of auth.secret_key.
func TestManagedKeysOutliveARestart(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "auth.db")
	before := fxtest.NewConfigured(t, managedIn(file, func(*authmodule.Config) {}))
	grant := before.Grant(before.Principal())
	_, err := before.SigningKeys.Rotate(t.Context(), authn.Principal{})
	require.NoError(t, err)
	after := fxtest.NewConfigured(t, managedIn(file, func(c *authmodule.Config) {
		c.SecretKey, c.PreviousSecretKeys = "another secret, of thirty-two bytes too", []setting.Secret{ringSecret}
	}))
	_, err = after.Users.AuthenticateToken(t.Context(), grant.AccessToken, authn.Client{})
	require.NoError(t, err)
	next, err := after.Users.Refresh(t.Context(), grant.RefreshToken, authn.Client{})
	require.NoError(t, err)
	_, err = before.Users.AuthenticateToken(t.Context(), next.AccessToken, authn.Client{})
	require.NoError(t, err)
}

func TestManagedKeysOfAnotherSecretAreAStartError(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "auth.db")
	fxtest.NewConfigured(t, managedIn(file, func(*authmodule.Config) {}))
	app := fx.New(fx.NopLogger, authmodule.Stub(managedIn(file, func(c *authmodule.Config) { c.SecretKey = "another secret, of thirty-two bytes too" })))
	err := app.Start(t.Context())
	require.ErrorIs(t, err, authn.ErrKey)
	assert.ErrorContains(t, err, "LEX_AUTH__SECRET_KEY")
	require.NoError(t, app.Stop(t.Context()))
}

// Without managed keys there is no manager, and nothing that a store of them would serve.
func TestKeyStoreIsForManagedKeys(t *testing.T) {
	t.Parallel()
	assert.Nil(t, fxtest.New(t).SigningKeys)
	use := authmodule.UseKeyStore(func() *memstore.Store { return memstore.New() })
	assert.ErrorContains(t, fx.New(fx.NopLogger, authmodule.Stub(), use).Err(), "nothing consumes it")
	store := memstore.New()
	app := fxtest.NewConfigured(t, func(c *authmodule.Config) { c.SecretKey, c.JWT.Managed.Enabled = ringSecret, true },
		authmodule.UseKeyStore(func() *memstore.Store { return store }))
	app.Token(app.Principal())
	kept, err := store.SigningKeys(t.Context())
	require.NoError(t, err)
	assert.Len(t, kept.Keys, 2)
}
