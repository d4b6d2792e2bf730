package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/authz/authztest"
)

// TestPolicies holds the roles and policies to the table of who may do what.
func TestPolicies(t *testing.T) {
	t.Parallel()
	sources, err := policies()
	require.NoError(t, err)
	rules := authztest.Config(withArticles(authz.Config{})).WithRoles(roles()...).WithPolicies(sources...)
	authztest.Run(t, rules.RequireCoverage(), "testdata/*.authz.yaml")
}
