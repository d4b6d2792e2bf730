package authmodule_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/fxtest"
	"github.com/authmodule/authmodule/internal/sqlitetest"
	"github.com/authmodule/authmodule/setting"
)

func withGrace(c *authmodule.Config) { c.Session.RefreshGraceSeconds = 10 }

// refreshes refreshes one token from that many callers at once.
func refreshes(t *testing.T, app *fxtest.App, refresh setting.Secret, callers int) []authn.Grant {
	t.Helper()
	type result struct {
		grant authn.Grant
		err   error
	}
	var grants []authn.Grant
	for _, r := range race(callers, func(int) result {
		grant, err := app.Users.Refresh(t.Context(), refresh, authn.Client{})
		return result{grant, err}
	}) {
		require.NoError(t, r.err)
		grants = append(grants, r.grant)
	}
	return grants
}

// requireOneChild requires that all grants carry one refresh token, and each an access token of its own that is good.
func requireOneChild(t *testing.T, app *fxtest.App, parent setting.Secret, grants []authn.Grant) setting.Secret {
	t.Helper()
	children, access := map[setting.Secret]bool{}, map[setting.Secret]bool{}
	for _, g := range grants {
		children[g.RefreshToken], access[g.AccessToken] = true, true
		_, err := app.Users.AuthenticateToken(t.Context(), g.AccessToken, authn.Client{})
		require.NoError(t, err)
	}
	require.Len(t, children, 1, "one distinct child")
	require.Len(t, access, len(grants))
	child := grants[0].RefreshToken
	require.NotEqual(t, parent, child)
	return child
}

// REL-02: with grace all callers get one and the same child; no fork, and no word of reuse.
func TestRefreshRaceInGrace(t *testing.T) {
	t.Parallel()
	onEveryDriver(t, withGrace, func(t *testing.T, app *fxtest.App, callers int) {
		user := register(t, app)
		grant, err := login(t.Context(), app, authn.CarrierToken)
		require.NoError(t, err)
		refresh := grant.RefreshToken
		for range 2 {
			refresh = requireOneChild(t, app, refresh, refreshes(t, app, refresh, callers))
			app.Advance(15 * time.Minute)
		}
		live, err := app.SessionManager.List(t.Context(), user.Subject)
		require.NoError(t, err)
		assert.Len(t, live, 1)
		assert.Empty(t, app.Events(audit.RefreshReused, audit.SessionEnded))

		_, err = app.Users.Refresh(t.Context(), grant.RefreshToken, authn.Client{})
		require.ErrorIs(t, err, authn.ErrRefreshReused, "a grandparent")
		_, err = app.Users.Refresh(t.Context(), refresh, authn.Client{})
		require.ErrorIs(t, err, authn.ErrRefreshInvalid)
		assert.Len(t, app.Events(audit.RefreshReused), 1)
	})
}

// clients are the legitimate ways to use one refresh token twice within the window. Each returns what the client holds afterwards.
func clients() map[string]func(t *testing.T, app *fxtest.App, refresh setting.Secret) setting.Secret {
	return map[string]func(*testing.T, *fxtest.App, setting.Secret) setting.Secret{
		"two tabs": func(t *testing.T, app *fxtest.App, refresh setting.Secret) setting.Secret {
			return requireOneChild(t, app, refresh, refreshes(t, app, refresh, 2))
		},
		"lost answer": func(t *testing.T, app *fxtest.App, refresh setting.Secret) setting.Secret {
			grants := refreshes(t, app, refresh, 1)
			app.Advance(10*time.Second - time.Microsecond)
			return requireOneChild(t, app, refresh, append(grants, refreshes(t, app, refresh, 1)...))
		},
		"retry storm": func(t *testing.T, app *fxtest.App, refresh setting.Secret) setting.Secret {
			var grants []authn.Grant
			for _, callers := range []int{1, 4, 1, 2} {
				grants = append(grants, refreshes(t, app, refresh, callers)...)
				app.Advance(2 * time.Second)
			}
			return requireOneChild(t, app, refresh, grants)
		},
	}
}

// REL-32, in a small form: 1,000 legitimate double refreshes of each kind log nobody out.
func TestDoubleRefreshLogsNobodyOut(t *testing.T) {
	t.Parallel()
	trials := map[string]int{"memory": 1000, "sqlite": 100}
	for driver, trials := range trials {
		for name, client := range clients() {
			t.Run(fmt.Sprintf("%s/%s", driver, name), func(t *testing.T) {
				t.Parallel()
				app := fxtest.NewConfigured(t, func(c *authmodule.Config) {
					withGrace(c)
					if c.Store.Driver = driver; driver == "sqlite" {
						c.Store.DSN = setting.Secret(sqlitetest.Path(t))
					}
				})
				user := app.User()
				grant, err := app.Users.Login(t.Context(), authn.LoginRequest{Email: user.Email, Password: fxtest.Password, Carrier: authn.CarrierToken})
				require.NoError(t, err)
				refresh := grant.RefreshToken
				for range trials {
					refresh = client(t, app, refresh)
					app.Advance(15 * time.Minute)
				}
				live, err := app.SessionManager.List(t.Context(), user.Subject)
				require.NoError(t, err)
				assert.Len(t, live, 1, "the session of the login")
				assert.Empty(t, app.Events(audit.RefreshReused, audit.SessionEnded))
				assert.GreaterOrEqual(t, len(app.Events(audit.TokenRefreshed)), 2*trials)
			})
		}
	}
}
