package transport_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/fxtest"
	"github.com/authmodule/authmodule/store/memstore"
)

func tokenEndpoints(t *testing.T) app {
	t.Helper()
	return startConfigured(t, func(c *authmodule.Config) {
		c.HTTP.RevocationEndpoint, c.HTTP.IntrospectionEndpoint = true, true
	}, authmodule.AddRoles(
		authz.Role{Name: "gateway", Permissions: []string{"tokens.introspect"}},
		authz.Role{Name: "officer", Permissions: []string{"tokens.*"}},
	))
}

// form sends a token to an endpoint in the name of a caller.
func (a app) form(t *testing.T, path, token string, caller authn.Grant) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(url.Values{"token": {token}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if caller.AccessToken != "" {
		r.Header.Set("Authorization", "Bearer "+caller.AccessToken.Reveal())
	}
	return a.Do(r)
}

func TestTokenEndpointsAreOffUntilConfigured(t *testing.T) {
	t.Parallel()
	app := startConfigured(t, func(*authmodule.Config) {})
	for _, path := range []string{"/auth/revoke", "/auth/introspect"} {
		assert.Equal(t, http.StatusNotFound, app.form(t, path, "x", app.Grant(app.Principal())).Code)
	}
}

// RFC 7662: what is good is described, and of what is not nothing is said.
func TestIntrospection(t *testing.T) {
	t.Parallel()
	app := tokenEndpoints(t)
	gateway, owner := app.Grant(app.Principal("gateway")), app.Principal()
	grant := app.Grant(owner)
	have := answer(t, app.form(t, "/auth/introspect", grant.AccessToken.Reveal(), gateway), http.StatusOK)
	claims, err := app.TokenManager.Verify(t.Context(), grant.AccessToken)
	require.NoError(t, err)
	assert.Equal(t, map[string]any{
		"active": true, "token_type": "Bearer", "sub": owner.Subject.ID, "sid": grant.Session.ID, "jti": claims.ID, "iss": "authmodule", "aud": "authmodule",
		"iat": float64(claims.IssuedAt.Unix()), "nbf": float64(claims.NotBefore.Unix()), "exp": float64(claims.Expires.Unix()),
		"auth_time": float64(claims.AuthTime.Unix()), "amr": []any{"pwd"}, "acr": "aal1",
	}, have)
	have = answer(t, app.form(t, "/auth/introspect", grant.RefreshToken.Reveal(), gateway), http.StatusOK)
	assert.Equal(t, true, have["active"])
	assert.Equal(t, "refresh_token", have["token_type"])
	next, err := app.Users.Refresh(t.Context(), grant.RefreshToken, authn.Client{})
	require.NoError(t, err, "looking did not use it")

	inactive := func(token string) {
		t.Helper()
		assert.Equal(t, map[string]any{"active": false}, answer(t, app.form(t, "/auth/introspect", token, gateway), http.StatusOK))
	}
	inactive(grant.RefreshToken.Reveal())
	inactive("garbage")
	inactive(app.Grant(owner).Session.ID)
	inactive(app.Cookie(owner).Value)
	require.NoError(t, app.Users.Disable(t.Context(), authn.Principal{}, owner.Subject))
	inactive(next.AccessToken.Reveal())
	inactive(next.RefreshToken.Reveal())
	expired := app.Grant(app.Principal())
	app.Advance(31 * time.Minute)
	inactiveBy := app.Grant(app.Principal("gateway"))
	assert.Equal(t, map[string]any{"active": false}, answer(t, app.form(t, "/auth/introspect", expired.AccessToken.Reveal(), inactiveBy), http.StatusOK))
}

// Who may not ask is told so, whatever the token is.
func TestTokenEndpointsAskForPermission(t *testing.T) {
	t.Parallel()
	app := tokenEndpoints(t)
	other := app.Grant(app.Principal())
	plain, gateway := app.Grant(app.Principal()), app.Grant(app.Principal("gateway"))
	cases := []struct {
		name, path string
		caller     authn.Grant
		status     int
	}{
		{"introspect, anonymous", "/auth/introspect", authn.Grant{}, http.StatusUnauthorized},
		{"introspect, no permission", "/auth/introspect", plain, http.StatusForbidden},
		{"revoke, anonymous", "/auth/revoke", authn.Grant{}, http.StatusUnauthorized},
		{"revoke another's, no permission", "/auth/revoke", plain, http.StatusForbidden},
		{"revoke another's, only introspect", "/auth/revoke", gateway, http.StatusForbidden},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := app.form(t, c.path, other.AccessToken.Reveal(), c.caller)
			assert.Equal(t, c.status, w.Code)
			problem(t, w)
		})
	}
}

// RFC 7009: own tokens, others' with the permission, and bad ones answer alike.
func TestRevocation(t *testing.T) {
	t.Parallel()
	app := tokenEndpoints(t)
	owner := app.Principal()
	mine, other := app.Grant(owner), app.Grant(owner)
	third := app.Grant(owner)
	boss := app.Principal("officer")
	officer := app.Grant(boss)
	ok := func(token string, caller authn.Grant) {
		t.Helper()
		w := app.form(t, "/auth/revoke", token, caller)
		assert.Equal(t, http.StatusOK, w.Code, w.Body.String())
		assert.Empty(t, w.Body.String())
	}
	ok("garbage", mine)
	ok(other.AccessToken.Reveal(), mine)
	_, err := app.Users.AuthenticateToken(t.Context(), other.AccessToken, authn.Client{})
	require.ErrorIs(t, err, authn.ErrTokenRevoked)
	ok(other.AccessToken.Reveal(), mine)

	ok(other.RefreshToken.Reveal(), officer)
	_, err = app.Users.Refresh(t.Context(), other.RefreshToken, authn.Client{})
	require.ErrorIs(t, err, authn.ErrRefreshInvalid)

	ok(third.AccessToken.Reveal(), officer)
	by := func(e audit.Event) []string { return []string{e.Subject, e.SessionID, e.Actor} }
	revoked, ended := app.Events(audit.TokenRevoked), app.Events(audit.SessionEnded)
	require.Len(t, revoked, 2)
	assert.Equal(t, []string{owner.Subject.ID, other.Session.ID, ""}, by(revoked[0]), "by its owner")
	assert.Equal(t, []string{owner.Subject.ID, third.Session.ID, boss.Subject.ID}, by(revoked[1]))
	require.Len(t, ended, 1)
	assert.Equal(t, []string{owner.Subject.ID, other.Session.ID, boss.Subject.ID}, by(ended[0]))

	ok(mine.RefreshToken.Reveal(), mine)
	_, err = app.Users.AuthenticateToken(t.Context(), mine.AccessToken, authn.Client{})
	assert.ErrorIs(t, err, authn.ErrSessionEnded, "the session ended with its refresh token")
}

func TestTokenEndpointsReadOneTokenOfAForm(t *testing.T) {
	t.Parallel()
	app := tokenEndpoints(t)
	officer := app.Grant(app.Principal("officer"))
	for name, c := range map[string]struct {
		media, body string
		status      int
	}{
		"JSON":             {"application/json", `{"token":"x"}`, http.StatusUnsupportedMediaType},
		"no media type":    {"", "token=x", http.StatusUnsupportedMediaType},
		"none":             {"application/x-www-form-urlencoded", "", http.StatusBadRequest},
		"empty":            {"application/x-www-form-urlencoded", "token=", http.StatusBadRequest},
		"twice":            {"application/x-www-form-urlencoded", "token=a&token=b", http.StatusBadRequest},
		"malformed":        {"application/x-www-form-urlencoded", "token=%zz", http.StatusBadRequest},
		"too long":         {"application/x-www-form-urlencoded", "token=" + strings.Repeat("a", 65<<10), http.StatusRequestEntityTooLarge},
		"others, ignored":  {"application/x-www-form-urlencoded; charset=utf-8", "token=x&token_type_hint=refresh_token&y=1", http.StatusOK},
		"never from query": {"application/x-www-form-urlencoded", "x=1", http.StatusBadRequest},
	} {
		for _, path := range []string{"/auth/revoke", "/auth/introspect"} {
			r := httptest.NewRequest(http.MethodPost, path+"?token=x", strings.NewReader(c.body))
			r.Header.Set("Content-Type", c.media)
			r.Header.Set("Authorization", "Bearer "+officer.AccessToken.Reveal())
			assert.Equal(t, c.status, app.Do(r).Code, "%s at %s", name, path)
		}
	}
}

// A store that fails is no inactive token.
func TestIntrospectionFailsClosed(t *testing.T) {
	t.Parallel()
	store := &failing{RevocationStore: memstore.New()}
	users := fxtest.New(t, authmodule.UseRevocationStore(func() authn.RevocationStore { return store }))
	grant := users.Grant(users.Principal())
	store.broken.Store(true)
	users.Advance(6 * time.Second) // past the time for which a node goes on without the store
	_, err := users.Users.Inspect(t.Context(), grant.AccessToken)
	assert.ErrorContains(t, err, "the disk is gone")
}

// failing is a revocation store that fails when told to.
type failing struct {
	authn.RevocationStore
	broken atomic.Bool
}

func (f *failing) Revocations(ctx context.Context, after int64, limit int) ([]authn.Revocation, int64, error) {
	if f.broken.Load() {
		return nil, 0, errors.New("the disk is gone")
	}
	return f.RevocationStore.Revocations(ctx, after, limit)
}
