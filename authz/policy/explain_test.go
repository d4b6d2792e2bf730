package policy_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authz/policy"
	"github.com/authmodule/authmodule/setting"
)

func TestExplain(t *testing.T) {
	t.Parallel()
	set := compile(t, `
@id("own") @why("authors") permit(principal in Role::"editor", action == Action::"articles.edit", resource is Article)
when { resource.owner == principal }
unless { resource.status == "locked" || resource.level > 9 };
@id("news") permit(principal in Role::"news", action == Action::"articles.edit", resource);
@id("department") forbid(principal, action == Action::"articles.edit", resource is Article)
when { resource has department && principal has department && resource.department != principal.department };
@id("sum") permit(principal, action == Action::"articles.edit", resource is Article) when { resource.level + 9223372036854775807 > 0 };
@id("other") permit(principal, action == Action::"articles.read", resource);`)
	r := article("u1", "u1", "editor")
	delete(r.Principal.Attributes, "department")
	got := set.Explain(t.Context(), r)
	require.Equal(t, set.Evaluate(t.Context(), r), got.Verdict)
	require.Equal(t, []policy.PolicyTrace{
		{
			Policy: "own", At: "p.cedar:2:28", Effect: policy.Permit, Annotations: map[string]string{"id": "own", "why": "authors"}, Applies: true,
			Conditions: []policy.ConditionTrace{
				{Text: "when { resource.owner == principal }", Holds: true, Saw: []policy.Sight{{Attribute: "resource.owner", Value: `User::"u1"`}}},
				{Text: `unless { resource.status == "locked" || resource.level > 9 }`, Holds: true, Saw: []policy.Sight{{Attribute: "resource.status", Value: `"draft"`}, {Attribute: "resource.level", Value: "2"}}},
			},
		},
		{Policy: "news", At: "p.cedar:5:13", Effect: policy.Permit, Annotations: map[string]string{"id": "news"}, Why: "its scope does not fit"},
		{
			Policy: "department", At: "p.cedar:6:19", Effect: policy.Forbid, Annotations: map[string]string{"id": "department"},
			Why: "does not hold: when { resource has department && principal has department && resource.department != principal.department }",
			Conditions: []policy.ConditionTrace{{
				Text: "when { resource has department && principal has department && resource.department != principal.department }",
				Saw:  []policy.Sight{{Attribute: "resource.department", Value: `"news"`}, {Attribute: "principal.department", Value: policy.Missing}},
			}},
		},
		{
			Policy: "sum", At: "p.cedar:8:12", Effect: policy.Permit, Annotations: map[string]string{"id": "sum"},
			Why: "integer overflow",
			Conditions: []policy.ConditionTrace{{
				Text: "when { resource.level + 9223372036854775807 > 0 }", Err: "integer overflow",
				Saw: []policy.Sight{{Attribute: "resource.level", Value: "2"}},
			}},
		},
	}, got.Policies)
}

func TestExplainWithoutResource(t *testing.T) {
	t.Parallel()
	set := compile(t, `@id("f") forbid(principal, action == Action::"articles.edit", resource is Article) when { context.mfaAge > 1 } when { resource.level > 3 };`)
	r := article("u1", "u1")
	r.Resource = policy.Resource{}
	got := set.Explain(t.Context(), r)
	require.Equal(t, policy.Error, got.Verdict.Effect)
	require.Len(t, got.Policies, 1)
	require.Equal(t, "it depends on the resource, and the request names none", got.Policies[0].Why)
	require.Len(t, got.Policies[0].Conditions, 1)
}

// TestExplainShowsNoSecrets looks at everything that an explanation says.
func TestExplainShowsNoSecrets(t *testing.T) {
	t.Parallel()
	v := articles()
	v.Attributes["apiToken"], v.Attributes["note"] = "String", "String"
	v.Schema = append(v.Schema, policy.Source{Name: "s", Text: []byte(`entity User { box: { password: String, size: Long }, notes: Set<String> };`)})
	set, err := policy.Compile(v, policy.Limits{}, policy.Source{Name: "p", Text: []byte(`
		permit(principal, action == Action::"articles.edit", resource) when { principal has apiToken && principal.apiToken == "x" };
		permit(principal, action == Action::"articles.edit", resource) when { principal has note && principal.note == "y" };
		permit(principal, action == Action::"articles.edit", resource) when { principal has notes && principal.notes.contains("y") };
		permit(principal, action == Action::"articles.edit", resource) when { principal has box && principal.box == {password: "z", size: 3} };
		permit(principal, action == Action::"articles.edit", resource) when { principal has box && principal.box.password like "q*" };`)})
	require.NoError(t, err)
	r := article("u1", "u1")
	r.Principal.Attributes["apiToken"], r.Principal.Attributes["note"] = "hunter2", setting.Secret("hunter2")
	r.Principal.Attributes["notes"] = []setting.Secret{"hunter2"}
	r.Principal.Attributes["box"] = map[string]any{"password": "hunter2", "size": 3}
	got := set.Explain(t.Context(), r)
	require.NoError(t, got.Verdict.Err)
	require.Len(t, got.Policies, 5)
	require.NotContains(t, fmt.Sprintf("%+v", got), "hunter2")
	require.Contains(t, fmt.Sprintf("%+v", got), "size")
}
