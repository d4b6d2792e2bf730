package policy_test

import (
	"context"
	"fmt"

	"github.com/authmodule/authmodule/authz/policy"
)

// Editors edit their own articles, and nobody edits one that is locked.
func Example() {
	vocabulary := policy.Vocabulary{Resources: map[string]policy.ResourceType{
		"Article": {Attributes: map[string]string{"owner": "User", "status": "String"}, Actions: []string{"articles.edit"}},
	}}
	set, err := policy.Compile(vocabulary, policy.Limits{}, policy.Source{Name: "articles.yaml", Format: policy.YAML, Text: []byte(`
policies:
  - id: editors-edit-own
    allow: articles.edit
    roles: editor
    when: {resource.owner: principal}
  - id: locked
    deny: articles.edit
    when: {resource.status: locked}
`)})
	if err != nil {
		fmt.Println(err)
		return
	}
	request := &policy.Request{
		Principal: policy.Principal{ID: "ann", Roles: []string{"editor"}},
		Action:    "articles.edit",
		Resource:  policy.Resource{Type: "Article", ID: "7", Attributes: policy.Attributes{"owner": "ann", "status": "draft"}},
	}
	fmt.Println(set.Evaluate(context.Background(), request).Effect)

	request.Resource.Attributes["status"] = "locked"
	verdict := set.Evaluate(context.Background(), request)
	fmt.Println(verdict.Effect, verdict.Reasons[0].Policy, verdict.Reasons[0].At)

	delete(request.Resource.Attributes, "status")
	fmt.Println(set.Evaluate(context.Background(), request).Err)
	// Output:
	// permit
	// forbid locked articles.yaml:7:5
	// policy: resource.status is missing
}

// A mistake is found when policies are loaded.
func ExampleCompile() {
	_, err := policy.Compile(policy.Vocabulary{Permissions: []string{"reports.read"}}, policy.Limits{}, policy.Source{
		Name: "reports.cedar", Text: []byte("permit(principal, action == Action::\"reports.raed\", resource);"),
	})
	fmt.Println(err)
	// Output: reports.cedar:1:37: unknown action reports.raed; did you mean reports.read?
}
