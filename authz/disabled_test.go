package authz_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authmodule/authmodule/authz"
	"github.com/authmodule/authmodule/authz/policy"
)

// While roles are switched off, the policies of configuration decide and stored ones do not: what is said about decisions
// beforehand and afterwards is by the same rules as the decisions.
func TestSwitchedOffIsSaidAlike(t *testing.T) {
	t.Parallel()
	var cfg authz.Config
	require.NoError(t, cfg.Enabled.UnmarshalText([]byte("false")))
	cfg.Policies.Resources = map[string]authz.ResourceConfig{"Article": {Attributes: map[string]string{"status": "String"}, Actions: []string{"articles.read"}}}
	cfg.Policies.Inline = `forbid(principal, action == Action::"articles.read", resource) when { resource.status == "secret" };`
	b := setup(t, cfg)
	b.store.apply("", authz.RuleChange{PutPolicies: []authz.PolicyText{
		{Name: "all", Format: authz.FormatCedar, Text: `forbid(principal, action == Action::"articles.read", resource);`},
	}})
	article := authz.Resource{Type: "Article", ID: "1", Attributes: authz.Attributes{"status": "public"}}
	require.True(t, b.service.Can(t.Context(), user(), "articles.read", article))
	require.False(t, b.service.Can(t.Context(), user(), "articles.read", none), "it depends on the resource")

	o, err := b.service.Outlook(t.Context(), "", "articles.read")
	require.NoError(t, err)
	assert.Equal(t, authz.Outlook{Grantable: true, NeedsResource: true}, o)
	recorded := authz.Record{Allowed: true, Request: policy.Request{Principal: policy.Principal{ID: "u1"}, Action: "articles.read", Resource: article}}
	changed, err := b.service.DryRun(t.Context(), "", authz.RuleChange{}, func(yield func(authz.Record, error) bool) { yield(recorded, nil) })
	require.NoError(t, err)
	assert.Empty(t, changed, "nothing changes")
}
