package echoauth_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/echoauth"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/transport"
)

func secretOf(c *http.Cookie) setting.Secret { return setting.Secret(c.Value) }

// renewing is an application that renews sessions at its own changes of privilege.
func renewing(e *echo.Echo) {
	guardedRoutes(e)
	e.POST("/step-up", func(c echo.Context) error {
		c.Response().Header().Set("Cache-Control", "public, max-age=60")
		if err := echoauth.RenewSession(c); err != nil {
			return err
		}
		c.Response().Header().Set("Cache-Control", "public, max-age=60")
		return who(c)
	})
}

// FIX-01: a change of privilege gives the session another cookie; the old one is dead at once.
func TestRenewSession(t *testing.T) {
	t.Parallel()
	app := start(t, routes(renewing))
	ada := app.User()
	old := loginCookie(t, app, ada.Email)
	before, err := app.SessionManager.List(t.Context(), ada.Subject)
	require.NoError(t, err)
	app.Advance(time.Minute)
	w := app.Do(request("POST", "/step-up", "", append(sent(old), "Sec-Fetch-Site", "same-origin")...))
	require.Equal(t, http.StatusOK, w.Code)
	require.Len(t, setCookies(w), 1)
	assert.Equal(t, "no-store", w.Header().Get("Cache-Control"), "a cookie is one browser's, whatever the handler says")
	fresh := w.Result().Cookies()[0]
	assert.Equal(t, old.Name, fresh.Name)
	assert.NotEqual(t, old.Value, fresh.Value)
	assert.Equal(t, []any{"/", true, true, http.SameSiteLaxMode, ""}, []any{fresh.Path, fresh.Secure, fresh.HttpOnly, fresh.SameSite, fresh.Domain})
	assert.Equal(t, ada.Subject.ID, app.caller(fresh))

	w = app.Do(request("GET", "/in", "", sent(old)...))
	assert.Equal(t, "unauthenticated", codeOf(t, w))
	assert.Empty(t, setCookies(w), "the new cookie is not cleared")
	after, err := app.SessionManager.List(t.Context(), ada.Subject)
	require.NoError(t, err)
	require.Len(t, after, 1)
	assert.Equal(t, before[0].ID, after[0].ID, "it is the same session")
	assert.Equal(t, before[0].CreatedAt, after[0].CreatedAt)
	assert.Equal(t, before[0].ExpiresAt.Add(time.Minute), after[0].ExpiresAt, "a renewal is a use")
	assert.Empty(t, app.reasons(), "an old cookie ends nothing")
	assert.NotContains(t, app.log.String(), fresh.Value)
}

// A session does not outlive its end by being renewed.
func TestRenewalExtendsNoEnd(t *testing.T) {
	t.Parallel()
	app := startConfigured(t, func(c *authmodule.Config) {
		c.Session.TimeoutMinutes, c.Session.AbsoluteTimeoutDays, c.JWT.RefreshTokenExpireDays = 24*60, 2, 1
	}, routes(renewing), mounted())
	c := loginCookie(t, app, app.User().Email)
	ends := c.Expires
	for range 3 {
		app.Advance(15 * time.Hour)
		c = app.Do(request("POST", "/step-up", "", sent(c)...)).Result().Cookies()[0]
		assert.Equal(t, ends, c.Expires)
	}
	app.Advance(3 * time.Hour)
	assert.Empty(t, app.caller(c))
}

// Of renewals at once one wins. The others are told, and the winner's cookie is the browser's.
func TestRenewalsRace(t *testing.T) {
	t.Parallel()
	const n = 8
	app := start(t, routes(renewing))
	ada := app.User()
	old := loginCookie(t, app, ada.Email)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var won []*http.Cookie
	for range n {
		wg.Go(func() {
			w := app.Do(request("POST", "/step-up", "", sent(old)...))
			cookies := w.Result().Cookies()
			if w.Code == http.StatusOK {
				mu.Lock()
				defer mu.Unlock()
				won = append(won, cookies...)
				return
			}
			assert.Empty(t, cookies)
			assert.Contains(t, []string{"session_renewed", "unauthenticated"}, codeOf(t, w), "at the renewal, or before it")
		})
	}
	wg.Wait()
	require.Len(t, won, 1)
	assert.Equal(t, ada.Subject.ID, app.caller(won[0]))
}

// A handler may go on where another request was first.
func TestRenewingTwiceInOneRequest(t *testing.T) {
	t.Parallel()
	app := start(t, routes(func(e *echo.Echo) {
		e.POST("/twice", func(c echo.Context) error {
			if err := echoauth.RenewSession(c); err != nil {
				return err
			}
			err := echoauth.RenewSession(c)
			if !errors.Is(err, authn.ErrSessionRenewed) {
				return errors.New("the second renewal was not told")
			}
			if c.QueryParam("lenient") != "" {
				return who(c)
			}
			return err
		})
	}))
	ada := app.User()
	c := loginCookie(t, app, ada.Email)
	w := app.Do(request("POST", "/twice?lenient=1", "", sent(c)...))
	assert.Equal(t, ada.Subject.ID, w.Body.String())
	require.Len(t, setCookies(w), 1)
	w = app.Do(request("POST", "/twice", "", sent(w.Result().Cookies()[0])...))
	assert.Equal(t, http.StatusConflict, w.Code)
	assert.Equal(t, "session_renewed", codeOf(t, w))
	assert.Len(t, setCookies(w), 1, "the cookie is set whatever the answer is")
}

// Who came without a session cookie has nothing to renew; nobody is let in by it.
func TestRenewingWithoutACookie(t *testing.T) {
	t.Parallel()
	app := start(t, routes(renewing), authmodule.AddAuthenticator(adding("cookie", func(string) (authn.Principal, error) { return service, nil })))
	p := app.Principal()
	c := app.Cookie(p)
	for name, headers := range map[string][]string{
		"token":                  bearer(app.Token(p)),
		"token beside a cookie":  append(bearer(app.Token(p)), sent(c)...),
		"API key":                {"Authorization", "ApiKey " + app.APIKey(p)},
		"own, beside the cookie": append(sent(c), "X-Key", "x"),
	} {
		w := app.Do(request("POST", "/step-up", "", headers...))
		assert.Equal(t, http.StatusOK, w.Code, name)
		assert.Empty(t, setCookies(w), name)
		assert.Equal(t, "public, max-age=60", w.Header().Get("Cache-Control"), name)
	}
	assert.Equal(t, "unauthenticated", codeOf(t, app.Do(request("POST", "/step-up", ""))))
	assert.Equal(t, "cross_origin", codeOf(t, app.Do(request("POST", "/step-up", "", append(sent(c), "Sec-Fetch-Site", "cross-site")...))))
	assert.Equal(t, p.Subject.ID, app.caller(c), "the cookie is what it was")
}

func TestRenewingWhereNothingAuthenticates(t *testing.T) {
	t.Parallel()
	e := echo.New()
	e.HTTPErrorHandler = echoauth.ErrorHandler(e.DefaultHTTPErrorHandler)
	e.POST("/step-up", func(c echo.Context) error { return echoauth.RenewSession(c) })
	w := httptest.NewRecorder()
	e.ServeHTTP(w, request("POST", "/step-up", "", "Cookie", transport.CookieName+"=x"))
	assert.Equal(t, "not_mounted", codeOf(t, w))
}
