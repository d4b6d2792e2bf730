package transport_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/store/memstore"
)

// atTheLimit boots an application that asks, with an account that has as many sessions as it may have.
func atTheLimit(t *testing.T, options ...func(*testing.T) app) (app, authn.User) {
	t.Helper()
	app := startConfigured(t, asking)
	if len(options) > 0 {
		app = options[0](t)
	}
	user := app.User()
	loginWith(t, app, user.Email, nil)
	loginWith(t, app, user.Email, nil)
	return app, user
}

// A login that is held up ends with all sessions of its account, or of its tenant.
func TestHeldUpLoginEndsWithAll(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(app, authn.User) error{
		"account": func(a app, u authn.User) error {
			_, err := a.SessionManager.RevokeAll(t.Context(), u.Subject)
			return err
		},
		"tenant": func(a app, u authn.User) error { return a.Users.RevokeTenant(t.Context(), authn.Principal{}, "") },
	} {
		app, user := atTheLimit(t)
		continuation, _ := heldUp(t, loginWith(t, app, user.Email, nil))
		require.NoError(t, end(app, user))
		assert.Equal(t, "continuation_invalid", problem(t, goOn(t, app, continuation)).Code, name)
	}
}

// meddling does something once, when an account is looked up.
type meddling struct {
	*memstore.Store
	once func()
}

func (m *meddling) UserByID(ctx context.Context, s authn.Subject) (authn.User, error) {
	if do := m.once; do != nil {
		m.once = nil
		do()
	}
	return m.Store.UserByID(ctx, s)
}

// A login that goes on while all sessions are ended keeps none: whether before it was judged, or after.
func TestHeldUpLoginThatIsOvertakenKeepsNoSession(t *testing.T) {
	t.Parallel()
	users := &meddling{Store: memstore.New()}
	app, user := atTheLimit(t, func(t *testing.T) app {
		return startConfigured(t, asking, authmodule.UseUserStore(func() authn.UserStore { return users }))
	})
	continuation, sessions := heldUp(t, loginWith(t, app, user.Email, nil))
	ended := false
	users.once = func() {
		_, err := app.SessionManager.RevokeAll(t.Context(), user.Subject)
		ended = err == nil
	}
	w := goOn(t, app, continuation, sessions...)
	require.True(t, ended)
	if w.Code == 200 {
		token := answer(t, w, 200)["access_token"].(string)
		assert.Equal(t, 401, app.Do(request("GET", "/auth/me", "", bearer(token)...)).Code)
	}
	live, err := app.SessionManager.List(t.Context(), user.Subject)
	require.NoError(t, err)
	assert.Empty(t, live)
}

// A login has five minutes, however often it is held up again.
func TestHeldUpLoginIsNotProlonged(t *testing.T) {
	t.Parallel()
	app, user := atTheLimit(t)
	continuation, _ := heldUp(t, loginWith(t, app, user.Email, nil))
	for left := 240; left > 0; left -= 60 {
		app.Advance(time.Minute)
		have := answer(t, goOn(t, app, continuation), 200)
		require.EqualValues(t, left, have["expires_in"])
		continuation = have["continuation"].(string)
	}
	app.Advance(time.Minute)
	assert.Equal(t, "continuation_invalid", problem(t, goOn(t, app, continuation)).Code)
}

// A proof that no longer holds ends nothing.
func TestContinuationThatIsRefusedEndsNothing(t *testing.T) {
	t.Parallel()
	users := memstore.New()
	app, user := atTheLimit(t, func(t *testing.T) app {
		return startConfigured(t, asking, authmodule.UseUserStore(func() authn.UserStore { return users }))
	})
	continuation, sessions := heldUp(t, loginWith(t, app, user.Email, nil))
	stored, err := users.UserByID(t.Context(), user.Subject)
	require.NoError(t, err)
	stored.CredentialVersion++ // as a new password does
	require.NoError(t, users.UpdateUser(t.Context(), stored))
	assert.Equal(t, "invalid_credentials", problem(t, goOn(t, app, continuation, sessions...)).Code)
	live, err := app.SessionManager.List(t.Context(), user.Subject)
	require.NoError(t, err)
	assert.Len(t, live, 2)
}

// The device of a continued login is the one that began it, and its name is checked.
func TestDeviceOfAContinuation(t *testing.T) {
	t.Parallel()
	app, user := atTheLimit(t)
	for range 3 {
		continuation, sessions := heldUp(t, loginWith(t, app, user.Email, nil))
		require.Equal(t, 200, goOn(t, app, continuation, sessions[0]).Code)
	}
	devices, err := app.SessionManager.Devices(t.Context(), user.Subject)
	require.NoError(t, err)
	assert.Len(t, devices, 1, "one client, the same user agent")

	continuation, sessions := heldUp(t, loginWith(t, app, user.Email, nil))
	name := "x\n\x1b[31m" + strings.Repeat("A", 5000)
	w := app.Do(request("POST", "/auth/login/continue", object(t, map[string]any{"continuation": continuation, "end": sessions[:1], "device_name": name})))
	assert.Equal(t, "device_name", problem(t, w).Field)
}

// A tenant's revocation holds as long as any session could live, remembered ones included.
func TestTenantRevokedStaysSo(t *testing.T) {
	t.Parallel()
	for _, carrier := range []authn.Carrier{authn.CarrierCookie, authn.CarrierToken} {
		app := startConfigured(t, func(c *authmodule.Config) {
			c.Session.AbsoluteTimeoutDays, c.Session.RememberDays, c.JWT.RefreshTokenExpireDays = 1, 30, 1
		})
		user := app.User()
		grant, err := app.Users.Login(t.Context(), authn.LoginRequest{Email: user.Email, Password: password, Carrier: carrier, Remember: true})
		require.NoError(t, err)
		require.NoError(t, app.Users.RevokeTenant(t.Context(), authn.Principal{}, ""))
		for _, after := range []time.Duration{0, 24*time.Hour + 11*time.Minute, 3 * time.Hour, 20 * 24 * time.Hour} {
			app.Advance(after)
			if carrier == authn.CarrierCookie {
				_, err = app.Users.AuthenticateCookie(t.Context(), grant.Cookie, authn.Client{})
				require.ErrorIs(t, err, authn.ErrSessionEnded)
				continue
			}
			_, err = app.Users.Refresh(t.Context(), grant.RefreshToken, authn.Client{})
			require.ErrorIs(t, err, authn.ErrRefreshInvalid)
		}
	}
}
