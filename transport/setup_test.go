package transport_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/session"
	"github.com/authmodule/authmodule/store/memstore"
)

func withAdmin(c *authmodule.Config) {
	c.AdminEmail = adminEmail
	c.HTTP.PublicURL = "https://app.example.com"
}

func adminRole() fx.Option {
	return authmodule.AddRoles(authz.Role{Name: "admin", Permissions: []string{"*.*"}})
}

// setupToken finds the link in the log and returns its token.
func (l *logs) setupToken(t *testing.T) string {
	t.Helper()
	found := regexp.MustCompile(`link="?(https://[^"\s]+)`).FindStringSubmatch(l.String())
	require.NotNil(t, found, "no link was logged")
	link, err := url.Parse(found[1])
	require.NoError(t, err)
	assert.Equal(t, "https://app.example.com/auth/setup", link.Scheme+"://"+link.Host+link.Path)
	assert.Empty(t, link.RawQuery, "a token in a query ends up in logs of requests")
	require.NotEmpty(t, link.Fragment)
	return link.Fragment
}

func redeem(t testing.TB, app app, token, password string) (status int, code string) {
	t.Helper()
	w := app.Do(request("POST", "/auth/setup", object(t, map[string]any{"token": token, "password": password})))
	if w.Code >= http.StatusBadRequest {
		return w.Code, problem(t, w).Code
	}
	have := answer(t, w, w.Code)
	assert.Equal(t, adminEmail, have["email"])
	assert.Contains(t, have["roles"], "admin")
	return w.Code, ""
}

func TestSetupFlow(t *testing.T) {
	t.Parallel()
	app := startConfigured(t, withAdmin, adminRole())
	token := app.log.setupToken(t)
	assert.Len(t, app.Events(audit.AdminSetupIssued), 1)

	// RST-04: reading the link does not use it up.
	for range 3 {
		w := app.Do(request("GET", "/auth/setup", ""))
		assert.Equal(t, http.StatusOK, w.Code)
		assert.Equal(t, "text/html; charset=UTF-8", w.Header().Get("Content-Type"))
		policy := w.Header().Get("Content-Security-Policy")
		assert.Contains(t, policy, "default-src 'none'")
		assert.Contains(t, policy, "frame-ancestors 'none'")
		assert.Contains(t, policy, "script-src 'sha256-")
		assert.NotContains(t, policy, "unsafe")
		assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
		assert.Equal(t, "no-referrer", w.Header().Get("Referrer-Policy"))
		assert.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"))
	}
	id, secret, _ := strings.Cut(token[3:], "_")
	for _, wrong := range []string{
		"", "x", token + "a", token[:len(token)-1], "as_" + id + "_" + strings.Repeat("a", len(secret)),
		strings.ToUpper(token), " " + token, token + "\n", strings.Replace(token, "as_", "cs_", 1),
	} {
		status, code := redeem(t, app, wrong, password)
		assert.Equal(t, http.StatusBadRequest, status, wrong)
		assert.Equal(t, "setup_invalid", code, wrong)
	}
	status, code := redeem(t, app, token, "too short")
	assert.Equal(t, http.StatusBadRequest, status)
	assert.Equal(t, "invalid_request", code)

	status, _ = redeem(t, app, token, password)
	assert.Equal(t, http.StatusCreated, status)
	status, code = redeem(t, app, token, "another password that is long")
	assert.Equal(t, http.StatusBadRequest, status)
	assert.Equal(t, "setup_invalid", code)

	have := answer(t, app.Do(request("POST", "/auth/login", credentials(t, adminEmail, password))), http.StatusOK)
	me := answer(t, app.Do(request("GET", "/auth/me", "", bearer(have["access_token"].(string))...)), http.StatusOK)
	assert.Equal(t, []any{"admin"}, me["roles"])
	assert.Equal(t, []any{"*.*"}, me["permissions"])
	assert.Len(t, app.Events(audit.AdminSetupCompleted), 1)
	assert.NotContains(t, app.log.String(), password)
}

// V6.4.1: the first administrator's token has 256 random bits and is good for a day.
func TestSetupTokenExpires(t *testing.T) {
	t.Parallel()
	for after, expected := range map[time.Duration]string{24*time.Hour - time.Second: "", 24 * time.Hour: "setup_invalid"} {
		app := startConfigured(t, withAdmin, adminRole())
		token := app.log.setupToken(t)
		_, secret, _ := strings.Cut(token[len("as_"):], "_")
		assert.Len(t, secret, 52, "of base32")
		app.Advance(after)
		_, code := redeem(t, app, token, password)
		assert.Equal(t, expected, code, after)
	}
}

func TestSetupRace(t *testing.T) {
	t.Parallel()
	app := startConfigured(t, withAdmin, adminRole())
	token := app.log.setupToken(t)
	const racers = 50
	var won, lost int
	var mu sync.Mutex
	var race sync.WaitGroup
	begin := make(chan struct{})
	for range racers {
		race.Go(func() {
			<-begin
			status, _ := redeem(t, app, token, password)
			mu.Lock()
			defer mu.Unlock()
			if status == http.StatusCreated {
				won++
			} else if status == http.StatusBadRequest {
				lost++
			}
		})
	}
	close(begin)
	race.Wait()
	assert.Equal(t, 1, won)
	assert.Equal(t, racers-1, lost)
}

// persistent has two runs of an application share their accounts.
func persistent(store *memstore.Store) fx.Option {
	return fx.Options(
		authmodule.UseUserStore(func() authn.UserStore { return store }),
		authmodule.UsePasswordStore(func() authn.PasswordStore { return store }),
		authmodule.UseSessionStore(func() session.Store { return store }),
		authmodule.UseAssignmentStore(func() authz.AssignmentStore { return store }),
		authmodule.UseOneTimeStore(func() authn.OneTimeStore { return store }),
	)
}

func TestSetupIsNotIssuedTwice(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	app := startConfigured(t, withAdmin, adminRole(), persistent(store))
	status, _ := redeem(t, app, app.log.setupToken(t), password)
	require.Equal(t, http.StatusCreated, status)

	app = startConfigured(t, withAdmin, adminRole(), persistent(store))
	assert.NotContains(t, app.log.String(), "link=")
	assert.Empty(t, app.Events(audit.AdminSetupIssued))
}

func TestSetupReplacesTheLinkOfAnEarlierStart(t *testing.T) {
	t.Parallel()
	store := memstore.New()
	earlier := startConfigured(t, withAdmin, adminRole(), persistent(store))
	app := startConfigured(t, withAdmin, adminRole(), persistent(store))
	status, _ := redeem(t, app, earlier.log.setupToken(t), password)
	assert.Equal(t, http.StatusBadRequest, status)
	status, _ = redeem(t, app, app.log.setupToken(t), password)
	assert.Equal(t, http.StatusCreated, status)
}

// Whoever registered the administrator's address beforehand keeps nothing.
func TestSetupTakesAnAccountOver(t *testing.T) {
	t.Parallel()
	const squatter = "the password of a squatter"
	app := startConfigured(t, withAdmin, adminRole())
	answer(t, app.Do(request("POST", "/auth/register", credentials(t, adminEmail, squatter))), http.StatusCreated)
	tokens := answer(t, app.Do(request("POST", "/auth/login", credentials(t, adminEmail, squatter))), http.StatusOK)
	w := app.Do(request("POST", "/auth/login", object(t, map[string]any{"email": adminEmail, "password": squatter, "mode": "cookie"})))
	cookie := cookieOf(t, w)

	status, _ := redeem(t, app, app.log.setupToken(t), password)
	require.Equal(t, http.StatusCreated, status)

	assert.Equal(t, "session_ended", problem(t, app.Do(request("GET", "/auth/me", "", bearer(tokens["access_token"].(string))...))).Code)
	assert.Equal(t, "unauthenticated", problem(t, app.Do(request("GET", "/auth/me", "", sent(cookie)...))).Code)
	refresh := object(t, map[string]any{"refresh_token": tokens["refresh_token"]})
	assert.Equal(t, "refresh_invalid", problem(t, app.Do(request("POST", "/auth/refresh", refresh))).Code)
	assert.Equal(t, "invalid_credentials", problem(t, app.Do(request("POST", "/auth/login", credentials(t, adminEmail, squatter)))).Code)
	answer(t, app.Do(request("POST", "/auth/login", credentials(t, adminEmail, password))), http.StatusOK)
}
