package transport_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authn"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/echoauth"
)

// office is an application whose roles and policies are administered over HTTP.
type office struct{ app }

func startOffice(t testing.TB) office {
	t.Helper()
	resources := map[string]authz.ResourceConfig{"Article": {Attributes: map[string]string{"owner": "User", "words": "Long"}, Actions: []string{"articles.edit"}}}
	return office{startConfigured(t, func(c *authmodule.Config) {
		c.HTTP.RBACEndpoints, c.RBAC.Policies.Resources = true, resources
		c.RBAC.Roles = map[string]authz.RoleConfig{"author": {Permissions: []string{"articles.read", "articles.edit"}}}
	}, authmodule.AddRoles(
		authz.Role{Name: "admin", Permissions: []string{"*.*"}},
		authz.Role{Name: "lead", Inherits: []string{"author"}, Permissions: []string{"roles.*", "assignments.*"}},
		authz.Role{Name: "billing", Permissions: []string{"bills.*"}},
		authz.Role{Name: "only-roles-read", Permissions: []string{"roles.read"}},
		authz.Role{Name: "only-roles-write", Permissions: []string{"roles.write"}},
		authz.Role{Name: "only-assignments-read", Permissions: []string{"assignments.read"}},
		authz.Role{Name: "only-assignments-write", Permissions: []string{"assignments.write"}},
		authz.Role{Name: "only-policies-read", Permissions: []string{"policies.read"}},
		authz.Role{Name: "only-policies-write", Permissions: []string{"policies.write"}},
		authz.Role{Name: "all-reads", Permissions: []string{"*.read"}},
	), fx.Invoke(func(e *echo.Echo) {
		e.GET("/articles", func(c echo.Context) error { return c.NoContent(http.StatusOK) }, echoauth.RequirePermissions("articles.read"))
	}))}
}

// caller is a login of an account.
type caller struct {
	office
	id      string
	headers []string
}

// as logs a new account with the roles in.
func (o office) as(t testing.TB, roles ...string) caller {
	t.Helper()
	p := o.Principal(roles...)
	return caller{o, p.Subject.ID, bearer(o.Token(p))}
}

// in logs a new account of another tenant in.
func (o office) in(t testing.TB, tenant authn.Tenant, email string, roles ...string) caller {
	t.Helper()
	ctx := context.Background()
	user, err := o.Users.CreateUser(ctx, authn.RegisterRequest{Tenant: tenant, Email: email, Password: password})
	require.NoError(t, err)
	for _, role := range roles {
		require.NoError(t, o.AuthorizationService.Assign(ctx, authn.Principal{}, user.Subject, role))
	}
	proof := authn.Proof{Subject: user.Subject, Methods: []string{authn.MethodPassword}, Time: o.Now()}
	grant, err := o.Users.Complete(ctx, proof, authn.Completion{Carrier: authn.CarrierToken})
	require.NoError(t, err)
	return caller{o, user.Subject.ID, bearer(grant.AccessToken.Reveal())}
}

func (c caller) do(method, path, body string) *httptest.ResponseRecorder {
	return c.Do(request(method, path, body, c.headers...))
}

// does expects an answer without a body.
func (c caller) does(t testing.TB, method, path, body string) {
	t.Helper()
	w := c.do(method, path, body)
	require.Equal(t, http.StatusNoContent, w.Code, w.Body.String())
}
