package transport_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/mfa"
	"github.com/authmodule/authmodule/setting"
)

func deskRoles() fx.Option {
	return authmodule.AddRoles(
		authz.Role{Name: "admin", Permissions: []string{"**"}},
		authz.Role{Name: "support", Permissions: []string{"users.*", "articles.read"}},
		authz.Role{Name: "billing", Permissions: []string{"bills.pay"}},
		authz.Role{Name: "reader", Permissions: []string{"articles.read"}},
	)
}

func startDesk(t testing.TB, options ...fx.Option) office {
	t.Helper()
	return office{startConfigured(t, func(c *authmodule.Config) {
		withMFA(c)
		c.HTTP.UserEndpoints, c.HTTP.Impersonation, c.HTTP.RevocationEndpoint = true, true, true
	}, append(options, deskRoles(), proofRoutes())...)}
}

func TestUserAdminReads(t *testing.T) {
	t.Parallel()
	o := startDesk(t)
	support, reader := o.as(t, "support"), o.as(t, "reader")
	stranger := o.in(t, "acme", "stranger@example.com", "admin")
	require.Equal(t, "permission_denied", problem(t, reader.do("GET", "/auth/users", "")).Code)
	require.Equal(t, "permission_denied", problem(t, reader.do("GET", "/auth/users/"+reader.id, "")).Code)

	one := answerOf(t, support.do("GET", "/auth/users/"+reader.id, ""))
	user, err := o.Users.User(t.Context(), authn.Subject{ID: reader.id})
	require.NoError(t, err)
	assert.Equal(t, map[string]any{
		"id": reader.id, "email": user.Email, "roles": []any{"reader"}, "verified": true, "disabled": false, "has_mfa": false,
		"created_at": user.CreatedAt.UTC().Format(time.RFC3339Nano), "last_login_at": user.LastLoginAt.UTC().Format(time.RFC3339Nano),
	}, one)
	listed := map[string]int{}
	for after, pages := "", 0; ; pages++ {
		require.Less(t, pages, 10)
		page := answerOf(t, support.do("GET", "/auth/users?limit=1&after="+after, ""))
		for _, u := range page["users"].([]any) {
			listed[u.(map[string]any)["id"].(string)]++
		}
		if page["next"] == nil {
			break
		}
		after = page["next"].(string)
	}
	assert.Equal(t, map[string]int{support.id: 1, reader.id: 1}, listed, "of the own tenant")
	require.Equal(t, "limit", problem(t, support.do("GET", "/auth/users?limit=201", "")).Field)
	for _, id := range []string{stranger.id, "nobody"} {
		assert.Equal(t, "user_not_found", problem(t, support.do("GET", "/auth/users/"+id, "")).Code)
	}
}

func TestUserAdminActs(t *testing.T) {
	t.Parallel()
	o := startDesk(t)
	support, admin, reader := o.as(t, "support"), o.as(t, "admin"), o.as(t, "reader")
	stranger := o.in(t, "acme", "stranger@example.com", "reader")
	owner := o.Principal("admin")
	key := o.APIKey(owner)
	acts := []struct{ method, path, body string }{
		{"POST", "unlock", `{"factor":"password"}`}, {"DELETE", "mfa", ""}, {"POST", "disable", ""}, {"POST", "enable", ""},
	}
	for _, act := range acts {
		path := func(id string) string { return "/auth/users/" + id + "/" + act.path }
		assert.Equal(t, "permission_denied", problem(t, reader.do(act.method, path(support.id), act.body)).Code, act.path)
		assert.Equal(t, "beyond_own_roles", problem(t, support.do(act.method, path(support.id), act.body)).Code, "oneself: %s", act.path)
		assert.Equal(t, "beyond_own_roles", problem(t, support.do(act.method, path(admin.id), act.body)).Code, "an administrator: %s", act.path)
		for _, id := range []string{stranger.id, "nobody"} {
			assert.Equal(t, "user_not_found", problem(t, admin.do(act.method, path(id), act.body)).Code, act.path)
		}
		assert.Equal(t, "session_required", problem(t, o.Do(request(act.method, path(reader.id), act.body, "Authorization", "ApiKey "+key))).Code)
	}
	require.Empty(t, o.Events(audit.UserDisabled, audit.AuthenticatorReopened, audit.MFARemoved))

	support.does(t, "POST", "/auth/users/"+reader.id+"/disable", "")
	require.Equal(t, http.StatusUnauthorized, reader.do("GET", "/auth/me", "").Code)
	assert.Equal(t, true, answerOf(t, support.do("GET", "/auth/users/"+reader.id, ""))["disabled"])
	support.does(t, "POST", "/auth/users/"+reader.id+"/enable", "")
	assert.Equal(t, support.id, o.Events(audit.UserEnabled)[0].Actor)
	require.Equal(t, "factor", problem(t, support.do("POST", "/auth/users/"+reader.id+"/unlock", `{"factor":"A b"}`)).Field)
	support.does(t, "POST", "/auth/users/"+reader.id+"/unlock", `{"factor":"password"}`)
	reopened := o.Events(audit.AuthenticatorReopened)[0]
	assert.Equal(t, []string{support.id, reader.id, "password"}, []string{reopened.Actor, reopened.Subject, reopened.Reason})

	w := enrolled(t, o.app)
	user, err := o.Users.UserByEmail(t.Context(), "", w.email)
	require.NoError(t, err)
	assert.Equal(t, true, answerOf(t, support.do("GET", "/auth/users/"+user.Subject.ID, ""))["has_mfa"])
	support.does(t, "DELETE", "/auth/users/"+user.Subject.ID+"/mfa", "")
	assert.NotEmpty(t, w.login(t, nil)["access_token"], "without a second factor")
	admin.does(t, "POST", "/auth/users/"+support.id+"/disable", "")
}

// Nobody gets these routes without asking for them, and not while roles are switched off.
func TestUserAdminIsOffByDefault(t *testing.T) {
	t.Parallel()
	o := office{start(t, deskRoles())}
	admin := o.as(t, "admin")
	for _, path := range []string{"/auth/users", "/auth/users/" + admin.id} {
		assert.Equal(t, http.StatusNotFound, admin.do("GET", path, "").Code)
	}
	assert.Equal(t, http.StatusNotFound, admin.do("POST", "/auth/users/"+admin.id+"/impersonate", `{"reason":"x"}`).Code)
	c := authmodule.Config{}
	c.HTTP.UserEndpoints, c.HTTP.Impersonation, c.RBAC.Enabled = true, true, setting.Off
	err := c.Validate()
	assert.ErrorContains(t, err, "auth.http.user_endpoints")
	assert.ErrorContains(t, err, "auth.http.impersonation")
	c = authmodule.Config{ImpersonationMinutes: 61}
	c.HTTP.StepUpMinutes = 1441
	assert.ErrorContains(t, c.Validate(), "auth.impersonation_minutes")
	assert.ErrorContains(t, c.Validate(), "auth.http.step_up_minutes")
}

// Impersonation opens a session that says who acts in it, does nothing to the account itself, and ends by logging out.
func TestImpersonationOverHTTP(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"token", "cookie"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			o := startDesk(t)
			support, reader := o.as(t, "admin"), o.as(t, "reader")
			path := "/auth/users/" + reader.id + "/impersonate"
			require.Equal(t, "reason", problem(t, support.do("POST", path, `{}`)).Field)
			w := support.do("POST", path, object(t, map[string]any{"reason": "ticket 7", "mode": mode}))
			got := answerOf(t, w)
			assert.NotContains(t, got, "refresh_token")
			acting := caller{o, reader.id, nil}
			if mode == "cookie" {
				acting.headers = sent(cookieOf(t, w))
			} else {
				acting.headers = bearer(got["access_token"].(string))
			}
			me := answerOf(t, acting.do("GET", "/auth/me", ""))
			assert.Equal(t, []any{reader.id, support.id, ""}, []any{me["id"], me["actor"], me["acr"]})
			assert.Nil(t, me["mfa_time"])
			for _, p := range []string{"/mfa", "/mfa5", "/recent", "/aal2"} {
				assert.Equal(t, "impersonated", problem(t, acting.do("GET", p, "")).Code, p)
			}
			refused := 0
			for _, e := range o.gate.Endpoints() {
				if !e.Owner {
					continue
				}
				refused++
				p := problem(t, acting.do(e.Method, strings.NewReplacer("{id}", reader.id, "{kid}", "k").Replace(o.gate.Route(e)), "{}"))
				assert.Equal(t, "impersonated", p.Code, e.Path)
			}
			assert.Greater(t, refused, 15)
			assert.Equal(t, "impersonated", problem(t, acting.do("POST", "/auth/logout", `{"everywhere":true}`)).Code)
			if mode == "token" { // tokens of the owner are not the actor's to end
				token := strings.TrimPrefix(reader.headers[1], "Bearer ")
				form := append([]string{"Content-Type", "application/x-www-form-urlencoded"}, acting.headers...)
				assert.Equal(t, "impersonated", problem(t, o.Do(request("POST", "/auth/revoke", "token="+token, form...))).Code)
			}

			acting.does(t, "POST", "/auth/logout", "{}")
			assert.Equal(t, http.StatusUnauthorized, acting.do("GET", "/auth/sessions", "").Code)
			assert.Equal(t, http.StatusOK, reader.do("GET", "/auth/me", "").Code, "the owner's session stays")
			assert.Equal(t, http.StatusOK, support.do("GET", "/auth/me", "").Code, "and the actor's own")
			started := o.Events(audit.ImpersonationStarted)
			require.Len(t, started, 1)
			assert.Equal(t, []string{support.id, reader.id, "ticket 7"}, []string{started[0].Actor, started[0].Subject, started[0].Detail["reason"]})
		})
	}
}

// The last administrator is not disabled, by the routes or by code, as deletion refuses it; who is disabled already is none that is left.
func TestLastAdministratorIsNotDisabled(t *testing.T) {
	t.Parallel()
	o := startDesk(t, authmodule.AddRoles(authz.Role{Name: "chief", Inherits: []string{"admin"}}))
	admin, other, chief := o.as(t, "admin"), o.as(t, "admin"), o.as(t, "chief")
	disable := func(who caller) string { return "/auth/users/" + who.id + "/disable" }
	chief.does(t, "POST", disable(other), "")
	chief.does(t, "POST", disable(other), "")
	w := chief.do("POST", disable(admin), "")
	assert.Equal(t, http.StatusConflict, w.Code)
	assert.Equal(t, "last_admin", problem(t, w).Code)
	require.ErrorIs(t, o.Users.Disable(t.Context(), authn.Principal{}, authn.Subject{ID: admin.id}), authn.ErrLastAdmin)
	assert.Len(t, o.Events(audit.UserDisabled), 1)
	assert.Equal(t, http.StatusOK, admin.do("GET", "/auth/me", "").Code, "its sessions go on")
	chief.does(t, "POST", "/auth/users/"+other.id+"/enable", "")
	chief.does(t, "POST", disable(admin), "")
	require.Equal(t, http.StatusUnauthorized, admin.do("GET", "/auth/me", "").Code)
}

// Who must not be acted as, and who must not act, is refused alike at the door.
func TestImpersonationIsRefused(t *testing.T) {
	t.Parallel()
	o := startDesk(t)
	support, admin, reader, billing := o.as(t, "support"), o.as(t, "admin"), o.as(t, "reader"), o.as(t, "billing")
	stranger := o.in(t, "acme", "stranger@example.com")
	ask := func(c caller, id string) string {
		return problem(t, c.do("POST", "/auth/users/"+id+"/impersonate", `{"reason":"x"}`)).Code
	}
	assert.Equal(t, "permission_denied", ask(reader, billing.id))
	assert.Equal(t, "not_impersonable", ask(support, admin.id))
	assert.Equal(t, "not_impersonable", ask(support, billing.id))
	assert.Equal(t, "not_impersonable", ask(admin, support.id))
	assert.Equal(t, "not_impersonable", ask(admin, admin.id))
	for _, id := range []string{stranger.id, "nobody"} {
		assert.Equal(t, ask(admin, "none"), ask(admin, id), "of another tenant as none at all")
	}
	require.NoError(t, o.Users.Disable(t.Context(), authn.Principal{}, authn.Subject{ID: reader.id}))
	assert.Equal(t, "not_impersonable", ask(admin, reader.id))
	require.Empty(t, o.Events(audit.ImpersonationStarted))

	w := enrolled(t, o.app) // who acts must have proved a second factor that they have
	user, err := o.Users.UserByEmail(t.Context(), "", w.email)
	require.NoError(t, err)
	require.NoError(t, o.AuthorizationService.Assign(t.Context(), authn.Principal{}, user.Subject, "admin"))
	plain := caller{o, user.Subject.ID, bearer(w.token)}
	assert.Equal(t, "insufficient_user_authentication", ask(plain, billing.id))
	full := answerOf(t, w.answer(t, w.login(t, nil)["challenge"], mfa.NameTOTP, w.code(t)))["access_token"].(string)
	assert.NotEmpty(t, answerOf(t, caller{o, user.Subject.ID, bearer(full)}.do("POST", "/auth/users/"+billing.id+"/impersonate", `{"reason":"x"}`))["access_token"])
}

// Item 56: what a user says of themselves protects and permits nothing, be it called admin in every place there is.
func TestItem56CalledAdminIsNoAdmin(t *testing.T) {
	t.Parallel()
	o := startDesk(t)
	const name = "admin"
	members := map[string]any{
		"email": "admin@admin.example", "password": password, "roles": []string{name}, "role": name, "name": name, "username": name, "tenant": name,
		"is_admin": true, "actor": name, "acr": authn.ACR2, "permissions": []string{"**"}, "device_name": name,
	}
	registered := o.Do(request("POST", "/auth/register", object(t, members)))
	require.Equal(t, http.StatusCreated, registered.Code, registered.Body)
	login := answerOf(t, o.Do(request("POST", "/auth/login", object(t, members), "User-Agent", name)))
	me := caller{o, "", append(bearer(login["access_token"].(string)), "X-Role", name, "X-User", name, "User-Agent", name)}
	shown := answerOf(t, me.do("GET", "/auth/me", ""))
	assert.Equal(t, []any{"viewer"}, shown["roles"], "the default")
	assert.Empty(t, shown["permissions"])
	assert.Equal(t, "permission_denied", problem(t, me.do("GET", "/auth/users", "")).Code)
	assert.Equal(t, "insufficient_user_authentication", problem(t, me.do("GET", "/mfa", "")).Code)

	id := shown["id"].(string)
	admin := o.as(t, "admin")
	admin.does(t, "POST", "/auth/users/"+id+"/disable", "") // nothing protects the account either
	assert.Equal(t, http.StatusUnauthorized, me.do("GET", "/auth/me", "").Code)
}
