package authmodule_test

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/fxtest"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/store/memstore"
)

// These tests are named after measured faults of the package that this module
// succeeds. Each of them fails there.

// Item 2: a cache answered with a wrapper that is always truthy, so every fresh token counted as revoked.
func TestItem2FreshTokensAreNotRevoked(t *testing.T) {
	t.Parallel()
	onEveryDriver(t, unchanged, func(t *testing.T, app *fxtest.App, _ int) {
		user := register(t, app)
		for range 3 {
			grant, err := login(t.Context(), app, authn.CarrierToken)
			require.NoError(t, err)
			p, err := app.Users.AuthenticateToken(t.Context(), grant.AccessToken, authn.Client{})
			require.NoError(t, err)
			assert.Equal(t, user.Subject, p.Subject)
			require.NoError(t, app.TokenManager.Revoke(t.Context(), grant.AccessToken))
			_, err = app.Users.AuthenticateToken(t.Context(), grant.AccessToken, authn.Client{})
			require.ErrorIs(t, err, authn.ErrTokenRevoked)
		}
		assert.Len(t, app.Events(audit.TokenRevoked), 3)
	})
}

// Item 4: after the first refresh, e-mail, roles and permissions were gone.
func TestItem4RefreshKeepsIdentityAndPicksUpRoles(t *testing.T) {
	t.Parallel()
	app := fxtest.New(t, authmodule.AddRoles(authz.Role{Name: "editor", Permissions: []string{"articles.write"}}))
	user := register(t, app)
	grant, err := login(t.Context(), app, authn.CarrierToken)
	require.NoError(t, err)
	before, err := app.Users.AuthenticateToken(t.Context(), grant.AccessToken, authn.Client{})
	require.NoError(t, err)
	require.Equal(t, []string{"viewer"}, before.Roles)

	require.NoError(t, app.AuthorizationService.Assign(t.Context(), authn.Principal{}, user.Subject, "editor"))
	app.Advance(time.Minute)
	next, err := app.Users.Refresh(t.Context(), grant.RefreshToken, authn.Client{})
	require.NoError(t, err)
	after, err := app.Users.AuthenticateToken(t.Context(), next.AccessToken, authn.Client{})
	require.NoError(t, err)
	assert.Equal(t, []string{"editor"}, after.Roles)
	claims, err := app.TokenManager.Verify(t.Context(), next.AccessToken)
	require.NoError(t, err)
	assert.Equal(t, []string{"editor"}, claims.Roles)

	after.Roles, after.TokenID, after.Expires = before.Roles, before.TokenID, before.Expires
	assert.Equal(t, before.Remembering(), after.Remembering(), "subject, e-mail, session, methods and time of login stay")
	assert.Len(t, app.Events(audit.TokenRefreshed), 1)
}

// Item 6: revoking all tokens of a user refused those of the next login too.
func TestItem6RevokingAllDoesNotLockOut(t *testing.T) {
	t.Parallel()
	app := fxtest.New(t)
	user := register(t, app)
	old, err := login(t.Context(), app, authn.CarrierToken)
	require.NoError(t, err)
	ended, err := app.SessionManager.RevokeOthers(t.Context(), user.Subject, "")
	require.NoError(t, err)
	require.Equal(t, 1, ended)
	fresh, err := login(t.Context(), app, authn.CarrierToken)
	require.NoError(t, err)
	_, err = app.Users.AuthenticateToken(t.Context(), old.AccessToken, authn.Client{})
	assert.ErrorIs(t, err, authn.ErrSessionEnded)
	_, err = app.Users.AuthenticateToken(t.Context(), fresh.AccessToken, authn.Client{})
	assert.NoError(t, err)
}

// Item 9: reuse was announced, but the new family still verified and refreshed. REF-03.
func TestItem9ReuseEndsTheSession(t *testing.T) {
	t.Parallel()
	app := fxtest.New(t)
	register(t, app)
	first, err := login(t.Context(), app, authn.CarrierToken)
	require.NoError(t, err)
	second, err := app.Users.Refresh(t.Context(), first.RefreshToken, authn.Client{})
	require.NoError(t, err)
	third, err := app.Users.Refresh(t.Context(), second.RefreshToken, authn.Client{})
	require.NoError(t, err)

	// The grandparent proves itself as well as the parent would.
	_, err = app.Users.Refresh(t.Context(), first.RefreshToken, authn.Client{})
	require.ErrorIs(t, err, authn.ErrRefreshReused)
	for _, grant := range []authn.Grant{first, second, third} {
		_, err = app.Users.Refresh(t.Context(), grant.RefreshToken, authn.Client{})
		assert.ErrorIs(t, err, authn.ErrRefreshInvalid)
		_, err = app.Users.AuthenticateToken(t.Context(), grant.AccessToken, authn.Client{})
		assert.ErrorIs(t, err, authn.ErrSessionEnded)
	}
	ended := app.Events(audit.SessionEnded)
	require.Len(t, ended, 1)
	assert.Equal(t, string(authn.EndReused), ended[0].Reason)
	assert.Len(t, app.Events(audit.RefreshReused), 1)
}

// Item 11: a refused refresh was an exception that callers did not expect.
func TestItem11RefusedRefreshIsATypedError(t *testing.T) {
	t.Parallel()
	app := fxtest.New(t)
	register(t, app)
	grant, err := login(t.Context(), app, authn.CarrierToken)
	require.NoError(t, err)
	for name, token := range map[string]authn.Grant{
		"empty": {}, "garbage": {RefreshToken: "rt_x_y"}, "access token": {RefreshToken: grant.AccessToken},
		"truncated": {RefreshToken: grant.RefreshToken[:len(grant.RefreshToken)-1]}, // REF-12
		"extended":  {RefreshToken: grant.RefreshToken + "a"},
		"foreign":   {RefreshToken: forge(grant.RefreshToken.Reveal())},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := app.Users.Refresh(t.Context(), token.RefreshToken, authn.Client{})
			assert.ErrorIs(t, err, authn.ErrRefreshInvalid)
		})
	}
	_, err = app.Users.Refresh(t.Context(), grant.RefreshToken, authn.Client{})
	assert.NoError(t, err, "an unknown secret for a known session ends nothing")
}

// Item 13: the revocation set was never pruned.
func TestItem13RevocationsLeaveWhenTheTokenWouldHaveExpired(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	app := fxtest.New(t, authmodule.UseRevocationStore(func() *memstore.Store { return store }))
	register(t, app)
	grant, err := login(t.Context(), app, authn.CarrierToken)
	require.NoError(t, err)
	require.NoError(t, app.TokenManager.Revoke(t.Context(), grant.AccessToken))
	dropped, err := store.PruneRevocations(t.Context(), app.Now())
	require.NoError(t, err)
	assert.Zero(t, dropped, "as long as the token could be used")
	dropped, err = store.PruneRevocations(t.Context(), app.Now().Add(grant.ExpiresIn+2*time.Minute)) // and a leeway for slow clocks, REF-10
	require.NoError(t, err)
	assert.Equal(t, 1, dropped)
}

// Item 26: one eviction for each login left 10 sessions live at a limit of 3,
// and the records of evicted ones were kept for ever.
func TestItem26LoweredLimitTakesEffectAndRecordsLeave(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	shared := fx.Options(
		authmodule.UseSessionStore(func() *memstore.Store { return store }),
		authmodule.UseUserStore(func() *memstore.Store { return store }),
		authmodule.UsePasswordStore(func() *memstore.Store { return store }),
	)
	before := fxtest.New(t, shared)
	user := register(t, before)
	for range 10 {
		before.Advance(time.Second)
		_, err := login(t.Context(), before, authn.CarrierToken)
		require.NoError(t, err)
	}
	after := fxtest.NewConfigured(t, func(c *authmodule.Config) { c.Session.MaxPerUser = 3 }, shared)
	after.Advance(time.Minute)
	_, err := login(t.Context(), after, authn.CarrierToken)
	require.NoError(t, err)
	live, err := after.SessionManager.List(t.Context(), user.Subject)
	require.NoError(t, err)
	assert.Len(t, live, 3)
	assert.Len(t, after.Events(audit.SessionEnded), 8)

	after.Advance(25 * time.Hour)
	dropped, err := after.SessionManager.Prune(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 8, dropped)
}

// Item 28: ending an unknown session was a success, and ending one left its tokens alive.
func TestItem28EndingASessionEndsItsTokens(t *testing.T) {
	t.Parallel()
	app := fxtest.New(t)
	user := register(t, app)
	grant, err := login(t.Context(), app, authn.CarrierToken)
	require.NoError(t, err)
	other := app.User()
	assert.ErrorIs(t, app.SessionManager.Revoke(t.Context(), user.Subject, "unknown"), authn.ErrNotFound)
	assert.ErrorIs(t, app.SessionManager.Revoke(t.Context(), user.Subject, ""), authn.ErrNotFound)
	assert.ErrorIs(t, app.SessionManager.Revoke(t.Context(), other.Subject, grant.Session.ID), authn.ErrNotFound, "not the owner's call")
	require.NoError(t, app.SessionManager.Revoke(t.Context(), user.Subject, grant.Session.ID))
	_, err = app.Users.AuthenticateToken(t.Context(), grant.AccessToken, authn.Client{})
	assert.ErrorIs(t, err, authn.ErrSessionEnded)
	_, err = app.Users.Refresh(t.Context(), grant.RefreshToken, authn.Client{})
	assert.ErrorIs(t, err, authn.ErrRefreshInvalid)
}

// Item 37: the last login was never saved, and malformed addresses were accepted.
func TestItem37LastLoginIsSavedAndAddressesAreChecked(t *testing.T) {
	t.Parallel()
	app := fxtest.New(t)
	user := register(t, app)
	assert.Zero(t, user.LastLoginAt)
	_, err := app.Users.Login(t.Context(), authn.LoginRequest{Email: "ADA@Example.com", Password: password})
	require.NoError(t, err, "any spelling logs in")
	stored, err := app.Users.User(t.Context(), user.Subject)
	require.NoError(t, err)
	assert.WithinDuration(t, app.Now(), stored.LastLoginAt, time.Millisecond)
	_, err = app.Users.Register(t.Context(), authn.RegisterRequest{Email: "not an address", Password: password})
	var field *authn.FieldError
	require.ErrorAs(t, err, &field)
	assert.Equal(t, "email", field.Field)
}

// Item 42: after logout, and after the account was gone, requests were authenticated for up to 300 s.
func TestItem42NoAnswerOutlivesLogoutOrDisabling(t *testing.T) {
	t.Parallel()
	for _, carrier := range []authn.Carrier{authn.CarrierToken, authn.CarrierCookie} {
		t.Run(string(carrier), func(t *testing.T) {
			t.Parallel()
			app := fxtest.New(t)
			user := register(t, app)
			enter := func() func() error {
				grant, err := login(t.Context(), app, carrier)
				require.NoError(t, err)
				return func() error { return authenticate(t.Context(), app, grant) }
			}
			byLogout := enter()
			require.NoError(t, byLogout())
			live, err := app.SessionManager.List(t.Context(), user.Subject)
			require.NoError(t, err)
			require.NoError(t, app.Users.Logout(t.Context(), authn.Principal{Subject: user.Subject, SessionID: live[0].ID}))
			assert.ErrorIs(t, byLogout(), authn.ErrSessionEnded)

			byDisabling := enter()
			require.NoError(t, byDisabling())
			require.NoError(t, app.Users.Disable(t.Context(), authn.Principal{}, user.Subject))
			assert.ErrorIs(t, byDisabling(), authn.ErrSessionEnded)
			_, err = login(t.Context(), app, carrier)
			assert.ErrorIs(t, err, authn.ErrInvalidCredentials)

			require.NoError(t, app.Users.Enable(t.Context(), authn.Principal{}, user.Subject))
			assert.ErrorIs(t, byDisabling(), authn.ErrSessionEnded, "old sessions stay dead")
			assert.NoError(t, enter()())
			assert.Len(t, app.Events(audit.UserDisabled, audit.UserEnabled), 2)
		})
	}
}

func authenticate(ctx context.Context, app *fxtest.App, grant authn.Grant) error {
	if grant.Cookie != "" {
		_, err := app.Users.AuthenticateCookie(ctx, grant.Cookie, authn.Client{})
		return err
	}
	_, err := app.Users.AuthenticateToken(ctx, grant.AccessToken, authn.Client{})
	return err
}

// Item 33, TIM-01: an unknown address was told from a known one by the time of the answer. Every kind of refusal computes one hash of the
// configured cost, no more and no less. It is counted by the memory that a hash takes, which is the same on every machine.
func TestItem33EveryRefusalHashesOnce(t *testing.T) { //nolint:paralleltest // it counts what the whole process allocates
	const cost = 32 << 20
	app := fxtest.NewConfigured(t, func(c *authmodule.Config) {
		c.Password = authn.PasswordConfig{MemoryKiB: cost >> 10, Iterations: 1, Parallelism: 1}
	})
	user, disabled, silent := register(t, app), app.User(), app.User()
	require.NoError(t, app.Users.Disable(t.Context(), authn.Principal{}, disabled.Subject))
	require.NoError(t, app.Users.Credentials().Passwords.DeletePasswordHash(t.Context(), silent.Subject))
	for name, request := range map[string]authn.LoginRequest{
		"wrong password":     {Email: user.Email, Password: "a wrong password, and long"},
		"unknown":            {Email: "nobody@example.com", Password: password},
		"malformed":          {Email: "not an address", Password: password},
		"disabled":           {Email: disabled.Email, Password: fxtest.Password},
		"without a password": {Email: silent.Email, Password: fxtest.Password},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := app.Users.Login(t.Context(), request)
		runtime.ReadMemStats(&after)
		require.ErrorIs(t, err, authn.ErrInvalidCredentials, name)
		assert.EqualValues(t, 1, (after.TotalAlloc-before.TotalAlloc)/cost, "%s: hashes", name)
	}
}

// forge replaces the secret of an opaque credential.
func forge(token string) setting.Secret {
	for i := len(token) - 1; token[i] != '_'; i-- {
		if i < len(token)-2 && i > len(token)-20 {
			token = token[:i] + "b" + token[i+1:]
		}
	}
	return setting.Secret(token)
}
