package authmodule_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/fxtest"
	"github.com/authmodule/authmodule/setting"
)

// REF-06: whoever refreshes daily for a year is out at the absolute end, to the second, and holds no access token past it.
func TestREF06DailyRefreshDiesAtTheAbsoluteEnd(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for days, cfg := range map[int]setting.Days{30: 0, 90: 90, 365: 365} {
		t.Run(fmt.Sprint(days), func(t *testing.T) {
			t.Parallel()
			app := fxtest.NewConfigured(t, func(c *authmodule.Config) { c.Session.AbsoluteTimeoutDays = cfg })
			grant := app.Grant(authn.Principal{Subject: app.User().Subject})
			started, ends := app.Now(), grant.Session.Ends
			require.WithinDuration(t, started.Add(time.Duration(days)*day), ends, time.Microsecond)
			for d := 1; d < days; d++ {
				app.Advance(day)
				next, err := app.Users.Refresh(t.Context(), grant.RefreshToken, authn.Client{})
				require.NoError(t, err, "day %d", d)
				require.Equal(t, ends, next.Session.Ends, "day %d", d)
				grant = next
			}
			app.Advance(ends.Sub(app.Now()) - 2*time.Second)
			last, err := app.Users.Refresh(t.Context(), grant.RefreshToken, authn.Client{})
			require.NoError(t, err)
			claims, err := app.TokenManager.Verify(t.Context(), last.AccessToken)
			require.NoError(t, err)
			assert.False(t, claims.Expires.After(ends))

			app.Advance(2 * time.Second)
			for now := 0; now < 3; now++ {
				_, err = app.Users.Refresh(t.Context(), last.RefreshToken, authn.Client{})
				require.ErrorIs(t, err, authn.ErrRefreshInvalid)
				_, err = app.Users.AuthenticateToken(t.Context(), last.AccessToken, authn.Client{})
				require.Error(t, err)
				app.Advance(100 * day)
			}
		})
	}
}

// REF-08: whichever store cannot answer, nothing is used up: the token works when the store does again.
func TestREF08RefreshDuringAnOutage(t *testing.T) {
	t.Parallel()
	for _, part := range []string{"UserByID", "Assignments", "Session", "RotateSession"} {
		for _, grace := range []setting.Count{0, 10} {
			t.Run(fmt.Sprintf("%s/grace %d", part, grace), func(t *testing.T) {
				t.Parallel()
				store, app := newOutage(t, func(c *authmodule.Config) { c.Session.RefreshGraceSeconds = grace })
				grant := app.Grant(authn.Principal{Subject: app.User().Subject})
				store.fail(part)
				for range 3 {
					got, err := app.Users.Refresh(t.Context(), grant.RefreshToken, authn.Client{})
					require.ErrorIs(t, err, errOutage)
					require.Zero(t, got)
				}
				require.Empty(t, app.Events(audit.TokenRefreshed, audit.SessionEnded, audit.RefreshReused))
				store.fail("")
				next, err := app.Users.Refresh(t.Context(), grant.RefreshToken, authn.Client{})
				require.NoError(t, err)
				_, err = app.Users.AuthenticateToken(t.Context(), next.AccessToken, authn.Client{})
				require.NoError(t, err)
				require.Len(t, app.Events(audit.TokenRefreshed), 1)
			})
		}
	}
}

// REF-09: who could not end something is told so, no event says otherwise, and trying again ends it.
func TestREF09FailedRevocationIsAnError(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		part string
		end  func(ctx context.Context, app *fxtest.App, p authn.Principal, g authn.Grant) error
		// told are the events of success.
		told audit.Type
	}{
		"one access token": {"Revoke", func(ctx context.Context, app *fxtest.App, _ authn.Principal, g authn.Grant) error {
			return app.TokenManager.Revoke(ctx, g.AccessToken)
		}, audit.TokenRevoked},
		"an inspected access token": {"Revoke", func(ctx context.Context, app *fxtest.App, _ authn.Principal, g authn.Grant) error {
			return revokeInspected(ctx, app, g.AccessToken)
		}, audit.TokenRevoked},
		"an inspected refresh token": {"EndSessions", func(ctx context.Context, app *fxtest.App, _ authn.Principal, g authn.Grant) error {
			return revokeInspected(ctx, app, g.RefreshToken)
		}, audit.SessionEnded},
		"logout": {"EndSessions", func(ctx context.Context, app *fxtest.App, p authn.Principal, _ authn.Grant) error {
			return app.Users.Logout(ctx, p)
		}, audit.SessionEnded},
		"one session": {"EndSessions", func(ctx context.Context, app *fxtest.App, p authn.Principal, g authn.Grant) error {
			return app.SessionManager.Revoke(ctx, p.Subject, g.Session.ID)
		}, audit.SessionEnded},
		"all sessions": {"EndSessions", func(ctx context.Context, app *fxtest.App, p authn.Principal, _ authn.Grant) error {
			_, err := app.SessionManager.RevokeOthers(ctx, p.Subject, "")
			return err
		}, audit.SessionEnded},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, app := newOutage(t, unchanged)
			user := app.User()
			grant := app.Grant(authn.Principal{Subject: user.Subject})
			p, err := app.Users.AuthenticateToken(t.Context(), grant.AccessToken, authn.Client{})
			require.NoError(t, err)
			store.fail(tc.part)
			require.ErrorIs(t, tc.end(t.Context(), app, p, grant), errOutage)
			require.Empty(t, app.Events(tc.told))
			store.fail("")
			require.NoError(t, tc.end(t.Context(), app, p, grant))
			require.Len(t, app.Events(tc.told), 1)
			_, err = app.Users.AuthenticateToken(t.Context(), grant.AccessToken, authn.Client{})
			require.Error(t, err)
		})
	}
}

func revokeInspected(ctx context.Context, app *fxtest.App, token setting.Secret) error {
	i, err := app.Users.Inspect(ctx, token)
	if err != nil {
		return err
	}
	return app.Users.RevokeInspected(ctx, i)
}

// REF-09: a reuse whose session could not be ended is an outage, not a reuse that was dealt with; the next use ends it.
func TestREF09ReuseThatCannotEndTheSession(t *testing.T) {
	t.Parallel()
	store, app := newOutage(t, unchanged)
	grant := app.Grant(authn.Principal{Subject: app.User().Subject})
	_, err := app.Users.Refresh(t.Context(), grant.RefreshToken, authn.Client{})
	require.NoError(t, err)
	store.fail("EndSessions")
	_, err = app.Users.Refresh(t.Context(), grant.RefreshToken, authn.Client{})
	require.ErrorIs(t, err, errOutage)
	require.False(t, errors.Is(err, authn.ErrRefreshReused))
	require.Empty(t, app.Events(audit.RefreshReused))
	store.fail("")
	_, err = app.Users.Refresh(t.Context(), grant.RefreshToken, authn.Client{})
	require.ErrorIs(t, err, authn.ErrRefreshReused)
	require.Len(t, app.Events(audit.RefreshReused), 1)
}

// REF-10: a revocation is kept for as long as a node with a slow clock could take the token, and not much longer.
func TestREF10RevocationOutlivesItsToken(t *testing.T) {
	t.Parallel()
	store, app := newOutage(t, unchanged)
	grant := app.Grant(authn.Principal{Subject: app.User().Subject})
	claims, err := app.TokenManager.Verify(t.Context(), grant.AccessToken)
	require.NoError(t, err)
	app.Advance(20 * time.Minute)
	require.NoError(t, app.TokenManager.Revoke(t.Context(), grant.AccessToken))
	until := store.until(claims.ID)
	assert.False(t, until.Before(claims.Expires.Add(time.Minute)), "a leeway for clocks that are behind")
	assert.False(t, until.After(claims.Expires.Add(10*time.Minute)))
}

// REF-10: SQLite keeps what was revoked across a restart.
func TestREF10RevocationOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "revocations.db")
	configured := func(c *authmodule.Config) {
		c.JWT.SecretKey = "one secret before and after the restart"
		c.Store.Driver, c.Store.DSN = "sqlite", setting.Secret(file)
	}
	var revoked, kept setting.Secret
	t.Run("before", func(t *testing.T) {
		app := fxtest.NewConfigured(t, configured)
		p := app.Principal()
		revoked, kept = app.Grant(p).AccessToken, app.Grant(p).AccessToken
		require.NoError(t, app.TokenManager.Revoke(t.Context(), revoked))
	})
	t.Run("after", func(t *testing.T) {
		app := fxtest.NewConfigured(t, configured)
		_, err := app.Users.AuthenticateToken(t.Context(), revoked, authn.Client{})
		require.ErrorIs(t, err, authn.ErrTokenRevoked)
		_, err = app.Users.AuthenticateToken(t.Context(), kept, authn.Client{})
		require.NoError(t, err)
	})
}

// REF-12: a shortened, lengthened or altered token, cookie or key never matches, and ends nothing.
func TestREF12OpaqueTextsMatchWhole(t *testing.T) {
	t.Parallel()
	app := fxtest.New(t)
	p := app.Principal()
	grant := app.Grant(p)
	for kind, tc := range map[string]struct {
		text string
		use  func(context.Context, setting.Secret) error
		err  error
	}{
		"cookie": {app.Cookie(p).Value, func(ctx context.Context, text setting.Secret) error {
			_, err := app.Users.AuthenticateCookie(ctx, text, authn.Client{})
			return err
		}, authn.ErrSessionEnded},
		"API key": {app.APIKey(p), func(ctx context.Context, text setting.Secret) error {
			_, err := app.APIKeys.Authenticate(ctx, text, authn.Client{})
			return err
		}, authn.ErrAPIKeyInvalid},
		"refresh token": {grant.RefreshToken.Reveal(), func(ctx context.Context, text setting.Secret) error {
			_, err := app.Users.Refresh(ctx, text, authn.Client{})
			return err
		}, authn.ErrRefreshInvalid},
	} {
		t.Run(kind, func(t *testing.T) {
			tried := 0
			for _, wrong := range variants(tc.text) {
				require.ErrorIs(t, tc.use(t.Context(), setting.Secret(wrong)), tc.err, "%q of %q", wrong, tc.text)
				tried++
			}
			require.Greater(t, tried, 3*len(tc.text))
			require.NoError(t, tc.use(t.Context(), setting.Secret(tc.text)), "the text itself")
		})
	}
	require.Empty(t, app.Events(audit.SessionEnded, audit.RefreshReused))
}

// variants are all texts that lack the end, the start or one character, have one more, or another one.
func variants(text string) []string {
	out := []string{text + text, text + "=", text + "\x00", text + "\n", " " + text, text + " ", strings.ToUpper(text)}
	for i := range len(text) {
		other := "b"
		if text[i] == 'b' {
			other = "c"
		}
		out = append(out, text[:i], text[:i]+text[i+1:], text[:i]+other+text[i:], text[:i]+other+text[i+1:])
		if i > 0 {
			out = append(out, text[i:])
		}
	}
	return out
}

// REF-13: whatever a disabled or deleted account holds is refused from then on, and enabling it again revives no session.
func TestREF13AccountsThatAreGoneHoldNothing(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*outage, *fxtest.App, authn.Subject) error{
		"disabled": func(_ *outage, app *fxtest.App, s authn.Subject) error {
			return app.Users.Disable(context.Background(), authn.Principal{}, s)
		},
		"deleted from the store": func(store *outage, app *fxtest.App, s authn.Subject) error {
			store.forget(s)
			return app.Users.Changed(context.Background(), s)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, app := newOutage(t, unchanged)
			p := app.Principal()
			grant, cookie, key := app.Grant(p), setting.Secret(app.Cookie(p).Value), setting.Secret(app.APIKey(p))
			use := func() []error {
				_, token := app.Users.AuthenticateToken(t.Context(), grant.AccessToken, authn.Client{})
				_, session := app.Users.AuthenticateCookie(t.Context(), cookie, authn.Client{})
				if errors.Is(session, authn.ErrCookieSuperseded) {
					session = authn.ErrSessionEnded // which it is
				}
				_, apiKey := app.APIKeys.Authenticate(t.Context(), key, authn.Client{})
				return []error{token, session, apiKey}
			}
			require.Equal(t, []error{nil, nil, nil}, use())
			require.NoError(t, end(store, app, p.Subject))
			require.Equal(t, []error{authn.ErrSessionEnded, authn.ErrSessionEnded, authn.ErrAPIKeyInvalid}, use())
			_, err := app.Users.Refresh(t.Context(), grant.RefreshToken, authn.Client{})
			require.ErrorIs(t, err, authn.ErrRefreshInvalid)
			i, err := app.Users.Inspect(t.Context(), grant.RefreshToken)
			require.NoError(t, err)
			require.False(t, i.Active)
			if name == "disabled" {
				require.NoError(t, app.Users.Enable(t.Context(), authn.Principal{}, p.Subject))
				require.Equal(t, []error{authn.ErrSessionEnded, authn.ErrSessionEnded, nil}, use(), "keys are not sessions")
			}
		})
	}
}

// REF-14: a token needs the answer of two stores, revocations and sessions. When either cannot give one nobody is let in;
// a logout that reached one of them alone is an error, and is complete when it is tried again.
func TestREF14TwoStoresFailClosed(t *testing.T) {
	t.Parallel()
	stores, app := newOutage(t, unchanged)
	p := app.Principal()
	grant := app.Grant(p)
	for _, part := range []string{"Session", "UserByID", "Assignments", "Revocations"} {
		stores.fail(part)
		if part == "Revocations" {
			app.Advance(6 * time.Second) // longer than a node goes on by what it knows
		}
		got, err := app.Users.AuthenticateToken(t.Context(), grant.AccessToken, authn.Client{})
		require.ErrorIs(t, err, errOutage, part)
		require.Zero(t, got, part)
		i, err := app.Users.Inspect(t.Context(), grant.AccessToken)
		require.ErrorIs(t, err, errOutage, part)
		require.False(t, i.Active, part)
	}
	stores.fail("")
	require.NoError(t, app.TokenManager.Revoke(t.Context(), grant.AccessToken))
	stores.fail("EndSessions")
	require.ErrorIs(t, app.SessionManager.Revoke(t.Context(), p.Subject, grant.Session.ID), errOutage)
	_, err := app.Users.AuthenticateToken(t.Context(), grant.AccessToken, authn.Client{})
	require.ErrorIs(t, err, authn.ErrTokenRevoked, "what was revoked stays so")
	stores.fail("")
	require.NoError(t, app.SessionManager.Revoke(t.Context(), p.Subject, grant.Session.ID))
	_, err = app.Users.Refresh(t.Context(), grant.RefreshToken, authn.Client{})
	require.ErrorIs(t, err, authn.ErrRefreshInvalid)
}

// REF-11, REF-13: whatever logins, refreshes and requests meet it, an account that was disabled has no live session when
// the call has returned, and no token of theirs works.
func TestREF11DisablingRacesWithIssuing(t *testing.T) {
	t.Parallel()
	for driver, rounds := range map[string]int{"memory": 5, "sqlite": 1} {
		t.Run(driver, func(t *testing.T) {
			t.Parallel()
			app := newAppsOverStore(t, driver, unchanged)[0]
			for range rounds {
				disabledWhileIssuing(t, app, app.User().Subject)
			}
		})
	}
}

func disabledWhileIssuing(t *testing.T, app *fxtest.App, subject authn.Subject) {
	t.Helper()
	const callers = 30
	complete := func() (authn.Grant, error) {
		proof := authn.Proof{Subject: subject, Methods: []string{authn.MethodPassword}, Time: app.Now()}
		return app.Users.Complete(t.Context(), proof, authn.Completion{})
	}
	var held []authn.Grant
	for range callers {
		grant, err := complete()
		require.NoError(t, err)
		held = append(held, grant)
	}
	issued := race(callers, func(i int) authn.Grant {
		var grant authn.Grant
		switch {
		case i == callers/2:
			assert.NoError(t, app.Users.Disable(t.Context(), authn.Principal{}, subject))
		case i%2 == 0:
			grant, _ = complete()
		default:
			grant, _ = app.Users.Refresh(t.Context(), held[i].RefreshToken, authn.Client{})
		}
		return grant
	})
	for _, grant := range append(held, issued...) {
		_, err := app.Users.AuthenticateToken(t.Context(), grant.AccessToken, authn.Client{})
		require.Error(t, err)
		_, err = app.Users.Refresh(t.Context(), grant.RefreshToken, authn.Client{})
		require.ErrorIs(t, err, authn.ErrRefreshInvalid)
	}
	live, err := app.SessionManager.List(t.Context(), subject)
	require.NoError(t, err)
	assert.Empty(t, live)
}
