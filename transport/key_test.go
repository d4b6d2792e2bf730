package transport_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authz"
)

func startManaged(t testing.TB, endpoints bool) app {
	t.Helper()
	return startConfigured(t, func(c *authmodule.Config) {
		c.SecretKey, c.JWT.Algorithm, c.JWT.Managed.Enabled = "k9mVb3Qp7Zr1Xc5Nt8Wd2Lf6Hg4Js0Ya", "ES256", true
		c.HTTP.KeyEndpoints = endpoints
	}, authmodule.AddRoles(
		authz.Role{Name: "reader", Permissions: []string{"keys.read"}}, authz.Role{Name: "rotator", Permissions: []string{"keys.rotate"}},
		authz.Role{Name: "operator", Permissions: []string{"keys.*"}},
	))
}

// The life of a key over HTTP: listed, rotated, killed.
func TestKeyRoutes(t *testing.T) {
	t.Parallel()
	app := startManaged(t, true)
	operator := app.Principal("operator")
	login := bearer(app.Token(operator))
	list := func() []any {
		return answer(t, app.Do(request("GET", "/auth/keys", "", bearer(app.Token(operator))...)), http.StatusOK)["keys"].([]any)
	}
	keys := list()
	require.Len(t, keys, 2)
	first := keys[0].(map[string]any)
	assert.ElementsMatch(t, []string{"kid", "alg", "state", "created_at", "signs_at", "retired_at", "expires_at"}, names(first))

	w := app.Do(request("POST", "/auth/keys/rotate", "", login...))
	signs := answer(t, w, http.StatusOK)
	assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
	assert.Equal(t, "signing", signs["state"])
	require.Len(t, list(), 3)
	require.Equal(t, http.StatusOK, app.status("GET", "/auth/me", login...), "the old key verifies")
	kid := signs["kid"].(string)
	fresh := bearer(app.Token(operator))

	require.Equal(t, http.StatusNoContent, app.status("DELETE", "/auth/keys/"+kid, fresh...))
	w = app.Do(request("GET", "/auth/me", "", fresh...))
	require.Equal(t, http.StatusUnauthorized, w.Code)
	assert.Equal(t, "token_key", problem(t, w).Code)
	require.Equal(t, http.StatusNoContent, app.status("DELETE", "/auth/keys/"+kid, login...), "again")
	w = app.Do(request("DELETE", "/auth/keys/nosuchkey", "", login...))
	require.Equal(t, http.StatusNotFound, w.Code)
	assert.Equal(t, "key_not_found", problem(t, w).Code)
	killed := app.Events(audit.KeyKilled)
	require.Len(t, killed, 1)
	assert.Equal(t, []string{kid, operator.Subject.ID}, []string{killed[0].Detail["key"], killed[0].Actor})
	assert.Equal(t, operator.Subject.ID, app.Events(audit.KeyRotated)[0].Actor)

	w = app.Do(request("GET", "/.well-known/jwks.json", ""))
	assert.Equal(t, "public, max-age=300", w.Header().Get("Cache-Control"))
	for _, key := range answer(t, w, http.StatusOK)["keys"].([]any) {
		assert.NotEqual(t, kid, key.(map[string]any)["kid"])
		assert.ElementsMatch(t, []string{"kty", "use", "alg", "kid", "crv", "x", "y"}, names(key.(map[string]any)))
	}
}

func names(object map[string]any) []string {
	var all []string
	for name := range object {
		all = append(all, name)
	}
	return all
}

func TestKeyRoutesNeedTheirPermissions(t *testing.T) {
	t.Parallel()
	app := startManaged(t, true)
	routes := []struct{ method, path string }{{"GET", "/auth/keys"}, {"POST", "/auth/keys/rotate"}, {"DELETE", "/auth/keys/nosuchkey"}}
	for role, allowed := range map[string][]int{
		"": {403, 403, 403}, "reader": {200, 403, 403}, "rotator": {403, 200, 403}, "operator": {200, 200, 404},
	} {
		roles := strings.Fields(role)
		token := app.Token(app.Principal(roles...))
		for i, r := range routes {
			assert.Equal(t, allowed[i], app.status(r.method, r.path, bearer(token)...), "%q %s %s", role, r.method, r.path)
			assert.Equal(t, http.StatusUnauthorized, app.status(r.method, r.path))
		}
	}
	key := app.APIKey(app.Principal("operator"), "keys.*")
	for _, r := range routes {
		w := app.Do(request(r.method, r.path, "", asKey(key)...))
		require.Equal(t, http.StatusForbidden, w.Code, r.path)
		assert.Equal(t, "session_required", problem(t, w).Code)
	}
}

func TestKeyRoutesAreOffByDefault(t *testing.T) {
	t.Parallel()
	app := startManaged(t, false)
	token := app.Token(app.Principal("operator"))
	for _, r := range []struct{ method, path string }{{"GET", "/auth/keys"}, {"POST", "/auth/keys/rotate"}, {"DELETE", "/auth/keys/x"}} {
		assert.Equal(t, http.StatusNotFound, app.status(r.method, r.path, bearer(token)...), r.path)
	}
}
