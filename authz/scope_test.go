package authz_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/setting"
)

func scopedService(t *testing.T, enabled setting.Toggle) *authz.Service {
	t.Helper()
	store := newFakeStore()
	service, err := authz.New(authz.Config{
		Enabled: enabled, SuperuserRole: "root",
		Roles: map[string]authz.RoleConfig{
			"editor": {Permissions: []string{"articles.*", "notes.read"}},
			"reader": {Permissions: []string{"*.read"}},
			"all":    {Permissions: []string{"*.*"}},
		},
	}, authz.Deps{Rules: store, Assignments: store})
	require.NoError(t, err)
	return service
}

func scoped(role string, scopes ...string) authn.Principal {
	if scopes == nil {
		scopes = []string{}
	}
	return authn.Principal{
		Kind: authn.KindUser, Subject: authn.Subject{ID: "ada"}, Roles: []string{role}, KeyID: "k1", Scopes: scopes,
	}
}

// A credential with scopes may do what a role and a scope both allow.
func TestScopesNarrowPermissions(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, permission string
		have             authn.Principal
		expected         string
	}{
		{"both allow", "articles.read", scoped("editor", "articles.read"), authz.ReasonGranted},
		{"a pattern", "articles.write", scoped("editor", "articles.*"), authz.ReasonGranted},
		{"an action", "notes.read", scoped("editor", "*.read"), authz.ReasonGranted},
		{"one of several", "notes.read", scoped("editor", "articles.read", "notes.read"), authz.ReasonGranted},
		{"no scope allows", "articles.write", scoped("editor", "articles.read"), authz.ReasonScope},
		{"no role allows", "users.delete", scoped("editor", "*.*"), authz.ReasonMissingPermission},
		{"no scopes at all", "articles.read", scoped("editor"), authz.ReasonScope},
		{"a superuser", "articles.write", scoped("root", "articles.read"), authz.ReasonScope},
		{"a superuser in scope", "articles.read", scoped("root", "articles.read"), authz.ReasonSuperuser},
		{"a malformed scope", "articles.read", scoped("editor", "articles", "*", "", "articles.read.x", "articles.rea*"), authz.ReasonScope},
		{"another case", "articles.read", scoped("editor", "Articles.read"), authz.ReasonScope},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			service := scopedService(t, setting.On)
			decision, err := service.Authorize(t.Context(), tc.have, tc.permission, none)
			require.NoError(t, err)
			assert.Equal(t, tc.expected, decision.Reason)
			assert.Equal(t, tc.expected == authz.ReasonGranted || tc.expected == authz.ReasonSuperuser, decision.Allowed)
		})
	}
}

func TestDisabledRolesPassNoScope(t *testing.T) {
	t.Parallel()
	service := scopedService(t, setting.Off)
	decision, err := service.Authorize(t.Context(), scoped("x", "articles.read"), "articles.write", none)
	require.NoError(t, err)
	assert.Equal(t, authz.ReasonScope, decision.Reason)
	assert.True(t, service.Can(t.Context(), scoped("x", "articles.read"), "articles.read", none))
	decision, err = service.AuthorizeRoles(t.Context(), scoped("x", "*.*"), "x")
	require.NoError(t, err)
	assert.Equal(t, authz.ReasonScope, decision.Reason)
	permissions, err := service.Permissions(t.Context(), scoped("x", "articles.read"))
	require.NoError(t, err)
	assert.Equal(t, []string{"articles.read"}, permissions)
}

// A scope cannot express a role.
func TestScopedCredentialsHaveNoRole(t *testing.T) {
	t.Parallel()
	service := scopedService(t, setting.On)
	for _, role := range []string{"editor", "root"} {
		decision, err := service.AuthorizeRoles(t.Context(), scoped(role, "*.*"), role)
		require.NoError(t, err)
		assert.False(t, decision.Allowed)
		assert.Equal(t, authz.ReasonScope, decision.Reason)
	}
	login := scoped("editor")
	login.Scopes = nil
	decision, err := service.AuthorizeRoles(t.Context(), login, "editor")
	require.NoError(t, err)
	assert.True(t, decision.Allowed)
}

func TestPermissionsOfScopedCredentials(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name     string
		have     authn.Principal
		expected []string
	}{
		{"none", scoped("editor"), []string{}},
		{"narrower than the role", scoped("editor", "articles.read"), []string{"articles.read"}},
		{"wider than the role", scoped("editor", "*.*"), []string{"articles.*", "notes.read"}},
		{"across", scoped("editor", "*.read"), []string{"articles.read", "notes.read"}},
		{"crossed stars", scoped("reader", "articles.*"), []string{"articles.read"}},
		{"nothing in common", scoped("editor", "users.delete"), []string{}},
		{"of a superuser", scoped("root", "articles.*", "bad"), []string{"articles.*"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := scopedService(t, setting.On).Permissions(t.Context(), tc.have)
			require.NoError(t, err)
			assert.Equal(t, tc.expected, got)
		})
	}
}

func TestAuthorizeScopes(t *testing.T) {
	t.Parallel()
	service := scopedService(t, setting.On)
	login := scoped("none")
	login.KeyID, login.Scopes = "", nil
	for _, tc := range []struct {
		name     string
		have     authn.Principal
		asked    []string
		expected string
	}{
		{"covered, though no role grants it", scoped("none", "articles.*"), []string{"articles.read", "articles.write"}, authz.ReasonGranted},
		{"one is not covered", scoped("all", "articles.*"), []string{"articles.read", "notes.read"}, authz.ReasonScope},
		{"no scopes", scoped("all"), []string{"articles.read"}, authz.ReasonScope},
		{"a login", login, []string{"articles.read"}, authz.ReasonGranted},
		{"nobody", authn.Principal{}, []string{"articles.read"}, authz.ReasonAnonymous},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			decision, err := service.AuthorizeScopes(t.Context(), tc.have, tc.asked...)
			require.NoError(t, err)
			assert.Equal(t, tc.expected, decision.Reason)
			assert.Equal(t, tc.expected == authz.ReasonGranted, decision.Allowed)
		})
	}
	_, err := service.AuthorizeScopes(t.Context(), login)
	assert.ErrorIs(t, err, authz.ErrNothingRequired)
	decision, err := service.AuthorizeScopes(t.Context(), scoped("all", "*.*"), "articles.*")
	assert.ErrorIs(t, err, authz.ErrPermissionSyntax)
	assert.False(t, decision.Allowed)
}

// KEY-03: scopes are within what their creator may do.
func TestKEY03CheckScopes(t *testing.T) {
	t.Parallel()
	login := func(role string) authn.Principal {
		p := scoped(role)
		p.KeyID, p.Scopes = "", nil
		return p
	}
	for _, tc := range []struct {
		name     string
		have     authn.Principal
		scopes   []string
		expected string // the code of the fault
	}{
		{"none", login("editor"), nil, ""},
		{"held", login("editor"), []string{"articles.*", "articles.read", "notes.read"}, ""},
		{"wider than held", login("editor"), []string{"notes.*"}, "not_permitted"},
		{"all actions of one resource by one action of all", login("reader"), []string{"articles.*"}, "not_permitted"},
		{"one action", login("reader"), []string{"articles.read", "*.read"}, ""},
		{"everything", login("editor"), []string{"*.*"}, "not_permitted"},
		{"everything held", login("all"), []string{"*.*"}, ""},
		{"a superuser", login("root"), []string{"*.*"}, ""},
		{"nobody", authn.Principal{}, []string{"articles.read"}, "not_permitted"},
		{"not within the creator's own scopes", scoped("all", "articles.read"), []string{"articles.write"}, "not_permitted"},
		{"malformed", login("all"), []string{"articles"}, "malformed"},
		{"a star in a word", login("all"), []string{"articles.rea*"}, "malformed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			err := scopedService(t, setting.On).CheckScopes(t.Context(), tc.have, tc.scopes)
			if tc.expected == "" {
				require.NoError(t, err)
				return
			}
			var fault *authn.FieldError
			require.ErrorAs(t, err, &fault)
			assert.Equal(t, tc.expected, fault.Code)
			assert.Equal(t, "scopes", fault.Field)
		})
	}
}

func TestCheckScopesNeedsTheStore(t *testing.T) {
	t.Parallel()
	store := newFakeStore()
	store.readErr = errStore
	service, err := authz.New(authz.Config{}, authz.Deps{Rules: store, Assignments: store})
	require.NoError(t, err)
	p := scoped("editor")
	p.Scopes = nil
	assert.ErrorIs(t, service.CheckScopes(t.Context(), p, []string{"articles.read"}), errStore)
}
