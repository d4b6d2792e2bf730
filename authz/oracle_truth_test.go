package authz_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
)

// truthful holds what a decision says of its reason to the rules.
func (w *world) truthful(t *testing.T, p authn.Principal, action string, on authz.Resource, d authz.Decision) {
	t.Helper()
	require.True(t, d.Required == action, d.Required)
	role, _ := w.role(p.Subject.Tenant, d.Role)
	switch d.Reason {
	case authz.ReasonGranted:
		require.True(t, holds(role, "", action), "%s does not hold %s", d.Role, action)
	case authz.ReasonDenied:
		require.True(t, holds(role, "!", action), "%s does not take %s away", d.Role, action)
	case authz.ReasonSuperuser:
		require.Equal(t, w.superuser, d.Role)
	default:
		require.Empty(t, d.Role)
	}
	require.Equal(t, d.Role == "", d.Path == nil)
	said := w.policiesSay(p, action, on)
	var ids []string
	for _, text := range d.Policies {
		id, place, _ := strings.Cut(text, " ")
		require.Regexp(t, `^\((auth\.rbac\.policies\.inline|store: (one|two|three)):\d+:\d+\)$`, place)
		ids = append(ids, id)
	}
	switch d.Reason {
	case authz.ReasonPermitted:
		require.ElementsMatch(t, said.permits, ids)
	case authz.ReasonForbidden:
		require.ElementsMatch(t, said.forbids, ids)
	case authz.ReasonPolicyError: // the first one may have ended it, or it is about the resource itself
		for _, id := range ids {
			require.Contains(t, said.fails, id)
		}
	default:
		require.Empty(t, ids)
	}
}

// checkPath holds a path to a way that exists, from an assigned role to the one named.
func (w *world) checkPath(t *testing.T, p authn.Principal, role string, path []string) {
	t.Helper()
	ok := len(path) > 0 && slices.Contains(p.Roles, path[0]) && path[len(path)-1] == role
	for i := 1; ok && i < len(path); i++ {
		heir, _ := w.role(p.Subject.Tenant, path[i-1])
		ok = slices.Contains(heir.Inherits, path[i])
	}
	require.True(t, ok, "%v has no path %v to %s", p.Roles, path, role)
}

// explained holds an explanation to the decision and to the rules.
func (w *world) explained(t *testing.T, p authn.Principal, action string, on authz.Resource, d authz.Decision, err error) {
	t.Helper()
	e, explainErr := w.service.Explain(t.Context(), p, action, on)
	d.ID = ""
	require.Equal(t, d, e.Decision)
	if require.Equal(t, err != nil, explainErr != nil); err != nil {
		require.EqualError(t, explainErr, err.Error())
	}
	if !aPermission.MatchString(action) {
		require.Nil(t, e.Roles)
		return
	}
	require.Len(t, e.Roles, len(p.Roles))
	if w.enabled && !nobody(p) {
		for i, name := range p.Roles {
			w.explainedRole(t, p, action, name, e.Roles[i])
		}
	}
	require.True(t, (e.Policies != nil) == (len(w.inForce(p.Subject.Tenant, action)) > 0) || nobody(p))
}

func (w *world) explainedRole(t *testing.T, p authn.Principal, action, name string, e authz.RoleExplanation) {
	t.Helper()
	_, defined := w.role(p.Subject.Tenant, name)
	require.Equal(t, name, e.Role)
	require.Equal(t, defined, e.Defined)
	seen := map[string]bool{}
	var expected, got []string
	w.above(p.Subject.Tenant, name, func(role authz.Role) bool {
		for _, text := range role.Permissions {
			if !seen[role.Name] && fits(strings.TrimPrefix(text, "!"), action) {
				expected = append(expected, role.Name+" "+text)
			}
		}
		seen[role.Name] = true
		return false
	})
	for _, s := range e.Says {
		holder := s.Path[len(s.Path)-1]
		require.Equal(t, name, s.Path[0])
		w.checkPath(t, p, holder, s.Path)
		got = append(got, holder+" "+s.Permission)
	}
	require.ElementsMatch(t, expected, got)
}
