package authmodule_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/echoauth"
	"github.com/authmodule/authmodule/fxtest"
)

// resourceServer is an application that only guards: no account can be made, and the tokens come from elsewhere.
func resourceServer(t *testing.T, issuer *fxtest.Issuer, change func(*authn.IssuerConfig), options ...fx.Option) *fxtest.App {
	t.Helper()
	return fxtest.NewConfigured(t, func(c *authmodule.Config) {
		c.Registration = authn.RegistrationClosed
		issuer.Configure(c)
		for name, cfg := range c.Issuers {
			change(&cfg)
			c.Issuers[name] = cfg
		}
	},
		authmodule.AddRoles(authz.Role{Name: "editor", Permissions: []string{"articles.write", "articles.delete"}}),
		fx.Provide(echo.New), fx.Invoke(echoauth.Mount, resources), fx.Options(options...),
	)
}

func resources(e *echo.Echo) {
	ok := func(c echo.Context) error { return c.String(http.StatusOK, echoauth.Principal(c).Subject.ID) }
	e.GET("/auth-only", ok, echoauth.RequireAuth())
	e.GET("/role", ok, echoauth.RequireRoles("editor"))
	e.GET("/permission", ok, echoauth.RequirePermissions("articles.write"))
	e.GET("/scope", ok, echoauth.RequireScopes("articles.write"))
	e.GET("/public", ok, echoauth.OptionalAuth())
}

func get(app *fxtest.App, path, token string) *httptest.ResponseRecorder {
	return send(app, http.MethodGet, path, token)
}

func send(app *fxtest.App, method, path, token string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return app.Do(r)
}

func codeOf(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	var problem struct{ Code string }
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &problem), w.Body.String())
	return problem.Code
}

// V10.3.2: what a guard lets through is limited by the token's scope and by the roles that its subject has here.
func TestResourceServerGuards(t *testing.T) {
	t.Parallel()
	issuer := fxtest.NewIssuer(t, "corp")
	app := resourceServer(t, issuer, func(*authn.IssuerConfig) {})
	require.NoError(t, app.AuthorizationService.Assign(t.Context(), authn.Principal{}, authn.Subject{ID: "corp:editor"}, "editor"))
	statuses := func(claims map[string]any) []int {
		var all []int
		for _, path := range []string{"/auth-only", "/role", "/permission", "/scope", "/public"} {
			all = append(all, get(app, path, issuer.Token(claims)).Code)
		}
		return all
	}
	assert.Equal(t, []int{200, 403, 403, 403, 200}, statuses(nil), "no scope, nothing but who it is")
	assert.Equal(t, []int{200, 403, 403, 200, 200}, statuses(map[string]any{"scope": "openid articles.write"}), "a scope gives no permission")
	assert.Equal(t, []int{200, 403, 200, 200, 200}, statuses(map[string]any{"scope": "articles.write", "sub": "editor"}))
	assert.Equal(t, []int{200, 403, 403, 403, 200}, statuses(map[string]any{"scope": "articles.read", "sub": "editor"}))
	assert.Equal(t, []int{401, 401, 401, 401, 401}, statuses(map[string]any{"aud": "other"}))
	assert.Equal(t, "corp:user-1", get(app, "/auth-only", issuer.Token(nil)).Body.String())
	assert.Equal(t, 1, issuer.Fetches())
}

// Roles from a claim, as Keycloak writes it, for tokens whose scope tells nothing of this application.
func TestResourceServerRolesFromAClaim(t *testing.T) {
	t.Parallel()
	issuer := fxtest.NewIssuer(t, "corp")
	app := resourceServer(t, issuer, func(c *authn.IssuerConfig) {
		c.RolesClaim, c.Roles, c.InsecureIgnoreScope = "realm_access.roles", map[string]authn.IssuerRole{"editor": {Values: []string{"cms-editors"}}}, true
	})
	token := issuer.Token(map[string]any{"scope": "openid profile", "realm_access": map[string]any{"roles": []string{"offline_access", "cms-editors"}}})
	for _, path := range []string{"/auth-only", "/role", "/permission", "/scope"} {
		assert.Equal(t, http.StatusOK, get(app, path, token).Code, path)
	}
	assert.Equal(t, http.StatusForbidden, get(app, "/role", issuer.Token(map[string]any{"realm_access": map[string]any{"roles": []string{"editor"}}})).Code, "a value is no role")
}

// The module's own routes answer sensibly to who has no account here, and sessions are not theirs. V6.8.1: an address in the token makes nobody the
// owner of the account that has it.
func TestResourceServerOwnRoutes(t *testing.T) {
	t.Parallel()
	issuer := fxtest.NewIssuer(t, "corp")
	for name, change := range map[string]func(*authn.IssuerConfig){
		"scopes": func(*authn.IssuerConfig) {}, "no scopes": func(c *authn.IssuerConfig) { c.InsecureIgnoreScope = true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			issuer := fxtest.NewIssuer(t, "corp")
			app := resourceServer(t, issuer, change)
			local, err := app.Users.CreateUser(t.Context(), authn.RegisterRequest{Email: "ada@example.com", Password: fxtest.Password})
			require.NoError(t, err)
			require.NoError(t, app.AuthorizationService.Assign(t.Context(), authn.Principal{}, local.Subject, "editor"))
			token := issuer.Token(map[string]any{"email": "ada@example.com", "email_verified": true, "amr": []string{"pwd"}})
			me := get(app, "/auth/me", token)
			require.Equal(t, http.StatusOK, me.Code)
			assert.JSONEq(t, `{"id":"corp:user-1","email":"","roles":["viewer"],"permissions":[],"session_id":"","auth_time":null,"mfa_time":null,"acr":""}`, me.Body.String())
			for _, route := range [][2]string{
				{"GET", "/auth/sessions"}, {"DELETE", "/auth/sessions"}, {"DELETE", "/auth/sessions/x"}, {"POST", "/auth/logout"}, {"GET", "/auth/api-keys"}, {"POST", "/auth/api-keys"},
			} {
				w := send(app, route[0], route[1], token)
				assert.Equal(t, http.StatusForbidden, w.Code, route)
				assert.Equal(t, "session_required", codeOf(t, w), route)
			}
		})
	}
	app := resourceServer(t, issuer, func(*authn.IssuerConfig) {})
	own := app.Token(app.Principal("editor"))
	assert.Equal(t, http.StatusOK, get(app, "/role", own).Code, "tokens of this application go on working beside them")
	assert.Zero(t, issuer.Fetches(), "and fetch nothing")
}

// Attack tokens are refused with the class, and 503 says that it was not the token.
func TestResourceServerRefusals(t *testing.T) {
	t.Parallel()
	issuer, stranger := fxtest.NewIssuer(t, "corp"), fxtest.NewIssuer(t, "stranger")
	app := resourceServer(t, issuer, func(*authn.IssuerConfig) {})
	own := app.Token(app.Principal())
	now := app.Now()
	for name, tc := range map[string]struct{ token, code string }{
		"unknown issuer":            {stranger.Token(nil), "token_algorithm"},
		"issuer with a slash":       {issuer.Token(map[string]any{"iss": issuer.URL + "/"}), "token_algorithm"},
		"signed by a stranger":      {stranger.Token(map[string]any{"iss": issuer.URL}), "token_signature"},
		"our issuer, their key":     {issuer.Token(map[string]any{"iss": "authmodule"}), "token_algorithm"},
		"expired":                   {issuer.Token(map[string]any{"iat": now.Add(-time.Hour).Unix(), "exp": now.Unix()}), "token_expired"},
		"not yet":                   {issuer.Token(map[string]any{"nbf": now.Add(time.Minute).Unix()}), "token_not_yet_valid"},
		"another audience":          {issuer.Token(map[string]any{"aud": []string{"account"}}), "token_audience"},
		"no audience":               {issuer.Token(map[string]any{"aud": nil}), "token_malformed"},
		"bound to a key":            {issuer.Token(map[string]any{"cnf": map[string]any{"jkt": "x"}}), "token_binding"},
		"our own, a character more": {own + "=", "token_malformed"},
	} {
		w := get(app, "/auth-only", tc.token)
		assert.Equal(t, http.StatusUnauthorized, w.Code, name)
		assert.Contains(t, w.Header().Get("WWW-Authenticate"), "invalid_token", name)
		if tc.code != codeOf(t, w) {
			t.Errorf("%s: %s, expected %s", name, codeOf(t, w), tc.code)
		}
	}
	assert.Zero(t, stranger.Fetches(), "JWT-06: no token chooses where keys come from")
}

// REL-15 over HTTP: an issuer that is down from the start, then comes up, rotates, and is down again.
func TestResourceServerIssuerDown(t *testing.T) {
	t.Parallel()
	issuer := fxtest.NewIssuer(t, "corp")
	issuer.SetDown(true)
	app := resourceServer(t, issuer, func(c *authn.IssuerConfig) { c.MaxStaleHours = 1 })
	unavailable := func(token string) {
		t.Helper()
		w := get(app, "/auth-only", token)
		assert.Equal(t, http.StatusServiceUnavailable, w.Code)
		assert.Equal(t, "unavailable", codeOf(t, w))
		assert.Equal(t, "30", w.Header().Get("Retry-After"))
	}
	unavailable(issuer.Token(nil))
	assert.Equal(t, http.StatusOK, get(app, "/auth-only", app.Token(app.Principal())).Code, "tokens of this application are not concerned")
	issuer.SetDown(false)
	unavailable(issuer.Token(nil)) // it is asked once in 30 seconds
	app.Advance(30 * time.Second)
	assert.Equal(t, http.StatusOK, get(app, "/auth-only", issuer.Token(nil)).Code)

	issuer.Rotate()
	app.Advance(30 * time.Second)
	assert.Equal(t, http.StatusOK, get(app, "/auth-only", issuer.Token(nil)).Code)
	issuer.SetDown(true)
	app.Advance(59 * time.Minute)
	assert.Equal(t, http.StatusOK, get(app, "/auth-only", issuer.Token(nil)).Code)
	app.Advance(time.Minute)
	unavailable(issuer.Token(nil))
}

// The application's own client is used, and a client without issuers is an option that nothing consumes.
func TestUseHTTPClient(t *testing.T) {
	t.Parallel()
	issuer := fxtest.NewIssuer(t, "corp")
	asked := 0
	client := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		asked++
		return http.DefaultTransport.RoundTrip(r)
	})}
	use := authmodule.UseHTTPClient(func() *http.Client { return client })
	app := resourceServer(t, issuer, func(*authn.IssuerConfig) {}, use)
	assert.Equal(t, http.StatusOK, get(app, "/auth-only", issuer.Token(nil)).Code)
	assert.Equal(t, 1, asked)
	assert.ErrorContains(t, build(authmodule.Stub(), use), "nothing consumes it")
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// MTLS-03: where a certificate is demanded, another issuer's token that is bound to none is refused as our own is.
func TestResourceServerDemandsABinding(t *testing.T) {
	t.Parallel()
	issuer := fxtest.NewIssuer(t, "corp")
	app := fxtest.NewConfigured(t, func(c *authmodule.Config) {
		issuer.Configure(c)
		c.Binding.Certificate, c.HTTP.ClientCertificate = authn.CertificateRequired, "tls"
	}, fx.Provide(echo.New), fx.Invoke(echoauth.Mount))
	r := httptest.NewRequest(http.MethodGet, "/auth/me", nil)
	r.Header.Set("Authorization", "Bearer "+issuer.Token(nil))
	w := app.Do(r)
	assert.Equal(t, http.StatusUnauthorized, w.Code)
	assert.Contains(t, w.Body.String(), `"token_binding"`)
}
