package policy_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authz/policy"
	"github.com/authmodule/authmodule/setting"
)

// Whatever maps and lists a secret stands in, no record shows it, nor what no policy can read.
func TestRecordsShowNoSecret(t *testing.T) {
	t.Parallel()
	account := struct{ Hash string }{"hunter2"}
	cycle := map[string]any{}
	cycle["self"] = cycle
	for name, v := range map[string]any{
		"a map of texts": map[string]string{"password": "hunter2"}, "a list of maps": []map[string]any{{"password": "hunter2"}},
		"lists in a map": map[string][]string{"token": {"hunter2"}}, "secrets in a map": []map[string][]setting.Secret{{"v": {"hunter2"}}},
		"attributes": []policy.Attributes{{"otp": "hunter2"}}, "a struct": account, "a pointer": &account, "a function": func() {}, "a circle": cycle,
	} {
		written, err := json.Marshal(policy.Attributes{"v": v})
		require.NoError(t, err, name)
		assert.NotContains(t, string(written), "hunter2", name)
		assert.Contains(t, string(written), setting.Redacted, name)
	}
	written, err := json.Marshal(policy.Attributes{"a": map[string][]string{"b": {"c"}}, "n": 7, "e": policy.Entity{Type: "User", ID: "u1"}})
	require.NoError(t, err)
	assert.JSONEq(t, `{"a": {"b": ["c"]}, "n": 7, "e": {"type": "User", "id": "u1"}}`, string(written), "all else is shown")
}

// An explanation shows no secret that stands deep in an attribute.
func TestExplanationsShowNoDeepSecret(t *testing.T) {
	t.Parallel()
	v := policy.Vocabulary{Schema: []policy.Source{{Name: "s", Text: []byte(`
		type Pair = { v: String };
		entity Doc { pairs: Set<Pair> };
		action "docs.read" appliesTo { principal: User, resource: Doc };`)}}}
	s, err := policy.Compile(v, policy.Limits{}, policy.Source{Name: "p", Text: []byte(
		`permit(principal, action == Action::"docs.read", resource) when { resource.pairs.contains({v: "z"}) };`)})
	require.NoError(t, err)
	for name, pairs := range map[string]any{
		"maps": []map[string]any{{"v": setting.Secret("hunter2")}}, "secrets": []map[string]setting.Secret{{"v": "hunter2"}},
		"attributes": []policy.Attributes{{"v": setting.Secret("hunter2")}},
	} {
		x := s.Explain(t.Context(), &policy.Request{Principal: policy.Principal{ID: "u1"}, Action: "docs.read", Resource: policy.Resource{
			Type: "Doc", ID: "1", Attributes: policy.Attributes{"pairs": pairs},
		}})
		require.Len(t, x.Policies, 1, name)
		assert.NotContains(t, fmt.Sprint(x), "hunter2", name)
		assert.Contains(t, fmt.Sprint(x), setting.Redacted, name)
	}
}
