package transport_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
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
