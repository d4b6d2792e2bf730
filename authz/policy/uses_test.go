package policy_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authz/policy"
)

func TestAskedRoles(t *testing.T) {
	t.Parallel()
	v := policy.Vocabulary{
		Roles: []string{"a", "b", "c"}, Permissions: []string{"x.y"},
		Resources: map[string]policy.ResourceType{"Desk": {Attributes: map[string]string{"staff": "Role"}, Actions: []string{"desks.use"}}},
	}
	for text, expected := range map[string][]string{
		`permit (principal, action == Action::"x.y", resource);`:                                                       nil,
		`permit (principal in Role::"a", action == Action::"x.y", resource);`:                                          {"a"},
		`forbid (principal, action == Action::"x.y", resource) unless { principal in [Role::"a", Role :: "\u{63}"] };`: {"a", "c"},
		`forbid (principal, action == Action::"desks.use", resource) when { principal in resource.staff };`:            {"a", "b", "c"},
	} {
		set, err := policy.Compile(v, policy.Limits{}, policy.Source{Name: "p", Text: []byte(text)})
		require.NoError(t, err)
		assert.Equal(t, expected, set.AskedRoles(v.Roles), text)
	}
}
