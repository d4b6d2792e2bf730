package policy_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authz/policy"
)

// Whoever asks about itself is one entity, which has the attributes and the ancestors of the resource too: what a policy forbids
// because of them stays forbidden (POL-01).
func TestWhoAsksAboutItself(t *testing.T) {
	t.Parallel()
	v := policy.Vocabulary{
		Schema:     []policy.Source{{Name: "s", Text: []byte(`action "users.edit" appliesTo { principal: User, resource: User };`)}},
		Attributes: map[string]string{"locked": "Bool", "level": "Long"},
	}
	const forbid = `forbid(principal, action == Action::"users.edit", resource) `
	attributes := func(name string, value any) policy.Attributes { return policy.Attributes{name: value} }
	for name, tc := range map[string]struct {
		text       string
		own, other policy.Attributes
		want       policy.Effect
	}{
		"of the resource":               {`when { resource has locked && resource.locked };`, nil, attributes("locked", true), policy.Forbid},
		"of the resource, not so":       {`when { resource has locked && resource.locked };`, nil, attributes("locked", false), policy.None},
		"of the resource alone, as his": {`when { principal has level && principal.level > 3 };`, nil, attributes("level", 4), policy.Forbid},
		"of the principal":              {`when { resource has level && resource.level > 3 };`, attributes("level", 4), nil, policy.Forbid},
		"both alike":                    {`when { resource has level && resource.level > 3 };`, attributes("level", 4), attributes("level", int64(4)), policy.Forbid},
		"both, and they differ":         {`when { resource has level && resource.level > 3 };`, attributes("level", 4), attributes("level", 1), policy.Error},
		"of another tenant":             {`when { principal.tenant != resource.tenant };`, nil, attributes("tenant", "globex"), policy.Error},
		"of another type":               {`when { resource has level && resource.level > 3 };`, attributes("level", 4), attributes("level", "4"), policy.Error},
		"a role":                        {`when { resource in Role::"banned" };`, nil, nil, policy.Forbid},
		"himself":                       {`unless { principal == resource };`, nil, nil, policy.None},
	} {
		s, err := policy.Compile(v, policy.Limits{}, policy.Source{Name: "p", Text: []byte(forbid + tc.text)})
		require.NoError(t, err, name)
		got := s.Evaluate(t.Context(), &policy.Request{
			Principal: policy.Principal{ID: "u1", Tenant: "acme", Kind: "user", Roles: []string{"banned"}, Attributes: tc.own},
			Action:    "users.edit", Resource: policy.Resource{Type: "User", ID: "u1", Attributes: tc.other},
		})
		assert.Equal(t, tc.want, got.Effect, "%s: %v", name, got.Err)
	}
}
