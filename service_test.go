package authmodule_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/fxtest"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/store/memstore"
)

func TestMalformedTenantsAndCarriersAreRefused(t *testing.T) {
	t.Parallel()
	app := fxtest.New(t)
	user := register(t, app)
	_, err := app.Users.Register(t.Context(), authn.RegisterRequest{Tenant: "Acme_1", Email: email, Password: password})
	require.ErrorIs(t, err, authn.ErrTenantSyntax)
	_, err = app.Users.Login(t.Context(), authn.LoginRequest{Tenant: "Acme_1", Email: email, Password: password})
	require.ErrorIs(t, err, authn.ErrTenantSyntax)
	_, err = login(t.Context(), app, "Cookie")
	require.ErrorContains(t, err, "carrier")
	live, err := app.SessionManager.List(t.Context(), user.Subject)
	require.NoError(t, err)
	assert.Empty(t, live)
}

// One address in two tenants is two accounts, with their own passwords and sessions. TEN-01, V8.4.1.
func TestTenantsShareNothing(t *testing.T) {
	t.Parallel()
	onEveryDriver(t, unchanged, func(t *testing.T, app *fxtest.App, _ int) {
		const other = "another password altogether"
		for tenant, secret := range map[authn.Tenant]string{"acme": password, "beta": other} {
			_, err := app.Users.Register(t.Context(), authn.RegisterRequest{Tenant: tenant, Email: email, Password: setting.Secret(secret)})
			require.NoError(t, err)
		}
		_, err := app.Users.Login(t.Context(), authn.LoginRequest{Tenant: "beta", Email: email, Password: password})
		require.ErrorIs(t, err, authn.ErrInvalidCredentials)
		grant, err := app.Users.Login(t.Context(), authn.LoginRequest{Tenant: "acme", Email: email, Password: password})
		require.NoError(t, err)
		p, err := app.Users.AuthenticateToken(t.Context(), grant.AccessToken, authn.Client{})
		require.NoError(t, err)
		assert.Equal(t, authn.Tenant("acme"), p.Subject.Tenant)
		_, err = login(t.Context(), app, authn.CarrierToken)
		assert.ErrorIs(t, err, authn.ErrInvalidCredentials, "no tenant is a tenant of its own")
	})
}

// A wrong password is told of with the account, so that a counter can be kept for it; an unknown address without.
func TestFailedLoginNamesTheAccountInTheAuditOnly(t *testing.T) {
	t.Parallel()
	app := fxtest.New(t)
	user := register(t, app)
	for _, address := range []string{email, "nobody@example.com"} {
		_, err := app.Users.Login(t.Context(), authn.LoginRequest{
			Email: address, Password: "a wrong password, and long", Client: authn.Client{UserAgent: strings.Repeat("x", 100)},
		})
		require.Equal(t, authn.ErrInvalidCredentials, err)
	}
	failed := app.Events(audit.LoginFailed)
	require.Len(t, failed, 2)
	assert.Equal(t, user.Subject.ID, failed[0].Subject)
	assert.Empty(t, failed[1].Subject)
}

// readOnly cannot store accounts any more.
type readOnly struct {
	*memstore.Store
	on bool
}

func (r *readOnly) UpdateUser(ctx context.Context, u authn.User) error {
	if r.on {
		return errors.New("the database is read-only")
	}
	return r.Store.UpdateUser(ctx, u)
}

// A login that fails because a store cannot write evicts nobody.
func TestFailedLoginEvictsNobody(t *testing.T) {
	t.Parallel()
	store := &readOnly{Store: memstore.New()}
	app := fxtest.NewConfigured(t,
		func(c *authmodule.Config) { c.Session.MaxPerUser, c.Session.OnLimit = 1, session.EvictOldest },
		authmodule.UseUserStore(func() *readOnly { return store }))
	register(t, app)
	grant, err := login(t.Context(), app, authn.CarrierToken)
	require.NoError(t, err)
	store.on = true
	_, err = login(t.Context(), app, authn.CarrierToken)
	require.ErrorContains(t, err, "read-only")
	_, err = app.Users.AuthenticateToken(t.Context(), grant.AccessToken, authn.Client{})
	assert.NoError(t, err)
}

// lost stores an account and then says that it failed, as a lost commit answer does.
type lost struct {
	*memstore.Store
	on bool
}

func (l *lost) CreateUser(ctx context.Context, u authn.User) error {
	if err := l.Store.CreateUser(ctx, u); err != nil || !l.on {
		return err
	}
	return errors.New("the connection was lost")
}

// An account that was stored although the store said otherwise can be used.
func TestRegistrationOfUncertainOutcomeLeavesAUsableAccount(t *testing.T) {
	t.Parallel()
	store := &lost{Store: memstore.New(), on: true}
	app := fxtest.New(t, authmodule.UseUserStore(func() *lost { return store }))
	_, err := app.Users.Register(t.Context(), authn.RegisterRequest{Email: email, Password: password})
	require.ErrorContains(t, err, "lost")
	_, err = login(t.Context(), app, authn.CarrierToken)
	assert.NoError(t, err)
}
