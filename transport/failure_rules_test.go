package transport_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/audit"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
)

// byAdmin has the account of the scene become an administrator, and another one be there that it administers.
func byAdmin(more func(t *testing.T, s *scene)) func(*testing.T, *scene) {
	return func(t *testing.T, s *scene) {
		require.NoError(t, s.AuthorizationService.Assign(t.Context(), authn.Principal{}, s.user.Subject, "admin"))
		s.governed = s.User()
		s.reader = s.signInAs(t, s.governed, "token")
		if more != nil {
			more(t, s)
		}
		s.Advance(2 * minute)
	}
}

// ruleFlow is a change that the account of the scene makes. It shows in whether the other account may read: reads[0] before
// it, reads[1] after. A change of which the answer was lost may have been made; asked again, it is made, whatever came before, and told of once.
func ruleFlow(name, method, path, body string, event audit.Type, reads [2]int, prepare func(*testing.T, *scene), calls ...string) flow {
	ask := func(_ *testing.T, s scene) *http.Request {
		target := path
		if path == "role" {
			target = "/auth/users/" + s.governed.Subject.ID + "/roles/editor"
		}
		return request(method, target, body, s.device.headers()...)
	}
	return flow{
		name: name, mode: "token", success: http.StatusNoContent, calls: calls, request: ask, prepare: byAdmin(prepare), reads: reads[1],
		after: func(t *testing.T, s scene, o outcome) {
			made := o.harm == harmLost && o.failed == calls[len(calls)-1]
			expected := reads[0]
			if made {
				expected = reads[1]
			}
			if o.failed != "Revoke" { // which may come before the change and after it
				assert.Equal(t, expected, s.status("GET", "/read", s.reader.headers()...), "half done")
			}
			told := len(s.Events(event))
			again := s.Do(ask(t, s))
			if again.Code != http.StatusNoContent {
				assert.Contains(t, []string{"policy_not_found", "role_fixed"}, problem(t, again).Code, "deleted already")
			}
			assert.Equal(t, reads[1], s.status("GET", "/read", s.reader.headers()...))
			assert.LessOrEqual(t, len(s.Events(event)), told+1)
		},
	}
}

func ruleFlows() []flow {
	define := func(t *testing.T, s *scene) {
		role := authz.Role{Name: "viewer"}
		require.NoError(t, s.AuthorizationService.DefineRole(t.Context(), authn.Principal{}, "", role))
	}
	editor := func(t *testing.T, s *scene) {
		require.NoError(t, s.AuthorizationService.DefineRole(t.Context(), authn.Principal{}, "", authz.Role{Name: "editor", Permissions: []string{"drafts.read"}}))
	}
	assigned := func(t *testing.T, s *scene) {
		editor(t, s)
		require.NoError(t, s.AuthorizationService.Assign(t.Context(), authn.Principal{}, s.governed.Subject, "editor"))
	}
	policy := func(t *testing.T, s *scene) {
		text := authz.PolicyText{Name: "closed", Format: "cedar", Text: `forbid (principal, action == Action::"articles.read", resource);`}
		require.NoError(t, s.AuthorizationService.DefinePolicy(t.Context(), authn.Principal{}, "", text))
	}
	closes, opens := [2]int{200, 403}, [2]int{403, 200}
	return []flow{
		ruleFlow("define role", "PUT", "/auth/roles/viewer", `{"permissions":[]}`, audit.RoleDefined, closes, nil, "Rules", "Revoke", "ChangeRules"),
		ruleFlow("delete role", "DELETE", "/auth/roles/viewer", "", audit.RoleDeleted, opens, define, "Rules", "Revoke", "ChangeRules"),
		ruleFlow("define policy", "PUT", "/auth/policies/closed", `{"text":"forbid (principal, action == Action::\"articles.read\", resource);"}`, audit.PolicyDefined, closes, nil, "Rules", "Revoke", "ChangeRules"),
		ruleFlow("delete policy", "DELETE", "/auth/policies/closed", "", audit.PolicyDeleted, opens, policy, "Rules", "Revoke", "ChangeRules"),
		ruleFlow("assign", "PUT", "role", "", audit.RoleAssigned, closes, editor, "Assignments", "Revoke", "Assign"),
		ruleFlow("unassign", "DELETE", "role", "", audit.RoleUnassigned, opens, assigned, "Revoke", "Unassign"),
	}
}
