package echoauth_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/echoauth"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/store/memstore"
)

func guardedRoutes(e *echo.Echo) {
	e.GET("/public", who, echoauth.Public())
	e.GET("/in", who, echoauth.RequireAuth())
	e.GET("/optional", who, echoauth.OptionalAuth())
	e.GET("/read", who, echoauth.RequirePermissions("articles.read"))
	e.GET("/editors", who, echoauth.RequireRoles("editor"))
}

// foreign is a token like those of the application, signed with another key.
func foreign(t *testing.T, app app) string {
	t.Helper()
	key, err := authn.NewSecretKey("HS256", setting.Secret(strings.Repeat("another key ", 4)))
	require.NoError(t, err)
	ring, err := authn.NewKeyRing(key)
	require.NoError(t, err)
	view, err := authn.NewRevocations(authn.RevocationConfig{}, authn.RevocationDeps{Store: memstore.New()})
	require.NoError(t, err)
	t.Cleanup(view.Close)
	manager, err := authn.NewTokenManager(authn.TokenConfig{}, authn.TokenDeps{Keys: ring, Revocations: view, Now: app.Now})
	require.NoError(t, err)
	token, _, err := manager.Issue(authn.Session{ID: "s", Subject: app.User().Subject, Carrier: authn.CarrierToken, AuthTime: app.Now(), Ends: app.Now().Add(time.Hour)}, nil)
	require.NoError(t, err)
	return token.Reveal()
}

// rewritten is a token with another header and signature.
func rewritten(t *testing.T, token, signature string, members map[string]any) string {
	t.Helper()
	parts := strings.Split(token, ".")
	raw, err := base64.RawURLEncoding.DecodeString(parts[0])
	require.NoError(t, err)
	header := map[string]any{}
	require.NoError(t, json.Unmarshal(raw, &header))
	for name, value := range members {
		header[name] = value
	}
	raw, err = json.Marshal(header)
	require.NoError(t, err)
	return base64.RawURLEncoding.EncodeToString(raw) + "." + parts[1] + "." + signature
}

func TestRefusedTokens(t *testing.T) {
	t.Parallel()
	app := start(t, routes(guardedRoutes))
	p := app.Principal("admin")
	revoked, ended, good := app.Token(p), app.Grant(p), app.Grant(p)
	require.NoError(t, app.TokenManager.Revoke(background(), setting.Secret(revoked)))
	require.NoError(t, app.SessionManager.Revoke(background(), p.Subject, ended.Session.ID))
	live := good.AccessToken.Reveal()
	parts := strings.Split(live, ".")
	closed := app.Principal()
	ofDisabled := app.Token(closed)
	require.NoError(t, app.Users.Disable(background(), p, closed.Subject))

	testCases := []struct{ name, token, code string }{
		{"malformed", "x", "token_malformed"},
		{"two segments", parts[0] + "." + parts[1], "token_malformed"},
		{"four segments", live + ".x", "token_malformed"},
		{"no signature", parts[0] + "." + parts[1] + ".", "token_malformed"},
		{"padding", live + "=", "token_malformed"},
		{"too long", live + strings.Repeat("a", 20<<10), "token_malformed"},
		{"not UTF-8", "\xff.\xff.\xff", "token_malformed"},
		{"NUL", "\x00", "token_malformed"},
		{"alg none", rewritten(t, live, "", map[string]any{"alg": "none"}), "token_algorithm"},
		{"alg none with a signature", rewritten(t, live, parts[2], map[string]any{"alg": "none"}), "token_algorithm"},
		{"other algorithm", rewritten(t, live, parts[2], map[string]any{"alg": "RS256"}), "token_algorithm"},
		{"key from a URL", rewritten(t, live, parts[2], map[string]any{"jku": "https://evil.example.com"}), "token_malformed"},
		{"other key", rewritten(t, live, parts[2], map[string]any{"kid": "../../dev/null"}), "token_key"},
		{"foreign key", foreign(t, app), "token_key"},
		{"signature of another token", parts[0] + "." + parts[1] + "." + strings.Split(revoked, ".")[2], "token_signature"},
		{"payload of another token", parts[0] + "." + strings.Split(revoked, ".")[1] + "." + parts[2], "token_signature"},
		{"revoked", revoked, "token_revoked"},
		{"session revoked", ended.AccessToken.Reveal(), "session_ended"},
		{"account disabled", ofDisabled, "session_ended"},
		{"refresh token", good.RefreshToken.Reveal(), "token_malformed"},
		{"session cookie", app.Cookie(p).Value, "token_malformed"},
		{"like an API key, item 43 of the original", "sk_live_0123456789abcdef", "token_malformed"},
		{"session ID", good.Session.ID, "token_malformed"},
	}
	for _, tc := range testCases {
		t.Run(tc.name, func(t *testing.T) {
			var first string
			for _, path := range []string{"/in", "/in", "/read", "/editors", "/optional", "/auth/me", "/auth/sessions"} {
				w := app.Do(request("GET", path, "", bearer(tc.token)...))
				assert.Equal(t, http.StatusUnauthorized, w.Code, path)
				assert.Equal(t, tc.code, problem(t, w).Code, path)
				assert.Equal(t, `Bearer realm="authmodule", error="invalid_token"`, w.Header().Get("WWW-Authenticate"))
				assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
				if first == "" {
					first = dump(t, w)
				}
				assert.Equal(t, first, dump(t, w), "equal failures are byte-equal")
			}
			w := app.Do(request("GET", "/public", "", bearer(tc.token)...))
			assert.Equal(t, http.StatusOK, w.Code)
			assert.Empty(t, w.Body.String(), "anonymous")
		})
	}
	assert.Equal(t, p.Subject.ID, app.Do(request("GET", "/in", "", bearer(live)...)).Body.String())
}

func TestExpiredTokenBlocksNothingThatIsOpen(t *testing.T) {
	t.Parallel()
	app := start(t, routes(guardedRoutes))
	user := app.User()
	p := app.Principal()
	expired := app.Grant(p)
	app.Advance(30 * time.Minute)
	for name, headers := range map[string][]string{
		"expired": bearer(expired.AccessToken.Reveal()), "bad": bearer("x"), "two": append(bearer("x"), bearer("y")...), "empty": bearer(""),
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, http.StatusUnauthorized, app.Do(request("GET", "/in", "", headers...)).Code)
			assert.Equal(t, http.StatusUnauthorized, app.Do(request("GET", "/optional", "", headers...)).Code)
			for path, status := range map[string]int{"/public": 200, "/.well-known/jwks.json": 200, "/auth/nothing": 404} {
				assert.Equal(t, status, app.Do(request("GET", path, "", headers...)).Code, path)
			}
			for _, mode := range []string{"token", "cookie"} {
				assert.Equal(t, http.StatusOK, app.Do(request("POST", "/auth/login", credentials(t, user.Email, mode), headers...)).Code)
			}
			assert.Equal(t, http.StatusCreated, app.Do(request("POST", "/auth/register", credentials(t, name+"@example.com", ""), headers...)).Code)
			refresh := `{"refresh_token":"` + app.Grant(p).RefreshToken.Reveal() + `"}`
			assert.Equal(t, http.StatusOK, app.Do(request("POST", "/auth/refresh", refresh, headers...)).Code)
		})
	}
	assert.Equal(t, "token_expired", problem(t, app.Do(request("GET", "/in", "", bearer(expired.AccessToken.Reveal())...))).Code)
}

// Item 45: a token counts in one Authorization header after one space, and nowhere else.
func TestWhereTokensAreTakenFrom(t *testing.T) {
	t.Parallel()
	app := start(t, routes(guardedRoutes), routes(func(e *echo.Echo) { e.POST("/in", who, echoauth.RequireAuth()) }))
	token := app.Token(app.Principal())
	form := request("POST", "/in", "access_token="+token)
	form.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	testCases := []struct {
		name    string
		request *http.Request
		code    string
	}{
		{"header", request("GET", "/in", "", bearer(token)...), ""},
		{"lower case scheme (RFC 9110, section 11.1)", request("GET", "/in", "", "Authorization", "bearer "+token), ""},
		{"upper case scheme", request("GET", "/in", "", "Authorization", "BEARER "+token), ""},
		{"query access_token", request("GET", "/in?access_token="+token, ""), "unauthenticated"},
		{"query token", request("GET", "/in?token="+token, ""), "unauthenticated"},
		{"form", form, "unauthenticated"},
		{"JSON body", request("POST", "/in", `{"access_token":"`+token+`"}`), "unauthenticated"},
		{"cookie access_token", request("GET", "/in", "", "Cookie", "access_token="+token), "unauthenticated"},
		{"token in the session cookie", request("GET", "/in", "", "Cookie", "__Host-session="+token), "unauthenticated"},
		{"other header", request("GET", "/in", "", "X-Access-Token", token), "unauthenticated"},
		{"proxy header", request("GET", "/in", "", "Proxy-Authorization", "Bearer "+token), "unauthenticated"},
		{"other scheme", request("GET", "/in", "", "Authorization", "Token "+token), "unauthenticated"},
		{"no scheme", request("GET", "/in", "", "Authorization", token), "unauthenticated"},
		{"scheme that begins alike", request("GET", "/in", "", "Authorization", "Bearers "+token), "unauthenticated"},
		{"space before", request("GET", "/in", "", "Authorization", " Bearer "+token), "unauthenticated"},
		{"empty header", request("GET", "/in", "", "Authorization", ""), "unauthenticated"},
		{"two headers", request("GET", "/in", "", append(bearer(token), bearer(token)...)...), "token_malformed"},
		{"second header of another scheme", request("GET", "/in", "", append(bearer(token), "Authorization", "Basic dTpw")...), "token_malformed"},
		{"two in one header", request("GET", "/in", "", "Authorization", "Bearer "+token+", Bearer "+token), "token_malformed"},
		{"two spaces", request("GET", "/in", "", "Authorization", "Bearer  "+token), "token_malformed"},
		{"tab", request("GET", "/in", "", "Authorization", "Bearer\t"+token), "token_malformed"},
		{"space and tab", request("GET", "/in", "", "Authorization", "Bearer \t"+token), "token_malformed"},
		{"space after", request("GET", "/in", "", "Authorization", "Bearer "+token+" "), "token_malformed"},
		{"quoted", request("GET", "/in", "", "Authorization", `Bearer "`+token+`"`), "token_malformed"},
		{"parameter", request("GET", "/in", "", "Authorization", "Bearer token="+token), "token_malformed"},
		{"no token", request("GET", "/in", "", "Authorization", "Bearer"), "token_malformed"},
		{"empty token", request("GET", "/in", "", "Authorization", "Bearer "), "token_malformed"},
	}
	for _, tc := range testCases {
		t.Run(tc.name, func(t *testing.T) {
			w := app.Do(tc.request)
			assert.Equal(t, tc.code, codeOf(t, w))
			if tc.code != "" {
				assert.Equal(t, http.StatusUnauthorized, w.Code)
			}
		})
	}
}
