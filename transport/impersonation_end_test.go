package transport_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/setting"
	"github.com/authmodule/authmodule/transport"
)

// Who must not act as an account any more does not go on: the actor lost the role, or the account was given one that is beyond the actor.
func TestImpersonationEndsWithTheRightToIt(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(t *testing.T, o office, actor, target authn.Subject)
		status int
	}{
		"nothing": {func(*testing.T, office, authn.Subject, authn.Subject) {}, http.StatusOK},
		"the actor is demoted": {func(t *testing.T, o office, actor, _ authn.Subject) {
			require.NoError(t, o.AuthorizationService.Unassign(t.Context(), authn.Principal{}, actor, "helper"))
		}, http.StatusUnauthorized},
		"the target is promoted": {func(t *testing.T, o office, _, target authn.Subject) {
			require.NoError(t, o.AuthorizationService.Assign(t.Context(), authn.Principal{}, target, "admin"))
		}, http.StatusUnauthorized},
		"the target is given what the actor has too": {func(t *testing.T, o office, _, target authn.Subject) {
			require.NoError(t, o.AuthorizationService.Assign(t.Context(), authn.Principal{}, target, "author"))
		}, http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := startDesk(t, authmodule.AddRoles(
				authz.Role{Name: "author", Permissions: []string{"articles.read"}},
				authz.Role{Name: "helper", Inherits: []string{"support", "reader", "author"}},
			))
			helper, reader := o.as(t, "helper"), o.as(t, "reader")
			token := answerOf(t, helper.do("POST", "/auth/users/"+reader.id+"/impersonate", `{"reason":"ticket 1"}`))["access_token"].(string)
			w := helper.do("POST", "/auth/users/"+reader.id+"/impersonate", `{"reason":"ticket 1","mode":"cookie"}`)
			require.Equal(t, http.StatusOK, w.Code, w.Body)
			cookie := cookieOf(t, w)
			tc.change(t, o, authn.Subject{ID: helper.id}, authn.Subject{ID: reader.id})
			assert.Equal(t, tc.status, o.Do(request("GET", "/auth/me", "", bearer(token)...)).Code)
			assert.Equal(t, tc.status, o.Do(request("GET", "/auth/me", "", sent(cookie)...)).Code)
		})
	}
}

// Who acts as somebody else changes nothing by the module's own routes but what their own session is, whatever the account may do. In particular
// they end no sessions of others: who did it would not be told.
func TestImpersonationChangesNothing(t *testing.T) {
	t.Parallel()
	o := office{startConfigured(t, func(c *authmodule.Config) {
		withMFA(c)
		h := &c.HTTP
		h.UserEndpoints, h.Impersonation, h.RevocationEndpoint, h.SessionEndpoints, h.RBACEndpoints, h.KeyEndpoints = true, true, true, true, true, true
		c.JWT.Managed.Enabled, c.SecretKey = true, setting.Secret(strings.Repeat("k", 32))
	}, authmodule.AddRoles(
		authz.Role{Name: "admin", Permissions: []string{"**"}},
		authz.Role{Name: "manager", Permissions: []string{"sessions.*", "roles.*", "assignments.*", "policies.*", "keys.*", "users.read", "users.disable"}},
	))}
	admin, manager := o.as(t, "admin"), o.as(t, "manager")
	token := answerOf(t, admin.do("POST", "/auth/users/"+manager.id+"/impersonate", `{"reason":"ticket 7"}`))["access_token"].(string)
	acting := caller{o, manager.id, bearer(token)}
	allowed := map[string]bool{ // the first two are about the own session, the others change nothing
		"POST /logout": true, "POST /revoke": true, "POST /policies/check": true, "POST /authorize/explain": true,
	}
	refused := map[string]bool{}
	for _, e := range o.gate.Endpoints() {
		name := e.Method + " " + e.Path
		if e.Method == http.MethodGet || e.Need == transport.NeedNothing || allowed[name] {
			continue
		}
		w := acting.do(e.Method, strings.NewReplacer("{id}", manager.id, "{kid}", "k", "{name}", "manager").Replace(o.gate.Route(e)), "{}")
		refused[name] = assert.Equal(t, http.StatusForbidden, w.Code, name) && assert.Equal(t, "impersonated", problem(t, w).Code, name)
	}
	for _, name := range []string{"DELETE /users/{id}/sessions", "DELETE /tenant/sessions", "DELETE /tenant/sessions/{id}", "PUT /roles/{name}", "POST /password", "DELETE /keys/{kid}"} {
		assert.True(t, refused[name], name)
	}
	assert.Equal(t, http.StatusOK, manager.do("GET", "/auth/me", "").Code, "the owner is still logged in")
}
