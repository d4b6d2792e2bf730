package transport_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
)

// device is one login of an account.
type device struct {
	access, refresh string
	cookie          *http.Cookie
	session         string
}

func (d device) headers() []string {
	if d.cookie != nil {
		return sent(d.cookie)
	}
	return bearer(d.access)
}

func login(t *testing.T, app app, email, mode string) device {
	t.Helper()
	w := app.Do(request("POST", "/auth/login", object(t, map[string]any{"email": email, "password": password, "mode": mode}), "User-Agent", firefox))
	have := answer(t, w, http.StatusOK)
	var d device
	if mode == "cookie" {
		d.cookie = cookieOf(t, w)
	} else {
		d.access, d.refresh = have["access_token"].(string), have["refresh_token"].(string)
	}
	d.session = answer(t, app.Do(request("GET", "/auth/me", "", d.headers()...)), http.StatusOK)["session_id"].(string)
	return d
}

const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

// lives reports whether anything of the login is still good; all of it must agree. It uses the refresh token up.
func (d device) lives(t *testing.T, app app) bool {
	t.Helper()
	me := app.Do(request("GET", "/auth/me", "", d.headers()...)).Code == http.StatusOK
	if d.cookie != nil {
		return me
	}
	w := app.Do(request("POST", "/auth/refresh", object(t, map[string]any{"refresh_token": d.refresh})))
	assert.Equal(t, me, w.Code == http.StatusOK, "access and refresh token disagree")
	return me
}

func sessionIDs(t *testing.T, app app, d device) map[string]bool {
	t.Helper()
	ids := map[string]bool{}
	for _, one := range answer(t, app.Do(request("GET", "/auth/sessions", "", d.headers()...)), http.StatusOK)["sessions"].([]any) {
		view := one.(map[string]any)
		ids[view["id"].(string)] = view["current"].(bool)
	}
	return ids
}

// V7.5.2: the list says which session is the caller's, where each was opened and when it was used, and nothing that authenticates.
func TestSessionListMarksTheCurrentOne(t *testing.T) {
	t.Parallel()
	app := start(t)
	user, other := app.User(), app.User()
	phone, laptop := login(t, app, user.Email, "token"), login(t, app, user.Email, "cookie")
	login(t, app, other.Email, "token")
	assert.Equal(t, map[string]bool{phone.session: true, laptop.session: false}, sessionIDs(t, app, phone))
	assert.Equal(t, map[string]bool{phone.session: false, laptop.session: true}, sessionIDs(t, app, laptop))

	w := app.Do(request("GET", "/auth/sessions", "", phone.headers()...))
	assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
	for _, secret := range []string{phone.access, phone.refresh, laptop.cookie.Value} {
		assert.NotContains(t, w.Body.String(), secret)
	}
	for _, one := range answer(t, w, http.StatusOK)["sessions"].([]any) {
		view := one.(map[string]any)
		assert.Equal(t, "Firefox on Linux", view["device"])
		assert.Equal(t, "192.0.2.1", view["ip"])
		for _, name := range []string{"created_at", "last_used_at"} {
			at, err := time.Parse(time.RFC3339Nano, view[name].(string))
			require.NoError(t, err)
			assert.WithinDuration(t, app.Now(), at, time.Second, name)
		}
		assert.Subset(t, []string{
			"id", "current", "mode", "device", "device_id", "device_name", "ip", "place", "methods", "remember", "created_at", "last_used_at", "expires_at", "bound_to", "actor",
		}, slices.Collect(maps.Keys(view)), "whoever adds a member says here that it authenticates nobody")
	}
}

// Item 28: "sign out this device" ends cookie, access and refresh token alike.
func TestRevokeOneSession(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"token", "cookie"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			app := start(t)
			user := app.User()
			here, there, third := login(t, app, user.Email, "token"), login(t, app, user.Email, mode), login(t, app, user.Email, "cookie")
			w := app.Do(request("DELETE", "/auth/sessions/"+there.session, "", here.headers()...))
			assert.Equal(t, http.StatusNoContent, w.Code)
			assert.Empty(t, w.Body.String())
			assert.Equal(t, map[string]bool{here.session: true, third.session: false}, sessionIDs(t, app, here))
			assert.False(t, there.lives(t, app))
			assert.True(t, here.lives(t, app))
			assert.True(t, third.lives(t, app))
		})
	}
}

func TestRevokeTheCurrentSession(t *testing.T) {
	t.Parallel()
	app := start(t)
	here := login(t, app, app.User().Email, "token")
	assert.Equal(t, http.StatusNoContent, app.Do(request("DELETE", "/auth/sessions/"+here.session, "", here.headers()...)).Code)
	assert.False(t, here.lives(t, app))
}

// V7.5.2, item 28: what is not a live session of the caller is not found, and another account's lives on.
func TestRevokeWhatIsNotOnes(t *testing.T) {
	t.Parallel()
	app := start(t)
	user := app.User()
	here, ended, foreign := login(t, app, user.Email, "token"), login(t, app, user.Email, "token"), login(t, app, app.User().Email, "token")
	require.Equal(t, http.StatusNoContent, app.Do(request("DELETE", "/auth/sessions/"+ended.session, "", here.headers()...)).Code)
	var first string
	for _, id := range []string{
		foreign.session, ended.session, "unknown", strings.ToUpper(here.session), here.session + "%00", "%2e%2e", "*", "%20",
		strings.Repeat("a", 4000), "%F0%9F%98%80", "%FF",
	} {
		w := app.Do(request("DELETE", "/auth/sessions/"+id, "", here.headers()...))
		assert.Equal(t, http.StatusNotFound, w.Code, id)
		assert.Equal(t, "session_not_found", problem(t, w).Code, id)
		if first == "" {
			first = dump(t, w)
		}
		assert.Equal(t, first, dump(t, w), id)
	}
	assert.True(t, here.lives(t, app))
	assert.True(t, foreign.lives(t, app))
}

func TestRevokeOthersKeepsTheCurrentOne(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"token", "cookie"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			app := start(t)
			user := app.User()
			here, foreign := login(t, app, user.Email, mode), login(t, app, app.User().Email, "token")
			others := []device{login(t, app, user.Email, "token"), login(t, app, user.Email, "cookie"), login(t, app, user.Email, "token")}
			assert.Equal(t, http.StatusNoContent, app.Do(request("DELETE", "/auth/sessions", "", here.headers()...)).Code)
			for _, other := range others {
				assert.False(t, other.lives(t, app))
			}
			assert.True(t, here.lives(t, app))
			assert.True(t, foreign.lives(t, app))
		})
	}
}

func TestLogoutEndsThatSessionOnly(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"token", "cookie"} {
		for _, body := range []string{"", "{}"} {
			t.Run(mode+body, func(t *testing.T) {
				t.Parallel()
				app := start(t)
				user := app.User()
				here, there, other := login(t, app, user.Email, mode), login(t, app, user.Email, "token"), login(t, app, user.Email, "cookie")
				w := app.Do(request("POST", "/auth/logout", body, here.headers()...))
				assert.Equal(t, http.StatusNoContent, w.Code)
				assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
				assert.False(t, here.lives(t, app))
				assert.True(t, there.lives(t, app))
				assert.True(t, other.lives(t, app))
				assert.Equal(t, http.StatusUnauthorized, app.Do(request("POST", "/auth/logout", body, here.headers()...)).Code)
			})
		}
	}
}

func TestRefreshRotates(t *testing.T) {
	t.Parallel()
	app := start(t)
	here := login(t, app, app.User().Email, "token")
	refresh := func(token string) *httptest.ResponseRecorder {
		return app.Do(request("POST", "/auth/refresh", object(t, map[string]any{"refresh_token": token})))
	}
	next := answer(t, refresh(here.refresh), http.StatusOK)
	assert.Len(t, next, 4)
	assert.NotEqual(t, here.refresh, next["refresh_token"])
	answer(t, app.Do(request("GET", "/auth/me", "", bearer(here.access)...)), http.StatusOK)

	assert.Equal(t, "refresh_reused", problem(t, refresh(here.refresh)).Code)
	assert.Equal(t, "refresh_invalid", problem(t, refresh(next["refresh_token"].(string))).Code)
	assert.Equal(t, "session_ended", problem(t, app.Do(request("GET", "/auth/me", "", bearer(next["access_token"].(string))...))).Code)
	for _, token := range []string{"", "x", here.access, here.refresh + "a", strings.Repeat("rt_", 2000)} {
		for range 2 {
			w := refresh(token)
			assert.Equal(t, http.StatusUnauthorized, w.Code)
			assert.Equal(t, "refresh_invalid", problem(t, w).Code)
		}
	}
}

// A disabled account's session ends at once, however it is carried.
func TestDisabledAccountIsSignedOut(t *testing.T) {
	t.Parallel()
	app := start(t)
	user := app.User()
	devices := []device{login(t, app, user.Email, "token"), login(t, app, user.Email, "cookie")}
	require.NoError(t, app.Users.Disable(t.Context(), authn.Principal{}, user.Subject))
	for _, d := range devices {
		assert.False(t, d.lives(t, app))
	}
	require.NoError(t, app.Users.Enable(t.Context(), authn.Principal{}, user.Subject))
	for _, d := range devices {
		assert.False(t, d.lives(t, app))
	}
}

func TestSessionsTimeOut(t *testing.T) {
	t.Parallel()
	testCases := []struct {
		name, mode string
		after      time.Duration
		expected   bool
	}{
		{"cookie in use", "cookie", 59 * time.Minute, true},
		{"cookie idle", "cookie", time.Hour, false},
		{"token before its end", "token", 29 * time.Minute, true},
	}
	for _, tc := range testCases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			app := start(t)
			here := login(t, app, app.User().Email, tc.mode)
			app.Advance(tc.after)
			assert.Equal(t, tc.expected, here.lives(t, app))
		})
	}
}

func TestPublicKeysMayBeCached(t *testing.T) {
	t.Parallel()
	app := startConfigured(t, func(c *authmodule.Config) { c.JWT.Algorithm = "EdDSA" })
	for _, headers := range [][]string{nil, bearer("bad")} {
		w := app.Do(request("GET", "/.well-known/jwks.json", "", headers...))
		keys := answer(t, w, http.StatusOK)["keys"].([]any)
		assert.Len(t, keys, 1)
		assert.NotContains(t, keys[0], "d")
		assert.Equal(t, "public, max-age=300", w.Header().Get("Cache-Control"))
	}
	// A cache must not hand the clearing of one browser's cookie to others.
	w := app.Do(request("GET", "/.well-known/jwks.json", "", "Cookie", "__Host-session=stale"))
	answer(t, w, http.StatusOK)
	assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
}
