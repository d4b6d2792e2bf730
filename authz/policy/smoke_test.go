package policy_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authz/policy"
)

func articles() policy.Vocabulary {
	return policy.Vocabulary{
		Resources: map[string]policy.ResourceType{
			"Article": {
				Attributes: map[string]string{"owner": "User", "status": "String", "tags": "Set<String>", "department": "String?", "level": "Long"},
				Parents:    []string{"Folder"},
				Actions:    []string{"articles.edit", "articles.read", "articles.delete"},
			},
			"Folder": {},
		},
		Attributes:  map[string]string{"department": "String", "level": "Long"},
		Permissions: []string{"reports.read", "users.list"},
	}
}

func compile(t testing.TB, text string) *policy.Set {
	s, err := policy.Compile(articles(), policy.Limits{}, policy.Source{Name: "p.cedar", Text: []byte(text)})
	require.NoError(t, err)
	return s
}

func TestSmoke(t *testing.T) {
	t.Parallel()
	s := compile(t, `permit(principal in Role::"editor", action == Action::"articles.edit", resource is Article) when { resource.owner == principal };
@id("x") forbid(principal, action, resource) when { principal has level && principal.level < 3 };`)
	v := s.Evaluate(context.Background(), &policy.Request{Principal: policy.Principal{ID: "u1", Roles: []string{"editor"}}, Action: "articles.edit",
		Resource: policy.Resource{Type: "Article", ID: "1", Attributes: policy.Attributes{"owner": "u1"}}})
	require.NoError(t, v.Err)
	require.Equal(t, policy.Permit, v.Effect)
	t.Log(string(s.Cedar()), string(s.Schema()))
	b, err := s.MarshalJSON()
	t.Log(string(b), err)
	for _, text := range []string{
		`permit(principal in Role::"editor", action == Action::"articles.edt", resource);`,
		`permit(principal, action == Action::"articles.edit", resource) when { resource.ownr == principal };`,
		`permit(principal, action == Action::"articles.edit", resource) when { principal has leve };`,
		`permit(principal, action == Action::"articles.edit", resource) when { principal.level > 3 };`,
		`permit(principal, action == Action::"articles.edit", resource is Artcle);`,
		`permit(principal, action == Action::"articles.edit", resource) when { false };`,
		`permit(principal, action == Action::"articles.edit", resource) when { resource.status == 1 };`,
		`permit(principal, action == Action::"articles.edit", resource)
 when { resource.status == "a" && resource.status == "b" };`,
		`permit(principle, action == Action::"articles.edit", resource);`,
		`permt(principal, action == Action::"articles.edit", resource);`,
		`permit(principal, action == Action::"articles.edit", resource) when { resource.status = 3 };`,
		`permit(principal, action == Action::"articles.edit", resource) when { resource.status == };`,
		`permit(principal, action == Action::"articles.edit", resource) when { foo(3) };`,
		`permit(principal, action == Action::"articles.edit", resource) when { contxt.ip == ip("1.2.3.4") };`,
		`permit(principal, action == Action::"articles.edit", resource) when { context.ip == ip("1.2.3") };`,
		`permit(principal, action, resource) when { resource.owner == principal };`,
		`permit(principal, action == Action::"reports.read", resource) when { resource.owner == principal };`,
		`permit(principal, action == Action::"articles.edit", resource is Folder);`,
		`permit(principal, action, resource) when { context.mfaAge > 5 } unless { context.mfaAge >= 3 };`,
		`permit(principal, action, resource)`,
		`permit(principal, action, resource) when { resource.folder.owner == principal };
permit(principal, action, resource);permit(principal ,action,resource);`,
	} {
		_, err := policy.Compile(articles(), policy.Limits{}, policy.Source{Name: "p.cedar", Text: []byte(text)})
		t.Log(err)
	}
}
