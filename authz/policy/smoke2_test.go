package policy_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/authmodule/authmodule/authz/policy"
)

func TestSmokeYAML(t *testing.T) {
	for _, text := range []string{`
policies:
  - id: editors-edit-own
    description: say "hi"
    allow: [articles.edit, articles.read]
    roles: [editor, 'a"b']
    resource: Article
    when: resource.owner == principal && context.mfaAge < 300
    unless:
      resource.status: [locked, gone]
      principal.department: resource.department
  - id: x
    deny: articles.delete
    when: |
      context.mfaAge > 900 ||
        resource.level > 3
`, `
policies:
  - id: a
    alow: x
  - id: b
    allow: articles.edt
  - id: c
    allow: articles.edit
    when: |
      context.mfaAge > 900 ||
        resource.levl > 3
  - id: d
    allow: articles.edit
    when: context.mfaAg > 3
  - id: e
    allow: articles.edit
    when: "true }; permit(principal, action, resource) when { true"
  - id: f
    allow: articles.edit
    when: resource.level == "x"
  - id: g
    allow: articles.edit
    when: {resource.levl: 3}
  - id: h
    allow: articles.edit
    when: true } when { true
  - id: i
    allow: articles.edit
    roles: x
    roles: z
  - id: j
    allow: &a articles.edit
    when: resource.status like "***********************"
`} {
		s, err := policy.Compile(articles(), policy.Limits{}, policy.Source{Name: "p.yaml", Text: []byte(text), Format: policy.YAML})
		if err != nil {
			t.Log(err)
			continue
		}
		t.Log(string(s.Cedar()))
		x := s.Explain(context.Background(), &policy.Request{Principal: policy.Principal{ID: "u1", Roles: []string{"editor"}}, Action: "articles.edit",
			Resource: policy.Resource{Type: "Article", ID: "1", Attributes: policy.Attributes{"owner": "u1", "status": "gone"}}})
		t.Log(fmt.Sprintf("%+v", x))
	}
}
