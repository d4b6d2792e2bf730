package fxtest_test

import (
	"testing"

	"github.com/authmodule/authmodule"
	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/authz/authztest"
	"github.com/authmodule/authmodule/authz/policy"
	"github.com/authmodule/authmodule/fxtest"
)

func TestPolicies(t *testing.T) {
	t.Parallel()
	fxtest.Policies(t, "testdata/application.yaml", "testdata/*.authz.yaml")
}

// An application with roles and policies in code is asked as it runs.
func TestPoliciesOfAnApplication(t *testing.T) {
	t.Parallel()
	articles := authz.ResourceConfig{Attributes: map[string]string{"owner": "User"}, Actions: []string{"articles.edit"}}
	app := fxtest.NewConfigured(t,
		func(c *authmodule.Config) {
			c.RBAC.Policies.Resources = map[string]authz.ResourceConfig{"Article": articles}
		},
		authmodule.AddRoles(authz.Role{Name: "editor", Permissions: []string{"articles.read"}}),
		authmodule.AddPolicies(policy.Source{Name: "code", Text: []byte(
			`@id("owner-edits") permit (principal in Role::"editor", action == Action::"articles.edit", resource is Article) when { resource.owner == principal };`)}),
	)
	authztest.Run(t, authztest.Service(app.AuthorizationService), "testdata/*.authz.yaml")
}
