package authztest_test

import (
	"testing"

	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/authz/authztest"
)

// In an application's test, whose configuration is that of the application:
//
//	func TestPolicies(t *testing.T) { ... }
func ExampleRun() {
	cfg := authz.Config{Roles: map[string]authz.RoleConfig{"editor": {Permissions: []string{"articles.read"}}}}
	testPolicies := func(t *testing.T) {
		authztest.Run(t, authztest.Config(cfg).RequireCoverage(), "testdata/*.authz.yaml")
	}
	_ = testPolicies
}
