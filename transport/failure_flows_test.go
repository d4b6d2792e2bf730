package transport_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
)

// outcome is what a request came to of which one store call went wrong.
type outcome struct {
	*httptest.ResponseRecorder
	failed string
	harm   harm
}

// flow is one request, and what must hold when one of its store calls went wrong and the store is well again.
type flow struct {
	name, mode string
	request    func(t *testing.T, s scene) *http.Request
	// success is the status without a failure; calls are the store's that are known to be made.
	success int
	calls   []string
	// survives are calls without which the request succeeds all the same, whatever becomes of them;
	// saved are those of which a lost answer is found out.
	survives, saved []string
	after           func(t *testing.T, s scene, o outcome)
	// victim is the session that is to end; nil for none.
	victim func(scene) device
}

// mayRepair reports whether the request may succeed in spite of the failure.
func (f flow) mayRepair(o outcome) bool {
	return o.Code == f.success && (slices.Contains(f.survives, o.failed) || o.harm == harmLost && slices.Contains(f.saved, o.failed))
}

func authorized(method, path string) func(*testing.T, scene) *http.Request {
	return func(_ *testing.T, s scene) *http.Request { return request(method, path, "", s.device.headers()...) }
}

// stillThere: nothing was ended.
func stillThere(t *testing.T, s scene, _ outcome) {
	assert.True(t, s.other.lives(t, s.app), "the other session")
	assert.True(t, s.device.lives(t, s.app), "the presented session")
}

// ends: nothing else was ended. What was to end may have ended, if the store was told to; the caller, who was
// told that it failed, asks again, and then it is over for good.
func ends(f flow, victim func(scene) device) flow {
	f.victim = victim
	f.after = func(t *testing.T, s scene, o outcome) {
		bystander := s.other
		if victim(s) == s.other {
			bystander = s.device
		}
		if again := s.Do(f.request(t, s)); again.Code != f.success {
			assert.Contains(t, []int{http.StatusUnauthorized, http.StatusNotFound}, again.Code, "it had ended already: %s", again.Body.String())
		}
		assert.False(t, victim(s).lives(t, s.app), "what was to end lives")
		s.Advance(2 * minute)
		assert.False(t, victim(s).lives(t, s.app), "what was ended works again")
		assert.True(t, bystander.lives(t, s.app), "a session that was not to end")
		ended := s.Events(audit.SessionEnded)
		if assert.Len(t, ended, 1, "the end of a session is told once") {
			assert.Equal(t, victim(s).session, ended[0].SessionID)
		}
	}
	return f
}

func presented(s scene) device { return s.device }
func another(s scene) device   { return s.other }

func loginFlow(mode string) flow {
	return flow{
		name: "login " + mode, mode: mode, success: http.StatusOK,
		calls: []string{"UserByEmail", "Counter", "PutCounter", "PasswordHash", "UserByID", "Assignments", "CreateSession", "SeeDevice", "UpdateUser"},
		// A login that cannot be taken back any more counts as a failure, and has succeeded all the same.
		survives: []string{"PutCounter"},
		request: func(t *testing.T, s scene) *http.Request {
			return request("POST", "/auth/login", object(t, map[string]any{"email": s.user.Email, "password": password, "mode": mode}))
		},
		after: func(t *testing.T, s scene, o outcome) {
			sessions := 2
			if o.Code == http.StatusOK {
				sessions++
			}
			assert.Len(t, sessionIDs(t, s.app, s.other), sessions, "a refused login leaves no session")
			assert.Len(t, s.Events(audit.LoginSucceeded), sessions, "a refused login is told of as a success")
			login(t, s.app, s.user.Email, mode)
			stillThere(t, s, o)
		},
	}
}

func registerFlow() flow {
	body := func(t *testing.T) string { return credentials(t, "new@example.com", password) }
	return flow{
		name: "register", mode: "token", success: http.StatusCreated, calls: []string{"SetPasswordHash", "CreateUser"},
		request: func(t *testing.T, _ scene) *http.Request { return request("POST", "/auth/register", body(t)) },
		after: func(t *testing.T, s scene, o outcome) {
			created := o.failed == "CreateUser" && o.harm == harmLost
			if !created {
				assert.Equal(t, "invalid_credentials", problem(t, s.Do(request("POST", "/auth/login", body(t)))).Code, "no account yet")
			}
			again := s.Do(request("POST", "/auth/register", body(t)))
			if created {
				assert.Equal(t, http.StatusConflict, again.Code, "the account is there already")
			} else {
				answer(t, again, http.StatusCreated)
			}
			answer(t, s.Do(request("POST", "/auth/login", body(t))), http.StatusOK)
		},
	}
}

func refreshFlow() flow {
	return flow{
		name: "refresh", mode: "token", success: http.StatusOK, calls: []string{"Session", "UserByID", "Assignments", "RotateSession"},
		saved: []string{"RotateSession"},
		request: func(t *testing.T, s scene) *http.Request {
			return request("POST", "/auth/refresh", object(t, map[string]any{"refresh_token": s.device.refresh}))
		},
		after: func(t *testing.T, s scene, o outcome) {
			if o.Code == http.StatusOK { // the answer of the store was lost, and the token handed out all the same
				next := answer(t, o.ResponseRecorder, http.StatusOK)
				s.device.access, s.device.refresh = next["access_token"].(string), next["refresh_token"].(string)
			}
			stillThere(t, s, o)
		},
	}
}

func guardedFlow(name, mode, path string, calls ...string) flow {
	return flow{name: name, mode: mode, success: http.StatusOK, calls: calls, request: authorized("GET", path), after: func(t *testing.T, s scene, o outcome) {
		assert.False(t, *s.reached, "the handler ran")
		stillThere(t, s, o)
	}}
}

func sessionFlows() []flow {
	token := []string{"Session", "UserByID", "Assignments"}
	cookie := []string{"Session", "UserByID", "Assignments"}
	end := []string{"Revoke", "EndSessions"}
	revoke := func(_ *testing.T, s scene) *http.Request {
		return request("DELETE", "/auth/sessions/"+s.other.session, "", s.device.headers()...)
	}
	revokeToken := func(_ *testing.T, s scene) *http.Request {
		return request("POST", "/auth/revoke", "token="+s.other.refresh, append(s.device.headers(), "Content-Type", "application/x-www-form-urlencoded")...)
	}
	return []flow{
		loginFlow("token"), loginFlow("cookie"), registerFlow(), refreshFlow(),
		ends(flow{name: "logout token", mode: "token", success: 204, calls: append(end, token...), saved: end[1:], request: authorized("POST", "/auth/logout")}, presented),
		ends(flow{name: "logout cookie", mode: "cookie", success: 204, calls: append(cookie, "EndSessions"), saved: end[1:], request: authorized("POST", "/auth/logout")}, presented),
		{name: "me", mode: "token", success: 200, calls: append(token, "Rules"), request: authorized("GET", "/auth/me"), after: stillThere},
		{name: "sessions", mode: "cookie", success: 200, calls: append(cookie, "Sessions"), request: authorized("GET", "/auth/sessions"), after: stillThere},
		ends(flow{name: "revoke others", mode: "token", success: 204, calls: end, saved: end[1:], request: authorized("DELETE", "/auth/sessions")}, another),
		ends(flow{name: "revoke", mode: "token", success: 204, calls: end, saved: end[1:], request: revoke}, another),
		ends(flow{name: "revoke by token", mode: "cookie", success: 200, calls: end, saved: end[1:], request: revokeToken}, another),
		endAllFlow(append(end, token...)),
		guardedFlow("permission by token", "token", "/read", append(token, "Rules")...),
		guardedFlow("permission by cookie", "cookie", "/read", append(cookie, "Rules")...),
		guardedFlow("role", "token", "/role", append(token, "Rules")...),
		guardedFlow("authenticated", "cookie", "/in", cookie...),
		guardedFlow("optional", "token", "/optional", token...),
	}
}

func endAllFlow(calls []string) flow {
	f := flow{name: "end all", mode: "token", success: 204, calls: calls, saved: []string{"EndSessions"}, survives: []string{"Sessions"}, request: authorized("POST", "/auth/end-all")}
	f.after = func(t *testing.T, s scene, o outcome) {
		if again := s.Do(f.request(t, s)); again.Code != f.success {
			assert.Equal(t, http.StatusUnauthorized, again.Code, "all had ended already")
		}
		assert.False(t, s.device.lives(t, s.app))
		assert.False(t, s.other.lives(t, s.app))
		if o.Code == f.success {
			assert.Len(t, s.Events(audit.SessionEnded), 2)
		}
		login(t, s.app, s.user.Email, "token")
	}
	return f
}

// writingFlows are those that leave something in the store.
func writingFlows() []flow {
	reads := []string{"me", "sessions", "permission by token", "permission by cookie", "role", "authenticated", "optional", "use key"}
	return slices.DeleteFunc(append(sessionFlows(), keyFlows()...), func(f flow) bool { return slices.Contains(reads, f.name) })
}

// keys lists the IDs of the account's API keys.
func (s scene) keys(t *testing.T) []string {
	t.Helper()
	list, err := s.APIKeys.List(t.Context(), s.user.Subject)
	require.NoError(t, err)
	var ids []string
	for _, k := range list {
		ids = append(ids, k.ID)
	}
	return ids
}

// key makes an API key that may read articles.
func (s scene) key(t *testing.T) (id string, headers []string) {
	t.Helper()
	p, err := s.Users.AuthenticateToken(t.Context(), secretOf(s.other.access), authn.Client{})
	require.NoError(t, err)
	key, text, err := s.APIKeys.Create(t.Context(), p, authn.APIKeyRequest{Name: "ci", Scopes: []string{"articles.read"}})
	require.NoError(t, err)
	return key.ID, asKey(text.Reveal())
}

func keyFlows() []flow {
	newKey := func(_ *testing.T, s scene) *http.Request {
		return request("POST", "/auth/api-keys", `{"name":"ci","scopes":["articles.read"]}`, s.device.headers()...)
	}
	works := func(t *testing.T, s scene, w *httptest.ResponseRecorder, status int) {
		key := answer(t, w, status)["key"].(string)
		assert.Equal(t, http.StatusOK, s.status("GET", "/read", asKey(key)...))
	}
	rotate := func(_ *testing.T, s scene) *http.Request {
		return request("POST", "/auth/api-keys/"+s.keyID+"/rotate", `{}`, s.device.headers()...)
	}
	drop := func(_ *testing.T, s scene) *http.Request {
		return request("DELETE", "/auth/api-keys/"+s.keyID, "", s.device.headers()...)
	}
	use := func(_ *testing.T, s scene) *http.Request { return request("GET", "/read", "", s.keyHeader...) }
	return []flow{
		{name: "create key", mode: "cookie", success: 201, calls: []string{"UserByID", "CreateAPIKey"}, request: newKey, after: func(t *testing.T, s scene, o outcome) {
			assert.Equal(t, []string{s.keyID}, s.keys(t), "a key whose text nobody has")
			works(t, s, s.Do(newKey(t, s)), http.StatusCreated)
			stillThere(t, s, o)
		}},
		{name: "rotate key", mode: "cookie", success: 200, calls: []string{"APIKey", "Revoke", "RotateAPIKey"}, saved: []string{"RotateAPIKey"}, request: rotate, after: func(t *testing.T, s scene, o outcome) {
			if o.Code == http.StatusOK {
				works(t, s, o.ResponseRecorder, http.StatusOK)
			}
			works(t, s, s.Do(rotate(t, s)), http.StatusOK)
			assert.Equal(t, http.StatusUnauthorized, s.status("GET", "/read", s.keyHeader...), "the secret of before")
			stillThere(t, s, o)
		}},
		{name: "revoke key", mode: "cookie", success: 204, calls: []string{"APIKey", "Revoke", "DeleteAPIKey"}, request: drop, after: func(t *testing.T, s scene, o outcome) {
			assert.Contains(t, []int{http.StatusNoContent, http.StatusNotFound}, s.Do(drop(t, s)).Code)
			assert.Equal(t, http.StatusUnauthorized, s.status("GET", "/read", s.keyHeader...))
			stillThere(t, s, o)
		}},
		{name: "use key", mode: "token", success: 200, calls: []string{"APIKey", "UserByID", "Assignments", "TouchAPIKey"}, survives: []string{"TouchAPIKey"}, request: use, after: func(t *testing.T, s scene, o outcome) {
			assert.Equal(t, o.Code == http.StatusOK, *s.reached, "the handler ran")
			assert.Equal(t, http.StatusOK, s.status("GET", "/read", s.keyHeader...))
			stillThere(t, s, o)
		}},
	}
}
