package policy_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authz/policy"
)

// Checking policies that look at the action takes as long as there are kinds of requests, and as there are actions once more where
// they ask what it is in: a megabyte of them is refused before it takes minutes. POL-02.
func TestPoliciesThatTakeLongToCheck(t *testing.T) {
	t.Parallel()
	v := policy.Vocabulary{Resources: map[string]policy.ResourceType{}}
	for k := range 10 {
		r := policy.ResourceType{Attributes: map[string]string{"owner": "User"}}
		for i := range 20 {
			r.Actions = append(r.Actions, fmt.Sprintf("a%d.x%d", k, i))
		}
		v.Resources[fmt.Sprintf("R%d", k)] = r
	}
	asks := strings.Repeat(`action in [Action::"a0.x0"] || `, 243)
	for condition, refused := range map[string]bool{
		`action in [Action::"a0.x0"] || resource.owner == principal`: false, asks + "resource.owner == principal": true,
	} {
		var b strings.Builder
		for i := range 10 {
			_, _ = fmt.Fprintf(&b, "permit(principal in Role::\"r%d\", action, resource) when { %s };\n", i, condition)
		}
		_, err := policy.Compile(v, policy.Limits{}, policy.Source{Name: "p", Text: []byte(b.String())})
		if refused {
			require.ErrorContains(t, err, "checking the policies takes too long")
			continue
		}
		require.NoError(t, err)
	}
}
