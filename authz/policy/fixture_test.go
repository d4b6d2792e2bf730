package policy_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authz/policy"
)

// articles is a vocabulary in Go values, with a group of actions from a schema.
func articles() policy.Vocabulary {
	return policy.Vocabulary{
		Resources: map[string]policy.ResourceType{
			"Article": {
				Attributes: map[string]string{"owner": "User", "status": "String", "tags": "Set<String>", "department": "String?", "level": "Long"},
				Parents:    []string{"Folder"},
				Actions:    []string{"articles.edit", "articles.read", "articles.delete"},
			},
			"Folder": {Parents: []string{"Folder"}},
		},
		Schema: []policy.Source{{Name: "posts.cedarschema", Text: []byte(`
			entity Post in Folder { owner: User, level: Long };
			action "posts.all";
			action "posts.read", "posts.edit" in ["posts.all"] appliesTo { principal: User, resource: Post };
		`)}},
		Attributes:  map[string]string{"department": "String", "level": "Long"},
		Permissions: []string{"reports.read", "users.list"},
	}
}

func compile(tb testing.TB, text string) *policy.Set {
	tb.Helper()
	s, err := policy.Compile(articles(), policy.Limits{}, policy.Source{Name: "p.cedar", Text: []byte(text)})
	require.NoError(tb, err)
	return s
}

// article is a request about one, with all that it needs.
func article(user, owner string, roles ...string) *policy.Request {
	r := benchRequest()
	r.Principal.ID, r.Principal.Roles, r.Resource.Attributes["owner"] = user, roles, owner
	return r
}
