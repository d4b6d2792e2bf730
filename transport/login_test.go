package transport_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/transport"
)

func disabled(t *testing.T, app app) authn.User {
	t.Helper()
	user := app.User()
	require.NoError(t, app.Users.Disable(context.Background(), authn.Principal{}, user.Subject))
	return user
}

// REL-24: a refused login tells nothing of the account.
func TestLoginRefusalsAreByteEqual(t *testing.T) {
	t.Parallel()
	app := startConfigured(t, unthrottled)
	user, closed := app.User(), disabled(t, app)
	expected := dump(t, app.Do(request("POST", "/auth/login", credentials(t, user.Email, "a wrong password of length"))))
	testCases := []struct{ name, email, password string }{
		{"wrong password, again", user.Email, "a wrong password of length"},
		{"empty password", user.Email, ""},
		{"longest password and more", user.Email, strings.Repeat("x", authn.LongestPassword+1)},
		{"unknown account", "nobody@example.com", password},
		{"unknown account, empty password", "nobody@example.com", ""},
		{"disabled account, right password", closed.Email, password},
		{"disabled account, wrong password", closed.Email, "a wrong password of length"},
		{"no address", "", password},
		{"malformed address", "no address\r\nSet-Cookie: a=b", password},
		{"two addresses", user.Email + "," + user.Email, password},
		{"longest address and more", strings.Repeat("a", 300) + "@example.com", password},
	}
	for _, tc := range testCases {
		t.Run(tc.name, func(t *testing.T) {
			for range 2 {
				w := app.Do(request("POST", "/auth/login", credentials(t, tc.email, tc.password)))
				assert.Equal(t, "invalid_credentials", problem(t, w).Code)
				assert.Equal(t, http.StatusUnauthorized, w.Code)
				assert.Equal(t, expected, dump(t, w))
			}
		})
	}
}

func TestLoginAnswers(t *testing.T) {
	t.Parallel()
	app := start(t)
	user := app.User()
	t.Run("token", func(t *testing.T) {
		for _, body := range []string{
			credentials(t, user.Email, password),
			object(t, map[string]any{"email": strings.ToUpper(user.Email), "password": password, "mode": "token"}),
		} {
			w := app.Do(request("POST", "/auth/login", body))
			have := answer(t, w, http.StatusOK)
			assert.Len(t, have, 4)
			assert.NotEmpty(t, have["access_token"])
			assert.NotEmpty(t, have["refresh_token"])
			assert.Equal(t, "Bearer", have["token_type"])
			assert.EqualValues(t, 30*60, have["expires_in"])
			assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
			assert.Empty(t, w.Header().Values("Set-Cookie"))
		}
	})
	t.Run("cookie", func(t *testing.T) {
		w := app.Do(request("POST", "/auth/login", object(t, map[string]any{"email": user.Email, "password": password, "mode": "cookie"})))
		have := answer(t, w, http.StatusOK)
		assert.Len(t, have, 1)
		assert.NotEmpty(t, have["session_id"])
		assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
		cookie := cookieOf(t, w)
		assert.Equal(t, transport.CookieName, cookie.Name)
		assert.NotContains(t, w.Body.String(), cookie.Value)
	})
}

// Item 37: addresses that differ in case or in form are one account.
func TestRegisterTakenAddress(t *testing.T) {
	t.Parallel()
	app := start(t)
	have := answer(t, app.Do(request("POST", "/auth/register", credentials(t, "Ada@Example.com", password))), http.StatusCreated)
	assert.Equal(t, "ada@example.com", have["email"])
	assert.Equal(t, []any{"viewer"}, have["roles"])
	assert.NotEmpty(t, have["id"])
	assert.Len(t, have, 3)
	for _, email := range []string{"ada@example.com", "ADA@EXAMPLE.COM", "aDa@example.com", "\uff41da@example.com", "ada\uff20example.com"} {
		w := app.Do(request("POST", "/auth/register", credentials(t, email, "another password that is long")))
		assert.Equal(t, http.StatusConflict, w.Code, email)
		assert.Equal(t, "email_taken", problem(t, w).Code, email)
	}
	answer(t, app.Do(request("POST", "/auth/login", credentials(t, "ada@example.com", password))), http.StatusOK)
}

func TestRegisterRefusals(t *testing.T) {
	t.Parallel()
	app := start(t)
	testCases := []struct {
		name, email, password string
		field                 string
		errors                int
	}{
		{"short password", "a@example.com", "14 characters.", "password", 1},
		{"long password", "a@example.com", strings.Repeat("x", authn.LongestPassword+1), "password", 1},
		{"no address", "", password, "email", 1},
		{"line break in the address", "a@example.com\r\nBcc: b@example.com", password, "email", 1},
		{"display name", "Ada <a@example.com>", password, "email", 1},
		{"both", "a", "b", "email", 2},
	}
	for _, tc := range testCases {
		t.Run(tc.name, func(t *testing.T) {
			w := app.Do(request("POST", "/auth/register", credentials(t, tc.email, tc.password)))
			p := problem(t, w)
			assert.Equal(t, http.StatusBadRequest, w.Code)
			assert.Equal(t, "invalid_request", p.Code)
			assert.Equal(t, tc.field, p.Field)
			assert.Len(t, p.Errors, tc.errors)
			assert.Equal(t, p.Field, p.Errors[0].Field)
			assert.NotEmpty(t, p.Errors[0].Code, "also of a single fault")
			if tc.password != "b" {
				assert.NotContains(t, w.Body.String(), tc.password)
			}
		})
	}
}

func TestRegistrationClosed(t *testing.T) {
	t.Parallel()
	app := startConfigured(t, func(c *authmodule.Config) { c.Registration = authn.RegistrationClosed })
	user := app.User()
	free := app.Do(request("POST", "/auth/register", credentials(t, "new@example.com", password)))
	taken := app.Do(request("POST", "/auth/register", credentials(t, user.Email, password)))
	assert.Equal(t, http.StatusForbidden, free.Code)
	assert.Equal(t, "registration_closed", problem(t, free).Code)
	assert.Equal(t, dump(t, free), dump(t, taken), "a closed registration tells nothing of accounts")
}

func TestSessionLimit(t *testing.T) {
	t.Parallel()
	t.Run("refuse", func(t *testing.T) {
		t.Parallel()
		app := startConfigured(t, func(c *authmodule.Config) { c.Session.MaxPerUser, c.Session.OnLimit = 1, session.Refuse })
		user := app.User()
		first := login(t, app, user.Email, "token")
		w := app.Do(request("POST", "/auth/login", credentials(t, user.Email, password)))
		assert.Equal(t, http.StatusForbidden, w.Code)
		assert.Equal(t, "session_limit", problem(t, w).Code)
		wrong := app.Do(request("POST", "/auth/login", credentials(t, user.Email, "a wrong password of length")))
		assert.Equal(t, "invalid_credentials", problem(t, wrong).Code, "only who knows the password is told")
		assert.True(t, first.lives(t, app))
	})
	t.Run("evict", func(t *testing.T) {
		t.Parallel()
		app := startConfigured(t, func(c *authmodule.Config) { c.Session.MaxPerUser = 1 })
		user := app.User()
		first := login(t, app, user.Email, "token")
		second := login(t, app, user.Email, "cookie")
		assert.False(t, first.lives(t, app))
		assert.True(t, second.lives(t, app))
	})
}
